//! An error response, whichever protocol its service speaks.

use http::{HeaderMap, StatusCode};

use crate::body::Body;
use crate::class::ErrorClass;
use crate::code::checked;
use crate::header::code_in_headers;
use crate::{cbor, json, xml};

/// Bytes of a body that are worth reading for its error, 64 KiB. AWS's have a few hundred; a `SignatureDoesNotMatch` with the
/// whole canonical request in it, and again in hexadecimal digits, is the longest.
pub const MAX_BODY: usize = 64 * 1024;

/// The longest message, in characters.
const MAX_MESSAGE: usize = 512;

/// What a service says is wrong. Fit for logs: it has one bounded line of the service's message, and no part of a signature.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ErrorResponse {
    code: Option<String>,
    message: String,
    region: Option<String>,
    is_aws_form: bool,
}

impl ErrorResponse {
    /// Reads the code and the message, wherever the service's protocol has them. `body` may be the beginning of a body, and
    /// has to be [decoded](crate::decoded). It is read whatever its content type is.
    ///
    /// After a success status only an `Error` document or a `__type` counts: S3 sends an error after a `200` where it has begun
    /// to respond before it knew (`CompleteMultipartUpload`, `CopyObject`).
    ///
    /// ```
    /// use aws_errors::ErrorResponse;
    /// use http::{HeaderMap, StatusCode};
    ///
    /// let body = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
    /// let error = ErrorResponse::read(StatusCode::NOT_FOUND, &HeaderMap::new(), body);
    /// assert_eq!(error.code(), Some("NoSuchKey"));
    /// assert_eq!(error.message(), "The specified key does not exist.");
    /// ```
    #[must_use]
    pub fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let is_success = status.is_success();
        let found = read_body(body, is_success);
        let in_headers = code_in_headers(headers).filter(|_| !is_success);
        let in_body = || found.code.as_deref().and_then(checked);
        Self {
            code: in_headers.or_else(in_body).map(str::to_owned),
            message: one_line(&found.message.unwrap_or_default()),
            region: found.region,
            is_aws_form: in_headers.is_some() || found.is_aws_form,
        }
    }

    /// An error whose code and message somebody else has read, such as the AWS SDK.
    ///
    /// ```
    /// use aws_errors::{ErrorClass, ErrorResponse};
    ///
    /// let error = ErrorResponse::new("SlowDown", "Please reduce your request rate.");
    /// assert_eq!(error.class(), Some(ErrorClass::Throttled));
    /// ```
    #[must_use]
    pub fn new(code: &str, message: &str) -> Self {
        Self {
            code: checked(code).map(str::to_owned),
            message: one_line(message),
            region: None,
            is_aws_form: true,
        }
    }

    /// AWS's code, 1 to 96 letters, digits, dots, hyphens and underscores; `None` where there is none.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The first line of the service's message, at most 512 characters, and `…` where that is not all; empty where there is
    /// none. Without control characters, and only up to where it quotes a signature.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The region that S3, and servers that speak as it does, name beside an error. Not checked.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Whether the code stands in a form that programs other than AWS services and their imitations seldom use.
    #[must_use]
    pub fn is_aws_form(&self) -> bool {
        self.is_aws_form
    }

    /// What kind of error it is; `None` where the code is not known. [`ErrorClass::of_status`] has one for each status.
    #[must_use]
    pub fn class(&self) -> Option<ErrorClass> {
        ErrorClass::of_code(self.code.as_deref().unwrap_or_default(), &self.message)
    }
}

fn read_body(body: &[u8], is_success: bool) -> Body {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    match body.first() {
        Some(b'<') => xml::read(body, is_success),
        Some(b'{') => json::read(body, is_success),
        // A map (RFC 8949, section 3.1, major type 5).
        Some(0xa0..=0xbf) => cbor::read(body),
        _ => Body::default(),
    }
}

/// The first line of an untrusted text, for logs: at most 512 characters and an ellipsis, without control characters and
/// signatures. [`ErrorResponse`] does the same with its message.
///
/// Only the first: after `SignatureDoesNotMatch` the next ones are the canonical request, with the session token in it. Cut off
/// where AWS quotes our `Authorization` field, as it does with `IncompleteSignature`.
///
/// ```
/// assert_eq!(aws_errors::one_line("Does not match.\n\nThe canonical request was"), "Does not match.");
/// ```
#[must_use]
pub fn one_line(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let (shown, is_cut) = match line.find("Signature=") {
        Some(start) => (line.get(..start).unwrap_or_default(), true),
        None => (line, false),
    };
    let printable = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let mut short: String = shown.chars().take(MAX_MESSAGE).map(printable).collect();
    if is_cut || shown.chars().nth(MAX_MESSAGE).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
