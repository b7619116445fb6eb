//! What must not pass: headers that belong to one hop, to the client's own signature, or to us.

mod trailers;

use http::header::{CONTENT_LENGTH, FORWARDED, HOST};
use http::{HeaderMap, HeaderName};
use signer::{clean_headers, remove_hop_by_hop};

pub(crate) use trailers::trailers;

/// Ours: for talking with clients, never with services.
const OWN_PREFIX: &str = "x-signing-proxy-";

/// Removes what must not reach the service, and makes the rest fit for signing. What is left is signed or not, but sent.
///
/// Besides what [`clean_headers`] removes: `Host` and `Content-Length`, which the next steps decide anew, and what is
/// between the client and us. `X-Forwarded-*` would only mislead: some S3 servers verify signatures against
/// `X-Forwarded-Host`.
pub(crate) fn request_headers(headers: &mut HeaderMap) {
    clean_headers(headers);
    for name in [HOST, CONTENT_LENGTH, FORWARDED] {
        headers.remove(name);
    }
    remove_where(headers, |name| {
        name.starts_with(OWN_PREFIX) || name.starts_with("proxy-") || name.starts_with("x-forwarded-")
    });
}

/// Removes the same hop's headers for a request that is passed on with its own signature.
pub(crate) fn presigned_request_headers(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    for name in [HOST, CONTENT_LENGTH] {
        headers.remove(name);
    }
    remove_where(headers, |name| {
        name.starts_with(OWN_PREFIX) || name.starts_with("proxy-")
    });
}

/// Removes what belongs to the connection with the service, and what only we may say to a client.
pub(crate) fn response_headers(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    remove_where(headers, |name| name.starts_with(OWN_PREFIX));
}

fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(strip: impl Fn(&mut HeaderMap), headers: &[(&'static str, &str)]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        strip(&mut map);
        let mut left: Vec<_> = map.keys().map(ToString::to_string).collect();
        left.sort();
        left
    }

    #[test]
    fn what_connection_names_goes_with_it() {
        let headers = [
            ("connection", "X-Amz-Meta-A, close"),
            ("connection", "keep-alive,  x-b"),
            ("x-amz-meta-a", "1"),
            ("x-b", "2"),
            ("x-c", "3"),
        ];
        assert_eq!(names(request_headers, &headers), ["x-c"]);
        assert_eq!(names(response_headers, &headers), ["x-c"]);
    }

    #[test]
    fn a_garbled_connection_header_removes_only_itself() {
        assert_eq!(
            names(request_headers, &[("connection", ",,a b,\t"), ("x-c", "3")]),
            ["x-c"]
        );
    }

    #[test]
    fn requests_lose_hop_client_authentication_and_own_headers() {
        let headers = [
            ("accept-encoding", "gzip"),
            ("authorization", "x"),
            ("content-length", "3"),
            ("content-type", "text/plain"),
            ("expect", "100-continue"),
            ("forwarded", "for=1"),
            ("host", "h"),
            ("http2-settings", "x"),
            ("keep-alive", "1"),
            ("proxy-authorization", "x"),
            ("proxy-connection", "x"),
            ("proxy-x", "x"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("user-agent", "curl"),
            ("x-amz-acl", "private"),
            ("x-amz-content-sha256", "x"),
            ("x-amz-date", "x"),
            ("x-amz-s3session-token", "x"),
            ("x-amz-security-token", "x"),
            ("x-forwarded-host", "x"),
            ("x-signing-proxy-connection", "x"),
        ];
        let left = ["accept-encoding", "content-type", "user-agent", "x-amz-acl"];
        assert_eq!(names(request_headers, &headers), left);
    }

    #[test]
    fn a_presigned_request_keeps_what_it_may_have_signed() {
        let headers = [
            ("host", "h"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-signing-proxy-x", "1"),
        ];
        assert_eq!(names(presigned_request_headers, &headers), ["x-amz-content-sha256"]);
    }

    #[test]
    fn answers_lose_hop_headers_only() {
        let headers = [
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("x-amz-request-id", "1"),
            ("www-authenticate", "x"),
            ("x-signing-proxy-error", "faked"),
        ];
        let left = ["content-length", "www-authenticate", "x-amz-request-id"];
        assert_eq!(names(response_headers, &headers), left);
    }
}
