//! Whether the head of a response can be read in one way only.
//!
//! hyper takes what RFC 9112, section 6.3, lets a lenient client take: equal lengths several times over, a length beside
//! a transfer coding, codings other than `chunked` up to the end of the connection. Passed on, such a head would be read
//! in another way by somebody behind the proxy, and a body that was cut would look whole.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};

/// The last status that RFC 9110, section 15, gives a meaning to.
const LAST_STATUS: u16 = 599;

/// Why a response cannot be passed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum MalformedResponse {
    /// The proxy never sends `Upgrade`.
    #[error("the service switches protocols, which the request did not offer")]
    SwitchesProtocols,
    /// Outside of 200 to 599.
    #[error("the response's status is outside of 200 to 599")]
    InvalidStatus,
    /// Two fields, a list, or no number.
    #[error("the response's Content-Length is not one number")]
    InvalidLength,
    /// Another coding than one `chunked`.
    #[error("the response's Transfer-Encoding is not one chunked")]
    InvalidTransferEncoding,
    /// `Content-Length` beside `Transfer-Encoding`.
    #[error("the response has a Content-Length beside a Transfer-Encoding")]
    TwoLengths,
    /// More than [`MAX_INTERIM`](super::exchange::MAX_INTERIM) of them.
    #[error("the service sends interim responses without end")]
    InterimFlood,
}

/// What becomes of the connection that a response came on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reuse {
    /// It may take another request.
    Allowed,
    /// Bytes that belong to no response may follow: it must not take another request.
    Never,
}

/// Checks status and framing, for any method: a `HEAD` is passed on with the length that the service gave.
pub(super) fn check(status: StatusCode, headers: &HeaderMap) -> Result<Reuse, MalformedResponse> {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(MalformedResponse::SwitchesProtocols);
    }
    if status.is_informational() || status.as_u16() > LAST_STATUS {
        return Err(MalformedResponse::InvalidStatus);
    }
    let length = length(headers)?;
    let is_chunked = is_chunked(headers)?;
    if is_chunked && length.is_some() {
        return Err(MalformedResponse::TwoLengths);
    }
    // A 204 has no body, whatever its head announces. Some servers send an empty one, which is harmless.
    if status == StatusCode::NO_CONTENT && (is_chunked || length.is_some_and(|length| length > 0)) {
        return Ok(Reuse::Never);
    }
    Ok(Reuse::Allowed)
}

fn length(headers: &HeaderMap) -> Result<Option<u64>, MalformedResponse> {
    let mut fields = headers.get_all(CONTENT_LENGTH).into_iter();
    let Some(field) = fields.next() else { return Ok(None) };
    // `u64` reads a sign too.
    let is_digits = !field.is_empty() && field.as_bytes().iter().all(u8::is_ascii_digit);
    let length = field.to_str().ok().and_then(|text| text.parse().ok());
    match (fields.next(), is_digits, length) {
        (None, true, Some(length)) => Ok(Some(length)),
        _ => Err(MalformedResponse::InvalidLength),
    }
}

fn is_chunked(headers: &HeaderMap) -> Result<bool, MalformedResponse> {
    let mut fields = headers.get_all(TRANSFER_ENCODING).into_iter();
    let Some(field) = fields.next() else { return Ok(false) };
    if fields.next().is_none() && field.as_bytes().eq_ignore_ascii_case(b"chunked") {
        Ok(true)
    } else {
        Err(MalformedResponse::InvalidTransferEncoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_fields(status: u16, fields: &[(&'static str, &str)], want: Result<Reuse, MalformedResponse>) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        assert_eq!(
            check(StatusCode::from_u16(status).unwrap(), &headers),
            want,
            "{status} {fields:?}"
        );
    }

    #[test]
    fn one_framing_passes() {
        check_fields(200, &[], Ok(Reuse::Allowed));
        check_fields(200, &[("content-length", "0")], Ok(Reuse::Allowed));
        check_fields(599, &[("content-length", "18446744073709551615")], Ok(Reuse::Allowed));
        check_fields(200, &[("transfer-encoding", "Chunked")], Ok(Reuse::Allowed));
        check_fields(204, &[("content-length", "0")], Ok(Reuse::Allowed));
    }

    #[test]
    fn a_body_behind_a_204_ends_the_connection() {
        check_fields(204, &[("content-length", "5")], Ok(Reuse::Never));
        check_fields(204, &[("transfer-encoding", "chunked")], Ok(Reuse::Never));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_malformed() {
        for value in ["", "2, 2", "+2", "-1", "0x2", "2 2", "18446744073709551616", "2;a", "٢"] {
            let Ok(_) = http::HeaderValue::from_str(value) else {
                continue;
            };
            check_fields(200, &[("content-length", value)], Err(MalformedResponse::InvalidLength));
        }
        for second in ["2", "3"] {
            let fields = [("content-length", "2"), ("content-length", second)];
            check_fields(304, &fields, Err(MalformedResponse::InvalidLength));
        }
        for value in [
            "gzip",
            "identity",
            "gzip, chunked",
            "chunked, chunked",
            "chunked;q=1",
            "chunked,",
            "xchunked",
            "",
        ] {
            let fields = [("transfer-encoding", value)];
            check_fields(200, &fields, Err(MalformedResponse::InvalidTransferEncoding));
        }
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        check_fields(200, &twice, Err(MalformedResponse::InvalidTransferEncoding));
        let both = [("transfer-encoding", "chunked"), ("content-length", "2")];
        check_fields(200, &both, Err(MalformedResponse::TwoLengths));
    }

    #[test]
    fn a_status_without_meaning_is_malformed() {
        check_fields(101, &[("upgrade", "x")], Err(MalformedResponse::SwitchesProtocols));
        for status in [100, 199, 600, 999] {
            check_fields(status, &[], Err(MalformedResponse::InvalidStatus));
        }
    }
}
