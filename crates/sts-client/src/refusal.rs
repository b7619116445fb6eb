//! What an SDK error means. The only place that looks into one.
//!
//! An `SdkError` holds the raw answer, and `Debug` prints it: after a malformed answer that is the
//! new secret key. Only codes, first lines of messages and texts of the network stack leave here.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::CredentialFailure;

/// The longest text of somebody else's that is repeated.
const LONGEST_MESSAGE: usize = 512;

/// Throttling, by any of AWS's names. Source: the SDKs' standard retry mode.
const THROTTLING: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

/// The keys themselves are the trouble. Source: STS API reference, "Common error types".
const BAD_KEYS: [&str; 10] = [
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    // What services that speak JSON call it.
    "InvalidSignatureException",
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "AuthFailure",
    "IncompleteSignature",
    "MissingAuthenticationToken",
];

/// What a failed call means; `action` says in words what was asked for.
pub(crate) fn failure_of<E>(error: &SdkError<E, HttpResponse>, action: &str) -> CredentialFailure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => CredentialFailure::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CredentialFailure::TimedOut,
        SdkError::DispatchFailure(failure) => CredentialFailure::Unreachable {
            reason: failure
                .as_connector_error()
                .map_or_else(String::new, |error| chain_text(error)),
        },
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            match answer.err().code() {
                Some(code) => refusal(status, code, answer.err().message().unwrap_or_default(), action),
                None => failure_of_answer(status, answer.raw().body().bytes().unwrap_or_default(), action),
            }
        }
        SdkError::ResponseError(answer) => wordless(answer.raw().status().as_u16()),
        // ConstructionFailure, and what later versions may add: nothing was sent.
        _ => CredentialFailure::Internal,
    }
}

/// What an error answer that the SDK finds no code in means.
pub(crate) fn failure_of_answer(status: u16, body: &[u8], action: &str) -> CredentialFailure {
    match loose_error(body) {
        Some((code, message)) if status >= 400 => refusal(status, code, message, action),
        _ => wordless(status),
    }
}

/// An error answer of AWS's.
pub(crate) fn refusal(status: u16, code: &str, message: &str, action: &str) -> CredentialFailure {
    let code_text = one_line(code);
    let message_text = without_signature(one_line(message));
    let is_about_time = message.starts_with("Signature expired") || message.starts_with("Signature not yet current");
    if is_about_time || matches!(code, "RequestExpired" | "RequestTimeTooSkewed") {
        return CredentialFailure::ClockSkew { message: message_text };
    }
    if status == 429 || THROTTLING.contains(&code) {
        return CredentialFailure::Throttled { code: code_text };
    }
    if status >= 500 {
        return CredentialFailure::ServerError {
            status,
            code: code_text,
        };
    }
    if BAD_KEYS.contains(&code) {
        return CredentialFailure::KeysRefused {
            code: code_text,
            message: message_text,
        };
    }
    if matches!(code, "AccessDenied" | "AccessDeniedException") {
        return CredentialFailure::AccessDenied {
            action: action.to_owned(),
            code: code_text,
            message: message_text,
        };
    }
    CredentialFailure::RequestRefused {
        code: code_text,
        message: message_text,
    }
}

/// An answer without an error code in it.
fn wordless(status: u16) -> CredentialFailure {
    match status {
        429 => CredentialFailure::Throttled { code: String::new() },
        500.. => CredentialFailure::ServerError {
            status,
            code: String::new(),
        },
        _ => CredentialFailure::UnreadableAnswer { status },
    }
}

/// Code and message of an error in another XML shape than the SDK reads, as emulators and
/// S3-compatible servers send them.
fn loose_error(body: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(body).ok()?;
    let element = |open: &str, close: &str| {
        let (_, rest) = text.split_once(open)?;
        rest.split_once(close).map(|(value, _)| value)
    };
    let code = element("<Code>", "</Code>")?;
    let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    is_code.then(|| (code, element("<Message>", "</Message>").unwrap_or_default()))
}

/// The first line, bounded and printable.
///
/// Only the first: after `SignatureDoesNotMatch` the next ones are the canonical request, with the
/// session token in it.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = line.chars().take(LONGEST_MESSAGE).map(printable).collect();
    if line.chars().nth(LONGEST_MESSAGE).is_some() {
        short.push('…');
    }
    short
}

/// Cut off where AWS quotes our `Authorization` header, as it does with `IncompleteSignature`.
fn without_signature(mut message: String) -> String {
    if let Some(start) = message.find("Signature=") {
        message.truncate(start);
        message.push('…');
    }
    message
}

/// The `Display` texts of an error and its causes, without repetitions. Never `Debug`.
pub(crate) fn chain_text(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let link = one_line(&error.to_string());
        if !text.contains(&link) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&link);
        }
        next = error.source();
    }
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_errors_are_told_apart_from_passing_ones() {
        for (status, code, message, want, is_permanent) in [
            (403, "AccessDenied", "no", "access_denied", true),
            (400, "MalformedPolicyDocument", "no", "sts_request_refused", true),
            (400, "PackedPolicyTooLarge", "no", "sts_request_refused", true),
            (403, "RegionDisabledException", "no", "sts_request_refused", true),
            (400, "ValidationError", "no", "sts_request_refused", true),
            (403, "InvalidClientTokenId", "no", "keys_refused", true),
            (403, "SignatureDoesNotMatch", "no", "keys_refused", true),
            (403, "ExpiredToken", "no", "keys_refused", true),
            (
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 2026",
                "clock_skew",
                false,
            ),
            (403, "RequestExpired", "no", "clock_skew", false),
            (400, "Throttling", "Rate exceeded", "sts_throttled", false),
            (429, "Odd", "no", "sts_throttled", false),
            (500, "InternalFailure", "no", "sts_server_error", false),
            (503, "ServiceUnavailable", "no", "sts_server_error", false),
        ] {
            let failure = refusal(status, code, message, "assuming x");
            assert_eq!((failure.code(), failure.is_permanent()), (want, is_permanent), "{code}");
        }
        for (status, want) in [
            (200, "sts_unreadable_answer"),
            (407, "sts_unreadable_answer"),
            (429, "sts_throttled"),
            (502, "sts_server_error"),
        ] {
            let failure = wordless(status);
            assert_eq!((failure.code(), failure.is_permanent()), (want, false), "{status}");
        }
    }

    #[test]
    fn an_error_in_another_xml_shape_is_read() {
        let moto = b"<ErrorResponse><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>";
        assert_eq!(loose_error(moto), Some(("SignatureDoesNotMatch", "no")));
        assert_eq!(
            loose_error(b"<Error><Code>AccessDenied</Code>"),
            Some(("AccessDenied", ""))
        );
        for body in [
            &b"<Code>a b</Code>"[..],
            b"<Code></Code>",
            b"<Code>x",
            b"\xff<Code>x</Code>",
            b"",
        ] {
            assert_eq!(loose_error(body), None);
        }
    }

    #[test]
    fn a_message_is_one_bounded_line() {
        assert_eq!(
            one_line("\nDoes not match.\r\n\nThe Canonical String\ntoken"),
            "Does not match."
        );
        assert_eq!(one_line("a\u{1b}[31mb"), "a\u{fffd}[31mb");
        assert_eq!(one_line(&"ä".repeat(600)).chars().count(), 513);
        assert_eq!(one_line(""), "");
        let quoted = "no key in 'AWS4-HMAC-SHA256 Credential=x, Signature=abcd'".to_owned();
        assert_eq!(without_signature(quoted), "no key in 'AWS4-HMAC-SHA256 Credential=x, …");
    }
}
