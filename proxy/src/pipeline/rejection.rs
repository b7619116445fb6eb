//! What a service's error answer says of the keys and the time that a request was signed with.
//!
//! Only error answers are looked into, and only small ones; nothing of what is found reaches a client or a log but the
//! code, which [`service_error`](super::service_error) reads for itself.
//!
//! Sources of the codes: S3 API reference, "Error responses"; STS and IAM, "Common error types"; EC2, "Error codes";
//! the common errors of the JSON services; and what the AWS SDKs take for a matter of the clock (`aws-runtime`,
//! `service_clock_skew`; the JavaScript SDK's list of clock skew errors).

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Method, StatusCode};
use serde_json::Value;

/// Error responses of AWS's have a few hundred bytes; a `SignatureDoesNotMatch` with the whole canonical request in it, and
/// again in hexadecimal digits, is the longest.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// What an error answer says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rejection {
    /// The keys or their session token are not known, or not any more.
    Credentials,
    /// Either the session or the time of the signature is over: EC2 has one code for both.
    Expired,
    /// The signature is not the one that the service computes: a wrong secret, or a wrong time that it does not tell.
    Signature,
    /// The signature's time is too far from the service's.
    Time,
    /// Anything, but a wrong time too. That of an answer to `HEAD`, which has no body.
    PerhapsTime,
    /// Anything, but an expired session token too: S3's 400 to a `HEAD`.
    PerhapsToken,
}

/// Where the answer's head leaves the question to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum HeadTells {
    /// It says that it is none of our business, or that it cannot be read.
    Nothing,
    /// It says it all.
    All(Rejection),
    /// The body may say.
    Body,
}

impl HeadTells {
    /// What the head alone says.
    pub(super) fn rejection(self) -> Option<Rejection> {
        match self {
            Self::All(rejection) => Some(rejection),
            Self::Nothing | Self::Body => None,
        }
    }
}

/// Whether a response of this status may be about the signature.
pub(super) fn may_reject(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}

/// What the head of an answer tells.
pub(super) fn in_head(method: &Method, status: StatusCode, headers: &HeaderMap) -> HeadTells {
    if !may_reject(status) {
        return HeadTells::Nothing;
    }
    match code_in(headers).map(|code| of_code(code, "")) {
        // Its message may tell that the time is meant.
        Some(Some(Rejection::Signature)) => {}
        Some(Some(rejection)) => return HeadTells::All(rejection),
        Some(None) => return HeadTells::Nothing,
        None if *method == Method::HEAD => return without_body(status, headers),
        None => {}
    }
    if *method != Method::HEAD && may_be_read(headers) {
        HeadTells::Body
    } else {
        HeadTells::Nothing
    }
}

/// The one code of an answer to `HEAD`: its status. With the region of the bucket S3 says that another one is meant.
fn without_body(status: StatusCode, headers: &HeaderMap) -> HeadTells {
    match status {
        StatusCode::FORBIDDEN => HeadTells::All(Rejection::PerhapsTime),
        StatusCode::BAD_REQUEST if !headers.contains_key("x-amz-bucket-region") => {
            HeadTells::All(Rejection::PerhapsToken)
        }
        _ => HeadTells::Nothing,
    }
}

/// Whether the body is in a form that errors come in, as far as the head says.
fn may_be_read(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_short =
        text(CONTENT_LENGTH).is_none_or(|length| length.parse().is_ok_and(|length: usize| length <= MAX_BODY));
    let is_known = text(CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        ["xml", "json", "cbor"].iter().any(|form| kind.contains(form))
    });
    let is_plain = text(CONTENT_ENCODING).is_none_or(|coding| {
        ["identity", "gzip"]
            .iter()
            .any(|known| coding.eq_ignore_ascii_case(known))
    });
    is_short && is_known && is_plain
}

/// `x-amzn-errortype` of the JSON services, such as `ExpiredTokenException:http://internal.amazon.com/coral/..`, and
/// `x-amzn-query-error` of those that spoke Query before, such as `InvalidClientTokenId;Sender`.
pub(super) fn code_in(headers: &HeaderMap) -> Option<&str> {
    let names = ["x-amzn-errortype", "x-amzn-query-error"];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    Some(bare(value.to_str().ok()?))
}

/// The code without the namespace before it and the address or the blame after it.
pub(super) fn bare(code: &str) -> &str {
    let code = code.split([':', ';']).next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}

/// What a whole body tells, in whichever of AWS's shapes it is.
pub(super) fn in_body(body: &[u8]) -> Option<Rejection> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace())?;
    match first {
        b'<' => in_xml(std::str::from_utf8(body).ok()?),
        b'{' => in_json(body),
        // An RPC v2 CBOR map.
        0xa0..=0xbf => {
            let code = cbor_text(body, "__type")?;
            of_code(bare(code), cbor_text(body, "message").unwrap_or_default())
        }
        _ => None,
    }
}

/// `Code` and `Message` of S3's `Error`, Query's `ErrorResponse` and EC2's `Response`.
fn in_xml(text: &str) -> Option<Rejection> {
    let code = xml_text(text, "<Code>", "</Code>")?;
    of_code(
        code.trim(),
        xml_text(text, "<Message>", "</Message>").unwrap_or_default(),
    )
}

/// What is between these two tags, where they are first.
pub(super) fn xml_text<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(value, _)| value)
}

/// `__type` of AWS JSON; `code` of REST JSON.
fn in_json(body: &[u8]) -> Option<Rejection> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |names: [&str; 3]| names.iter().find_map(|name| value.get(name)?.as_str());
    let code = text(["__type", "code", "Code"])?;
    of_code(
        bare(code),
        text(["message", "Message", "errorMessage"]).unwrap_or_default(),
    )
}

/// The text that follows this key, which is shorter than 24 bytes. It may be in a nested map too: errors have none.
pub(super) fn cbor_text<'a>(body: &'a [u8], key: &str) -> Option<&'a str> {
    const TEXT: u8 = 0x60;
    let length = u8::try_from(key.len()).ok().filter(|length| *length < 24)?;
    let sought = [&[TEXT | length], key.as_bytes()].concat();
    let at = body.windows(sought.len()).position(|window| window == sought)?;
    let (kind, rest) = body.get(at + sought.len()..)?.split_first()?;
    let (length, rest) = match kind {
        0x60..=0x77 => (usize::from(kind & 0x1f), rest),
        0x78 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x79 => rest
            .split_first_chunk()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    std::str::from_utf8(rest.get(..length)?).ok()
}

fn of_code(code: &str, message: &str) -> Option<Rejection> {
    // Query and JSON services have no code of their own for a wrong time.
    let is_about_time = message.starts_with("Signature expired") || message.starts_with("Signature not yet current");
    match code {
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException" => Some(Rejection::Credentials),
        // EC2's code for keys and signatures, and for images of others.
        "AuthFailure" if message.contains("validate the provided access credentials") => Some(Rejection::Credentials),
        "RequestExpired" => Some(Rejection::Expired),
        "RequestTimeTooSkewed" | "RequestInTheFuture" => Some(Rejection::Time),
        "SignatureDoesNotMatch" | "InvalidSignatureException" if is_about_time => Some(Rejection::Time),
        "SignatureDoesNotMatch" | "InvalidSignatureException" => Some(Rejection::Signature),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
