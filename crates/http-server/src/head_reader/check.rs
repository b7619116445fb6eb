//! One head, checked as a whole: how its body is framed, or what is wrong with it.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use httparse::{Error, Header, Request, Status};

use super::ambiguous::AmbiguousHead;
use super::framing::Framing;
use super::malformed::cause;
use super::next;
use super::target::{self, Escaped};
use crate::rejection::Rejection;

/// Fields of a head that are parsed on the stack, and that hyper takes unless it is set up for more.
pub(super) const FEW_FIELDS: usize = 100;

/// Fields of one head: `http` maps hold some more.
const MOST_FIELDS: usize = 16 * 1024;

/// Why a head is not handed over as it is.
#[derive(Debug, PartialEq)]
pub(super) enum Flaw {
    /// It is HTTP/1, but two readers could read it in two ways. What is handed over instead: the same method,
    /// target and `Accept`, so that the error has the shape that the client can read, and nothing to be misread.
    Ambiguous(AmbiguousHead, Vec<u8>),
    /// It is no HTTP/1.
    Malformed(Rejection),
}

/// A head that may reach hyper.
#[derive(Debug)]
pub(super) struct Checked {
    /// The head with the raw bytes of its target escaped, where it has such.
    pub(super) escaped: Option<Vec<u8>>,
    /// `None` is a request without a body.
    pub(super) framing: Option<Framing>,
    pub(super) fields: usize,
    /// It has no length, by a method that mostly has a body: it must not be followed by what is no request.
    pub(super) lacks_length: bool,
}

/// Checks a head, from the first byte of its request line to the line feed of its empty line. `behind`: what has come
/// behind it. `has_bare_line_feed`: whether one of its lines ends without a carriage return.
///
/// # Errors
///
/// Why it must not reach hyper.
pub(super) fn check(head: &[u8], behind: &[u8], has_bare_line_feed: bool) -> Result<Checked, Flaw> {
    let Escaped { bytes, found } = target::in_head(head).map_err(Flaw::Malformed)?;
    let mut few = [const { MaybeUninit::uninit() }; FEW_FIELDS];
    let mut checked = match read(&bytes, behind, has_bare_line_feed, found, &mut few) {
        Err(Flaw::Malformed(Rejection::TooManyFields)) => {
            let lines = memchr::memchr_iter(b'\n', &bytes).count();
            let mut many = vec![MaybeUninit::uninit(); lines.min(MOST_FIELDS)];
            read(&bytes, behind, has_bare_line_feed, found, &mut many)?
        }
        checked => checked?,
    };
    if let Cow::Owned(head) = bytes {
        checked.escaped = Some(head);
    }
    Ok(checked)
}

fn read<'a>(
    head: &'a [u8],
    behind: &[u8],
    has_bare_line_feed: bool,
    found: Option<AmbiguousHead>,
    fields: &mut [MaybeUninit<Header<'a>>],
) -> Result<Checked, Flaw> {
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(head, fields) {
        Ok(Status::Complete(end)) if end == head.len() => {}
        Err(Error::TooManyHeaders) => return Err(Flaw::Malformed(Rejection::TooManyFields)),
        Ok(Status::Complete(_) | Status::Partial) | Err(_) => return Err(Flaw::Malformed(cause(head))),
    }
    let is_unambiguous = if has_bare_line_feed {
        Err(AmbiguousHead::BareLineFeed)
    } else {
        target(&request, found)
    };
    is_unambiguous
        .and_then(|()| framing(&request))
        .and_then(|framing| {
            let lacks_length = framing.is_none() && next::lacks_length(&request);
            if lacks_length && (request.version == Some(0) || !next::may_be_request(behind)) {
                return Err(AmbiguousHead::LengthMissing);
            }
            Ok(Checked {
                escaped: None,
                framing,
                fields: request.headers.len(),
                lacks_length,
            })
        })
        .map_err(|found| Flaw::Ambiguous(found, substitute(&request)))
}

fn target(request: &Request<'_, '_>, found: Option<AmbiguousHead>) -> Result<(), AmbiguousHead> {
    let target = request.path.unwrap_or_default();
    if request.method == Some("CONNECT") {
        return Err(AmbiguousHead::Tunnel);
    }
    if let Some(found) = found {
        return Err(found);
    }
    // Anything else would be taken for an authority, which only CONNECT has (RFC 9112, section 3.2.3).
    if has_form(target) {
        return Ok(());
    }
    Err(AmbiguousHead::TargetForm)
}

