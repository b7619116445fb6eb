//! Takes out of a service's error response what the proxy's own signature was made of.
//!
//! A service that rejects a signature shows what it computed: the canonical request, which has the session token in it, the
//! string to sign, the token itself or the access key id. Those are the proxy's; its client has none of them. Everything else
//! of a response stays as it is: code, message, request ids.
//!
//! Shapes, by the first byte of the body: XML (S3's `Error`, Query's `ErrorResponse`, EC2's `Response`), whose elements
//! are named; JSON and RPC v2 CBOR, whose message has it all; and anything else, as text.
//! `AccessDenied` and `UnauthorizedOperation` keep their encoded message: only who may decode it learns from it.
//!
//! Sources: S3 API reference, "Error responses" (`SignatureDoesNotMatch`, `InvalidToken`); IAM User Guide, "Troubleshoot
//! Signature Version 4 signing".

mod cbor;
mod difference;
mod text;
mod xml;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, ETAG};
use serde_json::Value;

pub(super) use difference::{Difference, canonical_request_in, first_difference};

/// What stands in the place of a session token.
const REDACTED: &str = "[redacted]";

/// Codes of errors that show a signature's parts, for a body that cannot be passed on.
const CODES: [&str; 10] = [
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "IncompleteSignature",
    "AuthorizationHeaderMalformed",
    "InvalidAccessKeyId",
    "ExpiredTokenException",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
];

/// The message of a body that cannot be passed on.
const MESSAGE: &str = "signing-proxy: the service rejected the signature; the rest of its response is left out, \
                       since it shows what the signature was made of.";

/// How a body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Xml,
    Json,
    Cbor,
    Text,
}

impl Form {
    fn of(body: &[u8]) -> Self {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'<') => Self::Xml,
            Some(b'{' | b'[') => Self::Json,
            Some(0xa0..=0xbf) => Self::Cbor,
            _ => Self::Text,
        }
    }
}

/// A whole body without what a client must not see; `None` where it shows nothing of it.
pub(super) fn redacted(body: &[u8], token: Option<&str>) -> Option<Vec<u8>> {
    let clean = match Form::of(body) {
        Form::Xml => std::str::from_utf8(body)
            .ok()
            .and_then(|document| xml::redacted(document, token))
            .map(String::into_bytes),
        Form::Json => serde_json::from_slice::<Value>(body)
            .ok()
            .and_then(|mut value| redact_json(&mut value, token).then(|| value.to_string().into_bytes())),
        Form::Cbor => None,
        Form::Text => cut(body, token).map(<[u8]>::to_vec),
    };
    // Whatever the shape did not show: a comment, an attribute, an escaped text, a broken document.
    let rest = clean.as_deref().unwrap_or(body);
    if text::first_secret(rest, token).is_some() {
        return Some(replacement(body));
    }
    clean
}

/// The beginning of a body whose end did not arrive, up to where it shows what a client must not see; `None` where it
/// shows nothing of it.
pub(super) fn cut<'a>(beginning: &'a [u8], token: Option<&str>) -> Option<&'a [u8]> {
    beginning.get(..text::first_secret(beginning, token)?)
}

/// Whether a body that is too long to be looked into begins as one that shows a signature's parts.
pub(super) fn must_be_replaced(beginning: &[u8], token: Option<&str>) -> bool {
    code_in(beginning).is_some() || text::first_secret(beginning, token).is_some()
}

/// A small body of the same shape and code.
pub(super) fn replacement(beginning: &[u8]) -> Vec<u8> {
    let code = code_in(beginning).unwrap_or("SignatureDoesNotMatch");
    match Form::of(beginning) {
        Form::Xml => xml::error(beginning, code, MESSAGE).into_bytes(),
        Form::Json => serde_json::json!({ "__type": code, "code": code, "message": MESSAGE })
            .to_string()
            .into_bytes(),
        Form::Cbor => cbor::error(code, MESSAGE),
        Form::Text => MESSAGE.into(),
    }
}

/// Takes the fields out that would not fit another body, and those that show what the body must not.
pub(super) fn redact_head(headers: &mut HeaderMap, has_new_body: bool, token: Option<&str>) {
    let unwanted: Vec<_> = headers
        .iter()
        .filter(|(name, value)| {
            let name = name.as_str();
            let is_of_old_body = [CONTENT_ENCODING.as_str(), ETAG.as_str(), "content-md5", "x-amz-crc32"]
                .contains(&name)
                || name.ends_with("digest")
                || name.starts_with("x-amz-checksum-");
            (has_new_body && is_of_old_body) || text::first_secret(value.as_bytes(), token).is_some()
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in unwanted {
        headers.remove(name);
    }
}

fn code_in(beginning: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(beginning);
    CODES.into_iter().find(|code| text.contains(code))
}

/// Whether anything was taken out.
fn redact_json(value: &mut Value, token: Option<&str>) -> bool {
    match value {
        Value::String(string) => match text::redacted(string, token) {
            Some(clean) => {
                *string = clean;
                true
            }
            None => false,
        },
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |changed, item| redact_json(item, token) | changed),
        Value::Object(fields) => {
            let before = fields.len();
            fields.retain(|name, _| !text::is_secret_name(name));
            let is_shorter = fields.len() < before;
            fields
                .values_mut()
                .fold(is_shorter, |changed, item| redact_json(item, token) | changed)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests;
