//! What kind of error a code stands for.

use http::StatusCode;

use crate::codes;

/// What kind of error a response is, by what can be done about it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorClass {
    /// The session token has expired: another session is needed.
    ExpiredCredentials,
    /// The access key or the session token is unknown or deactivated, or they do not belong together.
    UnknownCredentials,
    /// The service saw no credentials. API Gateway says so of a path that it does not have, too.
    MissingCredentials,
    /// Either the session or the time of the signature is over: EC2 has one code for both.
    ExpiredRequest,
    /// The time of the signature is too far from the service's.
    ClockSkew,
    /// The signature is not the one that the service computes.
    WrongSignature,
    /// A part of the signature is malformed or does not fit the request: other credentials would not help.
    MalformedSignature,
    /// The caller may not do that.
    AccessDenied,
    /// The account has not enabled the service or the region.
    NotEnabled,
    /// What the request is about does not exist.
    NotFound,
    /// What the request is about is not in the state that it demands.
    Conflict,
    /// A limit of the account is reached, for longer than a moment.
    Quota,
    /// It is somewhere else: in another region, as a rule.
    Redirect,
    /// The service does not have this operation.
    UnknownOperation,
    /// The service limits the rate of requests.
    Throttled,
    /// The service has no capacity for now.
    Unavailable,
    /// The service waited too long for the rest of the request.
    RequestTimeout,
    /// Any other fault of the request.
    Client,
    /// Any other fault of the service.
    Server,
}

impl ErrorClass {
    /// The class of a known code; `None` for other codes. `message` decides where services have one code for several
    /// errors, and may be empty.
    ///
    /// ```
    /// use aws_errors::ErrorClass;
    ///
    /// let expired = "Signature expired: 20261123T000000Z is now earlier than 20261123T005500Z";
    /// assert_eq!(ErrorClass::of_code("SignatureDoesNotMatch", ""), Some(ErrorClass::WrongSignature));
    /// assert_eq!(ErrorClass::of_code("SignatureDoesNotMatch", expired), Some(ErrorClass::ClockSkew));
    /// assert_eq!(ErrorClass::of_code("InventedException", ""), None);
    /// ```
    #[must_use]
    pub fn of_code(code: &str, message: &str) -> Option<Self> {
        // Query and JSON services have no code of their own for a wrong time.
        // Source: STS, "Signature Version 4 troubleshooting" of the IAM User Guide.
        if message.starts_with("Signature expired") || message.starts_with("Signature not yet current") {
            return Some(Self::ClockSkew);
        }
        // EC2's code for credentials and signatures, and for images of others: the first has always the same message.
        if code == "AuthFailure" && !message.is_empty() && !message.contains("validate the provided access credentials")
        {
            return Some(Self::AccessDenied);
        }
        codes::class(code)
    }

    /// The class of an error response without a known code, such as one to `HEAD`. A status below 300 is none, and counts as
    /// [`Client`](Self::Client).
    ///
    /// ```
    /// use aws_errors::ErrorClass;
    /// use http::StatusCode;
    ///
    /// assert_eq!(ErrorClass::of_status(StatusCode::FORBIDDEN), ErrorClass::AccessDenied);
    /// ```
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Self::Throttled,
            // S3 limits the rate by a 503, also of `HEAD`.
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::UNAUTHORIZED => Self::UnknownCredentials,
            StatusCode::FORBIDDEN => Self::AccessDenied,
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::NotFound,
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Self::Conflict,
            status if status.is_redirection() => Self::Redirect,
            status if status.is_server_error() => Self::Server,
            _ => Self::Client,
        }
    }

    /// Whether the same request may succeed a moment later although nobody has changed anything.
    ///
    /// Source: the standard retry mode of the AWS SDKs (transient errors and throttling).
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Throttled | Self::Unavailable | Self::RequestTimeout | Self::Server
        )
    }

    /// Whether a response of this class may quote what the signature was made of: the canonical request, the session token or
    /// the access key id.
    ///
    /// Source: S3 API reference, "Error responses", `SignatureDoesNotMatch` and `InvalidToken`.
    #[must_use]
    pub fn may_quote_signature(self) -> bool {
        matches!(
            self,
            Self::ExpiredCredentials | Self::UnknownCredentials | Self::WrongSignature | Self::MalformedSignature
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorClass::{
        AccessDenied, Client, ClockSkew, Conflict, NotFound, Redirect, Server, Throttled, Unavailable,
        UnknownCredentials, WrongSignature,
    };

    #[track_caller]
    fn check(code: &str, message: &str, want: Option<ErrorClass>) {
        assert_eq!(ErrorClass::of_code(code, message), want, "{code} {message}");
    }

    #[test]
    fn wrong_time_is_read_from_the_message_where_no_code_stands_for_it() {
        for message in [
            "Signature expired: 20261123T000000Z is now earlier than 20261123T005500Z (20261123T010000Z - 5 min.)",
            "Signature not yet current: 20261123T020000Z is still later than 20261123T010500Z (20261123T010000Z + 5 min.)",
        ] {
            check("SignatureDoesNotMatch", message, Some(ClockSkew));
            check("InvalidSignatureException", message, Some(ClockSkew));
        }
        check("SignatureDoesNotMatch", "The Signature expired", Some(WrongSignature));
        check("RequestTimeTooSkewed", "", Some(ClockSkew));
        check("RequestInTheFuture", "", Some(ClockSkew));
    }

    #[test]
    fn ec2_has_one_code_for_credentials_signatures_and_images_of_others() {
        let message = "AWS was not able to validate the provided access credentials";
        check("AuthFailure", message, Some(UnknownCredentials));
        check("AuthFailure", "", Some(UnknownCredentials));
        check("AuthFailure", "Not authorized for images: [ami-1]", Some(AccessDenied));
    }

    #[test]
    fn unknown_code_has_no_class() {
        check("InventedByAClient", "no", None);
        check("", "", None);
        check("expiredtoken", "", None);
    }

    #[test]
    fn status_decides_where_no_code_does() {
        for (status, want) in [
            (301, Redirect),
            (400, Client),
            (401, UnknownCredentials),
            (403, AccessDenied),
            (404, NotFound),
            (410, NotFound),
            (409, Conflict),
            (412, Conflict),
            (429, Throttled),
            (500, Server),
            (502, Server),
            (503, Unavailable),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(ErrorClass::of_status(status), want, "{status}");
        }
    }
}