fn has_form(target: &str) -> bool {
    let has_scheme = |scheme: &str| {
        let start = target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    target.starts_with('/') || target == "*" || has_scheme("http://") || has_scheme("https://")
}

fn framing(request: &Request<'_, '_>) -> Result<Option<Framing>, AmbiguousHead> {
    let (mut lengths, mut codings) = ([None, None], [None, None]);
    for Header { name, value } in request.headers.iter() {
        let slots = match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => &mut lengths,
            17 if name.eq_ignore_ascii_case("transfer-encoding") => &mut codings,
            _ => continue,
        };
        let slot = usize::from(slots.first().is_some_and(Option::is_some));
        if let Some(slot) = slots.get_mut(slot) {
            *slot = Some(*value);
        }
    }
    match (lengths, codings) {
        ([None, _], [None, _]) => Ok(None),
        ([Some(_), _], [Some(_), _]) => Err(AmbiguousHead::TwoLengths),
        ([_, Some(_)], _) => Err(AmbiguousHead::LengthRepeated),
        ([Some(value), None], [None, _]) => length(value).map(Framing::of_length),
        ([None, _], [Some(_), _]) if request.version != Some(1) => Err(AmbiguousHead::CodingInHttp10),
        ([None, _], [Some(coding), None]) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
            Ok(Some(Framing::chunked()))
        }
        ([None, _], [Some(_), _]) => Err(AmbiguousHead::CodingUnsupported),
    }
}

fn length(value: &[u8]) -> Result<u64, AmbiguousHead> {
    /// hyper keeps the two largest numbers for itself, and readers with signed numbers take half of them for negative.
    const LARGEST: u64 = i64::MAX.unsigned_abs();
    let value = value.trim_ascii();
    if value.contains(&b',') {
        return Err(AmbiguousHead::LengthRepeated);
    }
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(AmbiguousHead::LengthMalformed);
    }
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number
        .filter(|number| *number <= LARGEST)
        .ok_or(AmbiguousHead::LengthMalformed)
}

/// Bytes of a target that an error is worth.
const LONGEST_SHOWN: usize = 16 * 1024;

