//! Whether sending a request twice is the same as once, should the first one have arrived after all.
//!
//! On REST services the method decides (RFC 9110, section 9.2.2), but for writes that are conditional: a second attempt at one
//! that took effect reports 412 or worse. What such a request names in the header of another protocol (`X-Amz-Target`)
//! changes nothing. On all other services the operation decides, whatever the method: `GET /?Action=RunInstances` starts
//! instances. It has to be named where a service of that protocol reads it, and wherever one is named it has to be one that
//! reads.

use std::borrow::Cow;

use aws_endpoints::Protocol;
use aws_endpoints::percent::decode_lossy;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::conditions;

/// What the operations that read begin with, followed by a capital letter or nothing.
///
/// Source: the service reference of IAM, which calls all actions so named "read" or "list" but for [`WRITING`] and some of
/// services whose protocol is REST.
const READING: [&str; 12] = [
    "BatchGet",
    "Describe",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Scan",
    "Search",
    "Select",
    "TransactGet",
];

/// Of those the ones that issue, rotate, claim or create something.
const WRITING: [&str; 20] = [
    "GetActivityTask",
    "GetClusterCredentials",
    "GetClusterCredentialsWithIAM",
    "GetClusterSessionCredentials",
    "GetCredentials",
    "GetCredentialsForIdentity",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetId",
    "GetInstanceAccessDetails",
    "GetOnClusterAppUIPresignedURL",
    "GetOpenIdToken",
    "GetOpenIdTokenForDeveloperIdentity",
    "GetPersistentAppUIPresignedURL",
    "GetRelationalDatabaseMasterUserPassword",
    "GetSessionEndpoint",
    "GetSessionToken",
    "GetTokensFromRefreshToken",
    "GetWebIdentityToken",
    "SearchRecoveryPoint",
];

/// A request as it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeatable<'a> {
    /// The wire protocol of the service.
    pub(crate) protocol: Protocol,
    pub(crate) head: &'a Parts,
    /// `None` where it is not in one piece of memory.
    pub(crate) body: Option<&'a [u8]>,
    /// `None` where it is not in memory.
    pub(crate) pieces: Option<&'a [Bytes]>,
}

/// Whether the request may take effect twice.
pub(super) fn is_safe(request: Repeatable<'_>) -> bool {
    let Parts {
        method, headers, uri, ..
    } = request.head;
    let query = uri.query().unwrap_or_default();
    match request.protocol {
        Protocol::RestXml | Protocol::RestJson => match *method {
            // A service that the tables do not know counts as REST, and may be none.
            Method::GET | Method::HEAD | Method::OPTIONS => actions(query.as_bytes()).all(|name| reads(&name)),
            Method::PUT | Method::DELETE => !is_conditional(headers) && !conditions::differs(request),
            _ => false,
        },
        // Protocols to come included: of what is not known to be REST the operation decides.
        _ => {
            let Some(mut named) = operations(request, query) else {
                return false;
            };
            let mut is_verified = false;
            let all_read = named.all(|(place, name)| {
                is_verified |= is_read_from(request.protocol, place);
                reads(&name)
            });
            all_read && is_verified
        }
    }
}

/// Where a request names an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// `X-Amz-Target`, of the JSON protocols.
    Target,
    /// `/service/NAME/operation/NAME`, of RPC v2.
    Path,
    /// `Action=`, of EC2 and the Query protocol.
    Action,
}

/// Whether services of this protocol find their operation in this place. Those that are called by Query, JSON or RPC v2 move
/// from one to the next, and take more than one of them meanwhile (SQS, `CloudWatch`); EC2 takes its own only.
fn is_read_from(protocol: Protocol, place: Place) -> bool {
    match protocol {
        Protocol::RestXml | Protocol::RestJson => false,
        Protocol::Ec2 => place == Place::Action,
        _ => true,
    }
}

