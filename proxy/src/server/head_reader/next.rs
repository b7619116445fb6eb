//! What comes behind a head without a length: another request, or a body that nobody announced.
//!
//! In HTTP/1.1 no length means no body (RFC 9112, section 6.3), and `curl -X PUT P/bucket` has none. But a client that sends
//! a body all the same would have an object replaced by an empty one. What has come with the head tells, where it cannot
//! be a request; what has not come yet is not waited for.

use httparse::{Header, Request};

/// No method has a longer name.
const LONGEST_METHOD: usize = 32;

/// Whether the head says nothing of a length, by a method that mostly has a body.
pub(super) fn lacks_length(request: &Request<'_, '_>) -> bool {
    let is_framing = |Header { name, .. }: &Header<'_>| {
        name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
    };
    matches!(request.method, Some("PUT" | "POST" | "PATCH")) && !request.headers.iter().any(is_framing)
}

/// Whether these bytes may be the beginning of a request, or of nothing yet.
pub(super) fn may_be_request(mut bytes: &[u8]) -> bool {
    while let [b'\r', b'\n', behind @ ..] | [b'\n', behind @ ..] = bytes {
        bytes = behind;
    }
    if matches!(bytes, [] | [b'\r']) {
        return true;
    }
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if let Some(end) = memchr::memchr(b'\n', bytes) {
        let line = bytes.get(..end).unwrap_or_default();
        let method_end = memchr::memchr(b' ', line).unwrap_or_default();
        let (method, behind) = line.split_at_checked(method_end).unwrap_or_default();
        let has_version = memchr::memmem::rfind(behind, b" HTTP/").is_some();
        return !method.is_empty() && method.iter().all(is_token) && has_version;
    }
    // Methods are written in capitals, which words mostly are not.
    let is_method = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_');
    let mut words = bytes.splitn(2, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().and_then(<[u8]>::first);
    (1..=LONGEST_METHOD).contains(&method.len())
        && method.iter().all(is_method)
        && target.is_none_or(|first| matches!(first, b'/' | b'*' | b'h' | b'H'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_from_a_body_by_its_first_line() {
        for request in [
            "",
            "\r",
            "\r\n",
            "\n\r\n\r\nG",
            "GET",
            "GET ",
            "GET /",
            "VERSION-CONTROL",
            "POST http://a/b HTT",
            "OPTIONS * HTTP/1.1",
            "GET / HTTP/1.1\r\n",
            "propfind /a HTTP/1.1\r\nhost: a\r\n",
            "GET /a b HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n",
        ] {
            assert!(may_be_request(request.as_bytes()), "{request:?}");
        }
        for body in [
            "data",
            "Hello, world",
            "{\"a\": 1}",
            "<?xml version=\"1.0\"?>",
            "Action=DescribeVpcs",
            "\0",
            " GET / HTTP/1.1\r\n",
            "GET\r\n",
            "GET /\r\n",
            "GET x",
            "A B C",
            "\r\n\r\n5\r\nhello",
            "first line\r\nsecond line\r\n",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG",
        ] {
            assert!(!may_be_request(body.as_bytes()), "{body:?}");
        }
        assert!(!may_be_request(b"\xff\xd8\xff"));
    }
}
