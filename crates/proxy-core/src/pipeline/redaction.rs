//! Takes out of a service's error response what the proxy's own signature was made of.
//!
//! A service that rejects a signature shows what it computed: the canonical request, which has the session token in it, the
//! string to sign, the token itself or the access key id. Those are the proxy's; its client has none of them. Everything else
//! of a response stays as it is, byte for byte: code, message, request ids, and each response that is about something else.
//!
//! Which response it is follows from what it has of this very signature ([`Shown`]): a code of [`codes`] from an API of AWS's (or
//! of a server that speaks as one), or a marker together with the token, the access key id or the scope that were signed with.
//! A service whose hosts are applications of the operator's own may use the same codes and names for things of its own: of
//! those only AWS's sentences count, which the gateway before the application sends.
//!
//! Shapes, by the first byte of the body: XML (S3's `Error`, Query's `ErrorResponse`, EC2's `Response`), whose elements
//! are named; JSON and RPC v2 CBOR, whose message has it all; and anything else, as text.
//! `AccessDenied` and `UnauthorizedOperation` keep their encoded message: only who may decode it learns from it.
//!
//! Sources: S3 API reference, "Error responses" (`SignatureDoesNotMatch`, `InvalidToken`); IAM User Guide, "Troubleshoot
//! Signature Version 4 signing".

mod cbor;
mod difference;
mod json;
mod text;
mod xml;

use std::borrow::Cow;

use aws_errors::known_codes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, ETAG};
use memchr::memmem;

use crate::pipeline::multipart::unescape;

pub(super) use difference::{Difference, canonical_request_in, first_difference};
pub(super) use text::Extent;

/// What stands in the place of a session token.
const REDACTED: &str = "[redacted]";

/// Codes of errors that may show a signature's parts.
fn codes() -> impl Iterator<Item = &'static str> {
    known_codes().filter_map(|(code, class)| class.may_quote_signature().then_some(code))
}

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

/// What a request was signed with, by which a response is known that shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) token: Option<&'a str>,
    pub(super) access_key_id: &'a str,
    /// The end of the scope: `/SERVICE/aws4_request`.
    pub(super) scope_end: &'a str,
    /// Whether the service's responses are an application's, not an API's of AWS's.
    pub(super) is_application: bool,
}

impl Shown<'_> {
    /// What has to go of a body; `None` where it shows nothing. `code` is that of the head.
    fn extent(&self, body: &[u8], code: Option<&str>) -> Option<Extent> {
        let has_code = code.is_some_and(|code| codes().any(|known| known == code)) || code_in(body).is_some();
        if has_code && !self.is_application {
            return Some(Extent::Names);
        }
        let extent = self.least();
        let plain = unescaped(body);
        let is_marked = text::first_secret(&plain, None, extent).is_some() && self.is_in(&plain);
        // As it is written, the guard of the body covers it.
        let is_hidden = || self.token.is_some_and(|token| has(&plain, token) && !has(body, token));
        (is_marked || is_hidden()).then_some(extent)
    }

    /// What counts in a response that is not known to be about the signature.
    pub(super) fn least(&self) -> Extent {
        if self.is_application {
            Extent::Sentences
        } else {
            Extent::Markers
        }
    }

    /// What counts in an error response that could not be read to its end.
    pub(super) fn most(&self) -> Extent {
        if self.is_application {
            Extent::Sentences
        } else {
            Extent::Names
        }
    }

    fn is_in(&self, plain: &[u8]) -> bool {
        has(plain, self.access_key_id)
            || has(plain, self.scope_end)
            || self.token.is_some_and(|token| has(plain, token))
    }
}

/// A whole body without what a client must not see; `None` where it shows nothing of it.
pub(super) fn redacted(body: &[u8], code: Option<&str>, shown: &Shown<'_>) -> Option<Vec<u8>> {
    let extent = shown.extent(body, code)?;
    let token = shown.token;
    let form = Form::of(body);
    let document = || std::str::from_utf8(body).ok();
    let clean = match form {
        Form::Xml => document()
            .and_then(|document| xml::redacted(document, token, extent))
            .map(String::into_bytes),
        Form::Json => document()
            .and_then(|document| json::redacted(document, token, extent))
            .map(String::into_bytes),
        Form::Cbor => None,
        Form::Text => cut(body, token, extent).map(<[u8]>::to_vec),
    };
    // Whatever the shape did not show: a comment, an attribute, an escaped text, a broken document.
    let rest = unescaped(clean.as_deref().unwrap_or(body));
    let extent = match form {
        // The names of fields stay.
        Form::Json => extent.min(Extent::Markers),
        Form::Xml | Form::Cbor | Form::Text => extent,
    };
    if text::first_secret(&rest, token, extent).is_some() {
        return Some(replacement(body));
    }
    clean
}