/// Whether a write depends on what is there: after the first try that is something else.
fn is_conditional(headers: &HeaderMap) -> bool {
    let is_condition = |name: &str| {
        // On the object itself or on the source of a copy or a rename, which may be the object itself.
        let is_if = name.starts_with("x-amz-") && name.contains("-if-") && !name.starts_with("x-amz-meta-");
        // The last one is `mediapackagev2`'s.
        is_if || matches!(name, "x-amz-write-offset-bytes" | "x-amzn-update-if-match")
    };
    [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE]
        .iter()
        .any(|name| headers.contains_key(name))
        || headers.keys().any(|name| is_condition(name.as_str()))
}

/// Every operation that is named in a place where a service that is not REST may look; `None` where that cannot be decided.
fn operations<'a>(request: Repeatable<'a>, query: &'a str) -> Option<impl Iterator<Item = (Place, Cow<'a, str>)>> {
    let Parts { headers, uri, .. } = request.head;
    let mut targets = headers.get_all("x-amz-target").iter();
    let target = match targets.next() {
        Some(target) => {
            let target = target.to_str().ok()?;
            // Two fields are signed and sent as one with a comma between them: who reads it takes either.
            let is_one = target.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            Some(target.rsplit('.').next().filter(|_| is_one)?)
        }
        None => None,
    };
    if targets.next().is_some() {
        return None;
    }
    let in_path = uri
        .path()
        .strip_prefix("/service/")
        .and_then(|rest| rest.split_once("/operation/"))
        .map(|(_, name)| name);
    let is_form = match request.protocol {
        Protocol::Ec2 | Protocol::Query => true,
        // Some take forms besides.
        _ => {
            let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            kind.is_none_or(|kind| kind.to_ascii_lowercase().contains("form"))
        }
    };
    let form = if is_form { request.body? } else { &[] };
    // Some readers end at a NUL: what they find is not known here.
    if form.contains(&0) {
        return None;
    }
    let target = target.map(|name| (Place::Target, Cow::Borrowed(name)));
    let in_path = in_path.map(|name| (Place::Path, Cow::Borrowed(name)));
    let actions = actions(query.as_bytes()).chain(actions(form));
    let actions = actions.map(|name| (Place::Action, name));
    Some(target.into_iter().chain(in_path).chain(actions))
}

/// The values of all parameters that any reader could take for `Action`: also of those who end a parameter at a `;`, and
/// of those who see `Action` in `Action[]`, `Action.1` or ` Action`.
fn actions(form: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let is_action = |(name, _): &(Cow<'_, str>, Cow<'_, str>)| {
        let letters = name.split('\0').next().unwrap_or_default().bytes();
        letters
            .filter(u8::is_ascii_alphabetic)
            .map(|letter| letter.to_ascii_lowercase())
            .eq(*b"action")
    };
    let strict = parameters(form, b"&");
    let lenient = parameters(form, b"&;");
    strict.chain(lenient).filter(is_action).map(|(_, value)| value)
}

/// The parameters between any of these bytes.
fn parameters<'a>(form: &'a [u8], between: &'static [u8]) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
    // What is no UTF-8 names nothing that reads.
    form.split(|byte| between.contains(byte)).map(move |pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        (decode_lossy(name), decode_lossy(parts.next().unwrap_or_default()))
    })
}

