//! What must not pass: hop-by-hop headers, and the client's own authentication.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};

use crate::headers::{CLIENT_AUTH, is_signed};

/// Headers that concern one connection, not the request.
///
/// Source: RFC 9110, 7.6.1, with what RFC 2616 and RFC 9113 name. `Expect` is among them, since whoever holds the
/// client's connection has to respond to it.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers that [`clean_headers`] took away; names only, for the values are credentials.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Removed {
    /// Headers of the client's connection, and those its `Connection` header named.
    pub hop_by_hop: Vec<HeaderName>,
    /// Headers with which the client authenticated itself, or tried to.
    pub client_auth: Vec<HeaderName>,
}

/// Makes a client's headers fit for signing.
///
/// - Removes hop-by-hop headers and those that `Connection` names. It cannot name `host` and `content-length`, which
///   would change whom the request is for and where it ends; ours, added later, are out of its reach.
/// - Removes `authorization`, `x-amz-date`, `x-amz-security-token`, `x-amz-content-sha256`, `x-amz-region-set` and
///   `x-amz-s3session-token`.
/// - Merges repeated headers that will be signed into one line, in their order, with `,` between: servers agree on that.
/// - Writes tabs in headers that will be signed as spaces: servers do not agree on tabs.
///
/// Whoever needs a value of these headers reads it before.
///
/// ```
/// use signer::clean_headers;
///
/// let request = http::Request::get("/")
///     .header("connection", "keep-alive, x-internal")
///     .header("x-internal", "1")
///     .header("authorization", "Bearer t0k3n")
///     .header("x-amz-meta-tags", "a")
///     .header("x-amz-meta-tags", "b");
/// let (mut head, ()) = request.body(())?.into_parts();
/// let removed = clean_headers(&mut head.headers);
/// assert_eq!(removed.client_auth, ["authorization"]);
/// assert!(removed.hop_by_hop.iter().any(|name| name == "x-internal"));
/// assert_eq!(head.headers.len(), 1);
/// assert_eq!(head.headers["x-amz-meta-tags"], "a,b");
/// # Ok::<(), http::Error>(())
/// ```
pub fn clean_headers(headers: &mut HeaderMap) -> Removed {
    let is_client_auth = |name: &HeaderName| CLIENT_AUTH.contains(&name.as_str());
    // What `Connection` names may be the client's own authentication all the same.
    let (mut client_auth, hop_by_hop) = remove_hop_by_hop(headers).into_iter().partition(is_client_auth);
    remove_all(headers, &CLIENT_AUTH, &mut client_auth);
    unify_signed_values(headers);
    Removed {
        hop_by_hop,
        client_auth,
    }
}

/// Removes hop-by-hop headers and those that `Connection` names, `host` and `content-length` aside, from the head of a
/// request or of a response, and says which.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) -> Vec<HeaderName> {
    let mut removed = named_by_connection(headers);
    removed.retain(|name| headers.remove(name).is_some());
    remove_all(headers, &HOP_BY_HOP, &mut removed);
    removed
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect()
}

fn remove_all(headers: &mut HeaderMap, names: &[&'static str], removed: &mut Vec<HeaderName>) {
    // A request has fewer headers than there are names to look for.
    let first = removed.len();
    removed.extend(headers.keys().filter(|name| names.contains(&name.as_str())).cloned());
    for name in removed.iter().skip(first) {
        headers.remove(name);
    }
}

fn unify_signed_values(headers: &mut HeaderMap) {
    let changed: Vec<_> = headers
        .keys()
        .filter(|name| is_signed(name.as_str()) && **name != HOST)
        .filter_map(|name| Some((name.clone(), unified(headers, name)?)))
        .collect();
    for (name, value) in changed {
        headers.insert(name, value);
    }
}

/// The header's values as one; `None` where nothing has to change.
fn unified(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let values = || headers.get_all(name).iter().map(HeaderValue::as_bytes);
    if values().count() == 1 && !values().any(|value| value.contains(&b'\t')) {
        return None;
    }
    let mut joined = Vec::new();
    for (index, value) in values().enumerate() {
        if index > 0 {
            joined.push(b',');
        }
        let spaced = value.iter().map(|byte| if *byte == b'\t' { b' ' } else { *byte });
        joined.extend(spaced);
    }
    HeaderValue::from_bytes(joined.trim_ascii()).ok()
}

#[cfg(test)]
mod tests;
