//! What comes behind a head without a length: another request, or a body that nobody announced.
//!
//! In HTTP/1.1 no length means no body (RFC 9112, section 6.3), and `curl -X PUT P/bucket` has none. But a client that sends
//! a body all the same would have an object replaced by an empty one. What has come with the head shows it, where it cannot
//! be a request; what has not come yet is not waited for.

use httparse::{Header, Request};

/// Methods by which a request may follow: those of RFC 9110 and of the registry of HTTP methods. Any other word is
/// rather a body's.
const METHODS: [&str; 40] = [
    "GET",
    "HEAD",
    "PUT",
    "POST",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

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
    let line = memchr::memchr(b'\n', bytes).map(|end| bytes.get(..end).unwrap_or_default());
    // What has come of the line, where that is not all of it.
    let mut words = line.unwrap_or(bytes).splitn(2, |byte| *byte == b' ');
    let (method, behind) = (words.next().unwrap_or_default(), words.next());
    let Some(behind) = behind else {
        return line.is_none() && METHODS.iter().any(|known| known.as_bytes().starts_with(method));
    };
    let is_target = behind
        .first()
        .map_or(line.is_none(), |first| matches!(first, b'/' | b'*' | b'h' | b'H'));
    let is_whole = || memchr::memmem::rfind(behind, b" HTTP/").is_some();
    METHODS.iter().any(|known| known.as_bytes() == method) && is_target && (line.is_none() || is_whole())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_distinguished_from_a_body_by_its_first_line() {
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
            "PROPFIND /a HTTP/1.1\r\nhost: a\r\n",
            "\r\nDELE",
            "GET /a b HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n",
            "PUT HTTP://a/ HTTP/1.1\r\n",
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
            "HELLO",
            "\r\nHELLO",
            "HELLO ",
            "HELLO /WORLD",
            "get",
            "GETS",
            "GET\n",
            "GET \r\n",
            "12345",
            "abc /def HTTP/1.1",
            "key value HTTP/2.0\r\n",
            "x /y HTTP/1.1\r\n\r\n",
            "PUT x HTTP/1.1\r\n",
            "propfind /a HTTP/1.1\r\n",
        ] {
            assert!(!may_be_request(body.as_bytes()), "{body:?}");
        }
        assert!(!may_be_request(b"\xff\xd8\xff"));
    }
}
