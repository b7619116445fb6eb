//! What kind of error a code stands for.

use http::StatusCode;

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
        AccessDenied, Client, Conflict, NotFound, Redirect, Server, Throttled, Unavailable, UnknownCredentials,
    };

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
