//! Writes of REST services whose second application fails or does something else, although the method says otherwise.
//!
//! Source: the members that AWS's service models (botocore's, 2026-11) place in the header, query and body of `PUT` and
//! `DELETE` operations of `rest-json` and `rest-xml` services; and Ceph's reference of its gateway for `append`.

use aws_endpoints::Protocol;
use aws_endpoints::percent::decode_lossy;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::safety::Repeatable;

/// The last segments of paths at which each `PUT` makes another one: versions (`connect`), credentials that are rotated
/// (`mediapackage`), metrics (`sagemaker-metrics`), telemetry (`inspector2`).
const MAKES_MORE: [&str; 5] = ["version", "versions", "credentials", "BatchPutMetrics", "send"];

/// Longer keys are no conditions.
const LONGEST_KEY: usize = 64;

/// Whether a second `PUT` or `DELETE` differs from the first one.
///
/// What `DELETE` reports the second time (404), and `PUT` of something that exists and names itself in its path, leaves
/// what one would have left. Tokens (`clientToken` and the like) are there for repetition.
pub(super) fn differs(request: Repeatable<'_>) -> bool {
    let head = request.head;
    if head.uri.query().is_some_and(in_query) {
        return true;
    }
    if request.protocol != Protocol::RestJson || head.method != Method::PUT {
        return false;
    }
    makes_more(head.uri.path()) || (is_json(&head.headers) && request.pieces.is_none_or(in_json))
}

/// A condition in a parameter; or what makes the operation one that moves, appends or adds a version.
fn in_query(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = spelled(&decode_lossy(name));
        // S3's `renameObject`, Ceph's `append`, Pinpoint's `create-new-version`.
        matches!(name.as_str(), "renameobject" | "append" | "createnewversion") || is_condition(&name)
    })
}

/// The write is for the revision that the client has read: `lambda`, `iot`, `kafka`, `s3tables`, `codeartifact` and others.
fn is_condition(spelled: &str) -> bool {
    spelled.ends_with("revision")
        || spelled.ends_with("revisionid")
        || (spelled.starts_with("expected") && spelled.ends_with("version"))
        || matches!(spelled, "currentversion" | "versiontoken")
}

/// `policy-revision`, `policyRevision` and `PolicyRevision` are one.
fn spelled(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '-' | '_'));
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a key anywhere in the text is a condition. A key that is written with escapes is not seen: that is its client's.
fn in_json(pieces: &[Bytes]) -> bool {
    let mut text = String::new();
    let (mut is_text, mut is_escaped) = (false, false);
    // A piece may end anywhere.
    for byte in pieces.iter().flatten() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        match byte {
            b'\\' => is_escaped = is_text,
            b'"' => {
                is_text = !is_text;
                if is_text {
                    text.clear();
                }
            }
            _ if is_text && text.len() < LONGEST_KEY => text.push(char::from(*byte)),
            // Too long for a condition's, which it does not end like.
            _ if is_text => {}
            b':' if is_condition(&spelled(&text)) => return true,
            _ if byte.is_ascii_whitespace() => {}
            _ => text.clear(),
        }
    }
    false
}

fn is_json(headers: &HeaderMap) -> bool {
    // SDKs always say it; whoever says nothing means JSON to these services.
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_none_or(|kind| kind.to_ascii_lowercase().contains("json"))
}

/// A `PUT` to a collection (`/agents/` of Bedrock, `/bots/` of Lex) makes something whose name the service chooses.
fn makes_more(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|last| last.is_empty() || MAKES_MORE.contains(&last))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, request: &str, body: Option<&str>, want: bool) {
        let (method, target) = request.split_once(' ').unwrap();
        let uri = format!("https://service.example{target}");
        let (head, ()) = Request::builder()
            .method(method)
            .uri(uri)
            .body(())
            .unwrap()
            .into_parts();
        let pieces: Option<Vec<_>> = body.map(|body| {
            let pieces = body.as_bytes().chunks(3);
            pieces.map(Bytes::copy_from_slice).collect()
        });
        let request = Repeatable {
            protocol,
            head: &head,
            body: None,
            pieces: pieces.as_deref(),
        };
        assert_eq!(differs(request), want, "{method} {target} {body:?}");
    }

    #[test]
    fn parameters_that_make_a_write_conditional_or_another_one_are_seen() {
        for query in [
            "append&position=5",
            "append=&position=0",
            "%61ppend",
            "renameObject",
            "RevisionId=a",
            "a=b&revisionId=a",
            "expectedRevisionId=a",
            "expectedVersion=3",
            "expected-policy-version=3",
            "currentVersion=K3",
            "policy-revision=r",
            "policyRevisionId=r",
            "revision=3",
            "versionToken=t",
            "create-new-version=true",
        ] {
            for protocol in [Protocol::RestXml, Protocol::RestJson] {
                check(protocol, &format!("PUT /b/k?{query}"), Some(""), true);
                check(protocol, &format!("DELETE /b/k?{query}"), Some(""), true);
            }
        }
        for query in [
            "versionId=v",
            "version=1",
            "partNumber=1&uploadId=u",
            "clientToken=t",
            "x=append",
            "uploadId=append",
            "acl",
            "retention",
        ] {
            check(Protocol::RestXml, &format!("PUT /b/k?{query}"), None, false);
            check(Protocol::RestXml, &format!("DELETE /b/k?{query}"), Some(""), false);
        }
    }

    #[test]
    fn conditions_in_json_are_seen_and_what_cannot_be_looked_into_counts() {
        let put = "PUT /2015-03-31/functions/f/code";
        for (body, want) in [
            (Some("{\"RevisionId\":\"a\"}"), true),
            (Some("{\"ZipFile\":\"aa\", \"RevisionId\" : \"a\"}"), true),
            (Some("{\"currentVersion\":\"K3\"}"), true),
            (Some("{\"expectedVersion\":3}"), true),
            (Some("{\"a\":\"RevisionId\"}"), false),
            (Some("{\"ZipFile\":\"aa\"}"), false),
            (Some("{\"a\":\"\\\\\",\"b\":\"\\\"\",\"RevisionId\":\"a\"}"), true),
            (Some("{\"a\":\"\\\"RevisionId\\\":\"}"), false),
            (Some(""), false),
            (None, true),
        ] {
            check(Protocol::RestJson, put, body, want);
            // An object is no request.
            check(Protocol::RestXml, "PUT /b/k", body, false);
        }
    }

    #[test]
    fn puts_that_make_another_one_each_time_are_seen() {
        for path in [
            "/agents/",
            "/channels/c/credentials",
            "/views/i/v/versions",
            "/contact-flows/i/f/version",
            "/BatchPutMetrics",
        ] {
            check(Protocol::RestJson, &format!("PUT {path}"), Some("{}"), true);
            check(Protocol::RestXml, &format!("PUT {path}"), None, false);
        }
        check(Protocol::RestJson, "PUT /agents/a", Some("{}"), false);
        check(Protocol::RestJson, "DELETE /agents/", Some(""), false);
    }
}