fn substitute(request: &Request<'_, '_>) -> Vec<u8> {
    let method = request.method.unwrap_or("GET");
    let target = request.path.and_then(|target| target.split('#').next());
    let target = target.filter(|target| method == "CONNECT" || has_form(target));
    let target = target.filter(|target| target.len() <= LONGEST_SHOWN && http::Uri::try_from(*target).is_ok());
    let version = request.version.unwrap_or(1).min(1);
    let mut head = format!("{method} {} HTTP/1.{version}\r\n", target.unwrap_or("/")).into_bytes();
    for Header { name, value } in request.headers.iter() {
        if name.eq_ignore_ascii_case("accept") {
            head.extend_from_slice(b"accept: ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(head: &str) -> Option<AmbiguousHead> {
        let has_bare_line_feed = head.replace("\r\n", "").contains('\n');
        match check(head.as_bytes(), b"", has_bare_line_feed) {
            Ok(_) => None,
            Err(Flaw::Ambiguous(found, substitute)) => {
                let is_clean = match check(&substitute, b"", false) {
                    Ok(checked) => checked.framing.is_none(),
                    // It never has a length.
                    Err(Flaw::Ambiguous(found, _)) => found == AmbiguousHead::LengthMissing,
                    Err(Flaw::Malformed(_)) => false,
                };
                assert!(
                    is_clean || matches!(found, AmbiguousHead::Tunnel | AmbiguousHead::InvalidEscape { .. }),
                    "{}",
                    String::from_utf8_lossy(&substitute)
                );
                Some(found)
            }
            Err(Flaw::Malformed(malformed)) => panic!("{malformed:?}: {head:?}"),
        }
    }

    #[track_caller]
    fn fields(version: &str, fields: &str, want: Option<AmbiguousHead>) {
        let head = format!("PUT /b/k HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(found(&head), want, "{head:?}");
    }

    #[test]
    fn two_lengths_are_found_in_any_order_and_case() {
        let two = Some(AmbiguousHead::TwoLengths);
        fields("1.1", "Content-Length: 3\r\nTRANSFER-encoding: chunked\r\n", two);
        fields("1.1", "transfer-encoding:chunked\r\nx: y\r\ncontent-length:3\r\n", two);
        fields("1.0", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", two);
    }

    #[test]
    fn one_length_is_a_plain_number_and_stands_once() {
        for good in ["0", "3", "0003", " 3\t", "9223372036854775807"] {
            fields("1.1", &format!("Content-Length: {good}\r\n"), None);
        }
        for bad in [
            "+3",
            "-3",
            "0x3",
            "3 4",
            "3a",
            "",
            "9223372036854775808",
            "99999999999999999999999",
            "3.0",
            "\u{663}",
        ] {
            fields(
                "1.1",
                &format!("Content-Length: {bad}\r\n"),
                Some(AmbiguousHead::LengthMalformed),
            );
        }
        let repeated = Some(AmbiguousHead::LengthRepeated);
        for bad in ["3, 3", "3,4", ",", "3\r\nContent-length: 3", "3\r\ncontent-length: 4"] {
            fields("1.0", &format!("Content-Length: {bad}\r\n"), repeated);
        }
    }

    #[test]
    fn a_transfer_coding_is_one_chunked_on_http_1_1() {
        fields("1.1", "Transfer-Encoding: \tChunked \r\n", None);
        fields(
            "1.0",
            "Transfer-Encoding: chunked\r\n",
            Some(AmbiguousHead::CodingInHttp10),
        );
        for bad in [
            "gzip, chunked",
            "chunked, chunked",
            "chunked,",
            "chunked;a=b",
            "identity",
            "xchunked",
            "\"chunked\"",
            "",
            "chunked\r\nTransfer-Encoding: chunked",
            "chunked\r\ntransfer-encoding: identity",
        ] {
            fields(
                "1.1",
                &format!("Transfer-Encoding: {bad}\r\n"),
                Some(AmbiguousHead::CodingUnsupported),
            );
        }
    }

    #[test]
    fn names_and_values_that_only_look_like_a_framing_are_none() {
        fields("1.1", "Content-Length: 3\r\nx-transfer-encoding: chunked\r\n", None);
        fields("1.1", "Transfer-Encoding: chunked\r\nx: content-length: 3\r\n", None);
        fields("1.1", "x-amz-meta-a: #\r\n", None);
    }

    #[test]
    fn a_target_is_a_path_an_http_url_or_an_asterisk() {
        let check =
            |line: &str, want| assert_eq!(found(&format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")), want, "{line}");
        for good in [
            "GET /",
            "GET //b",
            "GET http://a/b",
            "GET HTTPS://a?b",
            "OPTIONS *",
            "GET /a%23b",
            "x /\u{e9}\"<>^`",
        ] {
            check(good, None);
        }
        for bad in [
            "GET k",
            "DELETE b.s3.us-east-1.amazonaws.com",
            "GET a:80",
            "GET ftp://a/",
            "GET ?a",
            "GET **",
            "GET http:/a",
            "GET \u{e9}",
        ] {
            check(bad, Some(AmbiguousHead::TargetForm));
        }
        for bad in ["GET /a#b", "GET http://a/#", "GET #", "GET /a?b#c"] {
            let target = bad.strip_prefix("GET ").unwrap_or_default();
            let offset = u32::try_from(target.find('#').unwrap()).unwrap();
            check(bad, Some(AmbiguousHead::Fragment { offset }));
        }
        for (bad, offset) in [
            ("GET /%zz", 1),
            ("GET /\u{e9}%4", 3),
            ("GET http://a?b=%", 11),
            ("GET /%e", 1),
        ] {
            check(bad, Some(AmbiguousHead::InvalidEscape { offset }));
        }
        for bad in ["CONNECT a:443", "CONNECT /", "CONNECT #"] {
            check(bad, Some(AmbiguousHead::Tunnel));
        }
    }

    #[test]
    fn a_length_is_needed_in_http_1_0_and_where_a_body_follows() {
        let missing = Some(AmbiguousHead::LengthMissing);
        fields("1.0", "", missing);
        fields("1.0", "Content-Length: 0\r\n", None);
        fields("1.1", "", None);
        assert_eq!(found("DELETE /b/k HTTP/1.0\r\n\r\n"), None);
        let head = b"POST /b/k HTTP/1.1\r\n\r\n";
        assert!(check(head, b"GET / HT", false).is_ok_and(|checked| checked.lacks_length));
        let unannounced = check(head, b"data", false);
        assert!(matches!(
            unannounced,
            Err(Flaw::Ambiguous(AmbiguousHead::LengthMissing, _))
        ));
    }

    #[test]
    fn a_line_feed_alone_is_found() {
        for head in [
            "GET / HTTP/1.0\n\n",
            "GET / HTTP/1.1\r\nhost: x\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n\n",
        ] {
            assert_eq!(found(head), Some(AmbiguousHead::BareLineFeed));
        }
    }

    #[test]
    fn what_stands_in_for_an_ambiguous_head_has_its_method_target_and_accept_only() {
        let head = "PUT /b/k#x HTTP/1.0\r\nContent-Length: 3\r\nACCEPT: text/xml\r\nExpect: 100-continue\r\n\r\n";
        let Err(Flaw::Ambiguous(AmbiguousHead::Fragment { offset: 4 }, substitute)) =
            check(head.as_bytes(), b"", false)
        else {
            panic!("it has a fragment");
        };
        let want = "PUT /b/k HTTP/1.0\r\naccept: text/xml\r\nconnection: close\r\n\r\n";
        assert_eq!(String::from_utf8(substitute).unwrap(), want);
    }
}