/// The beginning of a body whose end did not arrive, up to where it shows what a client must not see; `None` where it
/// shows nothing of it.
pub(super) fn cut<'a>(beginning: &'a [u8], token: Option<&str>, extent: Extent) -> Option<&'a [u8]> {
    beginning.get(..text::first_secret(beginning, token, extent)?)
}

/// Whether a body that is too long or too slow to be looked into begins as one that shows a signature's parts.
pub(super) fn must_be_replaced(beginning: &[u8], code: Option<&str>, shown: &Shown<'_>) -> bool {
    shown.extent(beginning, code).is_some()
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

/// Takes the fields out that would not fit another body.
pub(super) fn drop_fields_of_body(headers: &mut HeaderMap) {
    let is_of_body = |name: &str| {
        [CONTENT_ENCODING.as_str(), ETAG.as_str(), "content-md5", "x-amz-crc32"].contains(&name)
            || name.ends_with("digest")
            || name.starts_with("x-amz-checksum-")
    };
    drop_fields(headers, |name, _| is_of_body(name));
}

/// Takes the fields out that show what a client must not see: the token, whatever the response is about; more of the
/// signature where it may be about that.
pub(super) fn redact_head(headers: &mut HeaderMap, may_reject: bool, shown: &Shown<'_>) {
    let token = shown.token.unwrap_or_default();
    drop_fields(headers, |_, value| {
        let shows_token = !token.is_empty() && value.len() >= token.len() && has(value, token);
        let extent = shown.least();
        shows_token || (may_reject && text::first_secret(value, None, extent).is_some() && shown.is_in(value))
    });
}

fn drop_fields(headers: &mut HeaderMap, is_unwanted: impl Fn(&str, &[u8]) -> bool) {
    let unwanted: Vec<_> = headers
        .iter()
        .filter(|(name, value)| is_unwanted(name.as_str(), value.as_bytes()))
        .map(|(name, _)| name.clone())
        .collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// The code that a body has as the whole of a text, with or without its namespace.
fn code_in(beginning: &[u8]) -> Option<&'static str> {
    let form = Form::of(beginning);
    let is_whole = |before: Option<&u8>, behind: Option<&u8>| match form {
        Form::Xml => before == Some(&b'>') && behind == Some(&b'<'),
        Form::Json => matches!(before, Some(b'"' | b'#')) && matches!(behind, Some(b'"' | b':')),
        Form::Cbor => true,
        Form::Text => false,
    };
    codes().find(|code| {
        memmem::find_iter(beginning, code.as_bytes()).any(|at| {
            let before = at.checked_sub(1).and_then(|at| beginning.get(at));
            is_whole(before, beginning.get(at + code.len()))
        })
    })
}

/// The body with plain characters in the place of those that a token or a scope may be escaped in.
fn unescaped(body: &[u8]) -> Cow<'_, [u8]> {
    let Ok(document) = std::str::from_utf8(body) else {
        return body.into();
    };
    match Form::of(body) {
        Form::Xml if document.contains('&') => unescape(document).into_bytes().into(),
        Form::Json if document.contains('\\') => {
            let plain = [
                ("\\/", "/"),
                ("\\u002f", "/"),
                ("\\u002F", "/"),
                ("\\u003d", "="),
                ("\\u003D", "="),
            ]
            .into_iter()
            .chain([("\\u002b", "+"), ("\\u002B", "+")])
            .fold(document.to_owned(), |text, (escaped, plain)| {
                text.replace(escaped, plain)
            });
            plain.into_bytes().into()
        }
        Form::Xml | Form::Json | Form::Cbor | Form::Text => body.into(),
    }
}

fn has(bytes: &[u8], sought: &str) -> bool {
    memmem::find(bytes, sought.as_bytes()).is_some()
}

#[cfg(test)]
mod tests;