fn reads(name: &str) -> bool {
    let is_word = |rest: &str| rest.bytes().next().is_none_or(|next| !next.is_ascii_lowercase());
    // What is no name of an operation may be two to somebody.
    name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && READING.iter().any(|verb| name.strip_prefix(verb).is_some_and(is_word))
        && !WRITING.contains(&name)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, request: &str, headers: &[(&str, &str)], body: Option<&str>, want: bool) {
        let (method, target) = request.split_once(' ').unwrap();
        let mut builder = Request::builder()
            .method(method)
            .uri(format!("https://service.example{target}"));
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (head, ()) = builder.body(()).unwrap().into_parts();
        let repeatable = Repeatable {
            protocol,
            head: &head,
            body: body.map(str::as_bytes),
            pieces: Some(&[]),
        };
        assert_eq!(is_safe(repeatable), want, "{protocol:?} {request} {headers:?} {body:?}");
    }

    #[test]
    fn on_rest_services_the_method_decides() {
        for protocol in [Protocol::RestXml, Protocol::RestJson] {
            for (request, want) in [
                ("GET /b/k", true),
                ("HEAD /b/k", true),
                ("OPTIONS /b/k", true),
                ("PUT /b/k", true),
                ("PUT /b/k?partNumber=1&uploadId=x", true),
                ("DELETE /b/k", true),
                ("POST /b/k?uploads", false),
                ("PATCH /b/k", false),
                ("GET /?Action=RunInstances", false),
                ("GET /?%41ction=RunInstances", false),
            ] {
                check(protocol, request, &[], Some(""), want);
            }
            // The name of an operation in the header of another protocol changes nothing.
            for name in ["DynamoDB_20120810.GetItem", "DynamoDB_20120810.PutItem"] {
                let target = [("x-amz-target", name)];
                check(protocol, "POST /b/k", &target, Some(""), false);
                check(protocol, "GET /b/k", &target, Some(""), true);
                check(protocol, "PUT /b/k", &target, Some(""), true);
            }
        }
    }

    #[test]
    fn conditional_writes_are_not_sent_twice() {
        for (name, value) in [
            ("if-match", "\"e\""),
            ("if-none-match", "*"),
            ("if-unmodified-since", "Sun, 29 Nov 2026 09:00:00 GMT"),
            ("x-amz-if-match-last-modified-time", "1"),
            ("x-amz-if-match-size", "1"),
            ("x-amz-write-offset-bytes", "0"),
            ("if-modified-since", "Sun, 29 Nov 2026 09:00:00 GMT"),
            ("x-amz-copy-source-if-match", "\"e\""),
            ("x-amz-copy-source-if-none-match", "\"e\""),
            ("x-amz-copy-source-if-modified-since", "Sun, 29 Nov 2026 09:00:00 GMT"),
            ("x-amz-copy-source-if-unmodified-since", "Sun, 29 Nov 2026 09:00:00 GMT"),
            ("x-amz-rename-source-if-match", "\"e\""),
            ("x-amzn-update-if-match", "\"e\""),
        ] {
            check(Protocol::RestXml, "PUT /b/k", &[(name, value)], None, false);
            check(Protocol::RestXml, "DELETE /b/k", &[(name, value)], None, false);
            check(Protocol::RestXml, "GET /b/k", &[(name, value)], None, true);
        }
        for query in [
            "append&position=5",
            "renameObject",
            "renameObject=",
            "%72enameObject",
            "a=b&renameObject",
        ] {
            check(Protocol::RestXml, &format!("PUT /b/k?{query}"), &[], None, false);
        }
        check(Protocol::RestXml, "PUT /b/k?a=renameObject", &[], None, true);
        for (name, value) in [("x-amz-copy-source", "/b/j"), ("x-amz-meta-if-match", "\"e\"")] {
            check(Protocol::RestXml, "PUT /b/k", &[(name, value)], None, true);
        }
    }

    #[test]
    fn on_query_services_the_operation_decides_whatever_the_method() {
        for protocol in [Protocol::Ec2, Protocol::Query] {
            for (request, body, want) in [
                ("GET /?Action=DescribeInstances", Some(""), true),
                ("GET /?Version=1&%41ction=DescribeInstances", Some(""), true),
                ("GET /?Action=RunInstances", Some(""), false),
                ("PUT /?Action=RunInstances", Some(""), false),
                ("DELETE /?Action=RunInstances", Some(""), false),
                ("GET /", Some(""), false),
                ("POST /", Some("Action=DescribeInstances&Version=1"), true),
                ("POST /", Some("Action=RunInstances"), false),
                ("POST /", Some("Version=1"), false),
                ("POST /", None, false),
                ("POST /?Action=DescribeInstances", Some("Action=RunInstances"), false),
                ("POST /?Action=DescribeInstances", None, false),
                ("POST /", Some("Action=DescribeInstances&%61ction=RunInstances"), false),
                ("GET /?Action=DescribeInstances&Action=RunInstances", Some(""), false),
                ("GET /?Action=Describe", Some(""), true),
                ("GET /?Action=Describeinstances", Some(""), false),
                ("GET /?Action=GetFederationToken", Some(""), false),
                // What some readers take for a second operation, or for another one.
                (
                    "POST /",
                    Some("Action=DescribeInstances&x=1;Action=RunInstances"),
                    false,
                ),
                ("POST /", Some("x;Action=RunInstances&Action=DescribeInstances"), false),
                ("POST /", Some("Action=DescribeInstances;x"), false),
                (
                    "POST /",
                    Some("x=1&amp;Action=RunInstances&Action=DescribeInstances"),
                    false,
                ),
                ("POST /", Some("Action=DescribeInstances&x=1;y=2"), true),
                (
                    "POST /",
                    Some("Action=DescribeInstances&x=1%3BAction=RunInstances"),
                    true,
                ),
                ("POST /", Some("Action=DescribeInstances&x=1\0"), false),
                ("POST /", Some("Action=DescribeInstances%00RunInstances"), false),
                (
                    "POST /",
                    Some("Action=DescribeInstances&Action%00x=RunInstances"),
                    false,
                ),
                ("POST /", Some("Action=DescribeInstances&+Action=RunInstances"), false),
                ("POST /", Some("Action=DescribeInstances&Action[]=RunInstances"), false),
                ("POST /", Some("Action=Describe+Instances"), false),
            ] {
                check(protocol, request, &[], body, want);
            }
        }
    }

    #[test]
    fn an_operation_is_named_where_the_protocol_of_the_service_reads_it() {
        let target = [("x-amz-target", "DynamoDB_20120810.GetItem")];
        let rpc = "POST /service/S/operation/DescribeRegions";
        check(Protocol::Ec2, "POST /", &target, Some("Version=1"), false);
        check(Protocol::Ec2, rpc, &[], Some("Version=1"), false);
        check(Protocol::Ec2, "POST /", &target, Some("Action=RunInstances"), false);
        check(Protocol::Ec2, "POST /", &target, Some("Action=DescribeRegions"), true);
        check(Protocol::Query, "POST /", &target, Some("Version=1"), true);
        check(Protocol::Query, rpc, &[], Some(""), true);
    }

    #[test]
    fn on_json_and_cbor_services_the_operation_decides() {
        let json = "application/x-amz-json-1.0";
        for (target, want) in [
            ("DynamoDB_20120810.GetItem", true),
            ("DynamoDB_20120810.Query", true),
            ("DynamoDB_20120810.TransactGetItems", true),
            ("DynamoDB_20120810.PutItem", false),
            ("AWSStepFunctions.GetActivityTask", false),
            ("AmazonSQS.ReceiveMessage", false),
            ("Getaway", false),
        ] {
            let headers = [("x-amz-target", target), ("content-type", json)];
            check(Protocol::Json, "POST /", &headers, None, want);
            check(Protocol::Json, "GET /?Action=PutItem", &headers, None, false);
        }
        let two = [("x-amz-target", "A.GetItem"), ("x-amz-target", "A.PutItem")];
        check(Protocol::Json, "POST /", &two, Some(""), false);
        for joined in [
            "A.PutItem,A.GetItem",
            "A.PutItem, A.GetItem",
            "A.GetItem,A.GetItem",
            "A.PutItem A.GetItem",
        ] {
            let joined = [("x-amz-target", joined), ("content-type", json)];
            check(Protocol::Json, "POST /", &joined, Some(""), false);
        }
        let dotted = [
            (
                "x-amz-target",
                "com.amazonaws.v20131101.CloudTrail_20131101.LookupEvents",
            ),
            ("content-type", json),
        ];
        check(Protocol::Json, "POST /", &dotted, Some(""), true);
        check(Protocol::Json, "POST /", &[], Some(""), false);
        let form = [
            ("x-amz-target", "AmazonSQS.GetQueueUrl"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        check(Protocol::Json, "POST /", &form, Some("Action=SendMessage"), false);
        let cbor = [("content-type", "application/cbor")];
        for (name, want) in [("DescribeAlarms", true), ("PutMetricData", false)] {
            let request = format!("POST /service/GraniteServiceVersion20100801/operation/{name}");
            check(Protocol::RpcV2Cbor, &request, &cbor, None, want);
            check(Protocol::Json, &request, &cbor, None, want);
        }
    }
}
