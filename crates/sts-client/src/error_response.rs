//! What an error response, or an SDK error, means for credentials. The only place that looks into one.
//!
//! An `SdkError` holds the raw response, and `Debug` prints it: after a malformed response that is the
//! new secret key. Only codes, first lines of messages and texts of the network stack leave here.

use std::error::Error;

use aws_errors::{ErrorClass, ErrorResponse, one_line};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use http::{HeaderMap, StatusCode};

use crate::error::CredentialFailure;

/// What a failed call means; `action` says in words what was requested.
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
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            match service.err().code() {
                Some(code) => {
                    let error = ErrorResponse::new(code, service.err().message().unwrap_or_default());
                    failure(status, &error, action)
                }
                None => failure_of_body(status, service.raw().body().bytes().unwrap_or_default(), action),
            }
        }
        SdkError::ResponseError(response) => without_code(response.raw().status().as_u16()),
        // ConstructionFailure, and what later versions may add: nothing was sent.
        _ => CredentialFailure::Internal,
    }
}

/// What an error response means that the SDK finds no code in: emulators and S3-compatible servers have other XML forms.
pub(crate) fn failure_of_body(status: u16, body: &[u8], action: &str) -> CredentialFailure {
    match StatusCode::from_u16(status) {
        Ok(code) if !code.is_success() && !code.is_informational() && !code.is_redirection() => {
            failure(status, &ErrorResponse::read(code, &HeaderMap::new(), body), action)
        }
        _ => without_code(status),
    }
}

/// What an error response of AWS's means.
pub(crate) fn failure(status: u16, error: &ErrorResponse, action: &str) -> CredentialFailure {
    use ErrorClass::{
        AccessDenied, Client, ClockSkew, Conflict, ExpiredCredentials, ExpiredRequest, MalformedSignature,
        MissingCredentials, NotEnabled, NotFound, Quota, Redirect, RequestTimeout, Server, Throttled, Unavailable,
        UnknownCredentials, UnknownOperation, WrongSignature,
    };

    let Some(code) = error.code().map(str::to_owned) else {
        return without_code(status);
    };
    let message = error.message().to_owned();
    match error.class() {
        // STS has `ExpiredToken` for a session.
        Some(ClockSkew | ExpiredRequest) => CredentialFailure::ClockSkew { message },
        Some(Throttled) => CredentialFailure::Throttled { code },
        _ if status == 429 => CredentialFailure::Throttled { code },
        // Whatever its code: a server that fails says nothing reliable of the keys.
        _ if status >= 500 => CredentialFailure::ServerError { status, code },
        Some(Unavailable | RequestTimeout | Server) => CredentialFailure::ServerError { status, code },
        Some(ExpiredCredentials | UnknownCredentials | MissingCredentials | WrongSignature | MalformedSignature) => {
            CredentialFailure::KeysRejected { code, message }
        }
        Some(AccessDenied) => CredentialFailure::AccessDenied {
            action: action.to_owned(),
            code,
            message,
        },
        Some(NotEnabled | NotFound | Conflict | Quota | Redirect | UnknownOperation | Client) | None => {
            CredentialFailure::RequestRejected { code, message }
        }
    }
}

/// A response without an error code in it.
fn without_code(status: u16) -> CredentialFailure {
    match status {
        429 => CredentialFailure::Throttled { code: String::new() },
        500.. => CredentialFailure::ServerError {
            status,
            code: String::new(),
        },
        _ => CredentialFailure::UnreadableResponse { status },
    }
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
    fn permanent_errors_are_distinguished_from_passing_ones() {
        for (status, code, message, want, is_permanent) in [
            (403, "AccessDenied", "no", "access_denied", true),
            (400, "MalformedPolicyDocument", "no", "sts_request_rejected", true),
            (400, "PackedPolicyTooLarge", "no", "sts_request_rejected", true),
            (403, "RegionDisabledException", "no", "sts_request_rejected", true),
            (400, "ValidationError", "no", "sts_request_rejected", true),
            (403, "UnknownToAll", "no", "sts_request_rejected", true),
            (403, "InvalidClientTokenId", "no", "keys_rejected", true),
            (403, "SignatureDoesNotMatch", "no", "keys_rejected", true),
            (403, "IncompleteSignature", "no", "keys_rejected", true),
            (403, "MissingAuthenticationToken", "no", "keys_rejected", true),
            (403, "ExpiredToken", "no", "keys_rejected", true),
            (
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 2026",
                "clock_skew",
                false,
            ),
            (403, "RequestExpired", "no", "clock_skew", false),
            (400, "Throttling", "Rate exceeded", "sts_throttled", false),
            (503, "SlowDown", "no", "sts_throttled", false),
            (429, "Odd", "no", "sts_throttled", false),
            (500, "InternalFailure", "no", "sts_server_error", false),
            (400, "InternalFailure", "no", "sts_server_error", false),
            (503, "ServiceUnavailable", "no", "sts_server_error", false),
            (500, "AccessDenied", "no", "sts_server_error", false),
            (400, "no code", "no", "sts_unreadable_response", false),
        ] {
            let failure = failure(status, &ErrorResponse::new(code, message), "assuming x");
            assert_eq!((failure.code(), failure.is_permanent()), (want, is_permanent), "{code}");
        }
        for (status, want) in [
            (200, "sts_unreadable_response"),
            (407, "sts_unreadable_response"),
            (429, "sts_throttled"),
            (502, "sts_server_error"),
        ] {
            let failure = without_code(status);
            assert_eq!((failure.code(), failure.is_permanent()), (want, false), "{status}");
        }
    }

    #[test]
    fn an_error_in_another_xml_form_is_read_unless_the_status_is_a_success() {
        let moto =
            b"<ErrorResponse><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></Errors>";
        assert_eq!(failure_of_body(403, moto, "x").code(), "keys_rejected");
        for status in [200, 302, 1000] {
            assert_eq!(
                failure_of_body(status, moto, "x").code(),
                if status < 500 {
                    "sts_unreadable_response"
                } else {
                    "sts_server_error"
                }
            );
        }
        assert_eq!(failure_of_body(403, b"<html/>", "x").code(), "sts_unreadable_response");
    }
}
