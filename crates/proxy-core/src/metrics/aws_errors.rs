//! Error responses of services, by what kind of error AWS's code stands for.
//!
//! Services have thousands of codes, and an application behind one may invent its own: a code that the table of
//! `aws-errors` does not have counts as `other`.

use aws_errors::{ErrorClass, known_codes};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use super::RequestSample;

/// The label of an [`ErrorClass`]: several of them are one kind of error for whoever watches a service.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum AwsErrorKind {
    /// The service limits the rate of requests, or has no capacity for now.
    Throttled,
    /// The caller may not do that.
    AccessDenied,
    /// The keys or the session are not accepted.
    Credentials,
    /// The signature is not accepted, or its time.
    Signature,
    /// What the request is about does not exist.
    NotFound,
    /// What the request is about is not in the state that it demands.
    Conflict,
    /// A limit of the account is reached, for longer than a moment.
    Quota,
    /// It is somewhere else: in another region, as a rule.
    Redirect,
    /// Any other fault of the request.
    Client,
    /// Any other fault of the service.
    Server,
}

use AwsErrorKind::{
    AccessDenied, Client, Conflict, Credentials, NotFound, Quota, Redirect, Server, Signature, Throttled,
};

impl From<ErrorClass> for AwsErrorKind {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Throttled | ErrorClass::Unavailable => Throttled,
            ErrorClass::AccessDenied | ErrorClass::NotEnabled => AccessDenied,
            ErrorClass::ExpiredCredentials
            | ErrorClass::UnknownCredentials
            | ErrorClass::MissingCredentials
            | ErrorClass::ExpiredRequest => Credentials,
            ErrorClass::ClockSkew | ErrorClass::WrongSignature | ErrorClass::MalformedSignature => Signature,
            ErrorClass::NotFound => NotFound,
            ErrorClass::Conflict => Conflict,
            ErrorClass::Quota => Quota,
            ErrorClass::Redirect => Redirect,
            ErrorClass::UnknownOperation | ErrorClass::RequestTimeout | ErrorClass::Client => Client,
            ErrorClass::Server => Server,
        }
    }
}

/// The code of a response that has none, such as one to `HEAD`.
const NO_CODE: &str = "none";

/// A code that the table does not have.
const OTHER: &str = "other";

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct AwsErrorLabels {
    connection: String,
    class: AwsErrorKind,
    code: &'static str,
}

impl AwsErrorLabels {
    /// `None` where the response is no error of the service's.
    pub(super) fn of(sample: &RequestSample<'_>) -> Option<Self> {
        let status = sample
            .status
            .filter(|_| sample.upstream_head.is_some() && sample.error.is_none())?;
        let is_error = status.is_client_error() || status.is_server_error();
        if !is_error && sample.aws_error.is_none() {
            return None;
        }
        let known = sample
            .aws_error
            .and_then(|code| known_codes().find(|(known, _)| *known == code));
        let (code, class) = known.unwrap_or_else(|| {
            let code = if sample.aws_error.is_some() { OTHER } else { NO_CODE };
            (code, ErrorClass::of_status(status))
        });
        let class = class.into();
        Some(Self {
            connection: sample.connection.map(ToString::to_string).unwrap_or_default(),
            class,
            code,
        })
    }
}

impl EncodeLabelValue for AwsErrorKind {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Throttled => "throttled",
            AccessDenied => "access-denied",
            Credentials => "credentials",
            Signature => "signature",
            NotFound => "not-found",
            Conflict => "conflict",
            Quota => "quota",
            Redirect => "redirect",
            Client => "client",
            Server => "server",
        };
        name.encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, StatusCode};

    use super::*;

    fn labels(
        status: u16,
        aws_error: Option<&str>,
        error: Option<&'static str>,
    ) -> Option<(AwsErrorKind, &'static str)> {
        let sample = RequestSample {
            connection: None,
            service: None,
            method: &Method::GET,
            status: Some(StatusCode::from_u16(status).unwrap()),
            error,
            aws_error,
            upstream_head: Some(Duration::ZERO),
            total: Duration::ZERO,
            request_bytes: 0,
            response_bytes: 0,
        };
        AwsErrorLabels::of(&sample).map(|labels| (labels.class, labels.code))
    }

    #[test]
    fn known_codes_are_counted_by_name_and_others_by_status() {
        for (status, aws_error, want) in [
            (503, Some("SlowDown"), (Throttled, "SlowDown")),
            (400, Some("ThrottlingException"), (Throttled, "ThrottlingException")),
            (403, Some("AccessDenied"), (AccessDenied, "AccessDenied")),
            (403, Some("SignatureDoesNotMatch"), (Signature, "SignatureDoesNotMatch")),
            (301, Some("PermanentRedirect"), (Redirect, "PermanentRedirect")),
            (400, Some("InventedByAClient"), (Client, "other")),
            (503, Some("ServiceUnavailable"), (Throttled, "ServiceUnavailable")),
            (403, Some("RequestExpired"), (Credentials, "RequestExpired")),
            (403, Some("OptInRequired"), (AccessDenied, "OptInRequired")),
            (400, Some("RequestTimeout"), (Client, "RequestTimeout")),
            (503, None, (Throttled, "none")),
            (401, None, (Credentials, "none")),
            (403, None, (AccessDenied, "none")),
            (412, None, (Conflict, "none")),
            (429, None, (Throttled, "none")),
            (404, None, (NotFound, "none")),
            (500, None, (Server, "none")),
        ] {
            assert_eq!(labels(status, aws_error, None), Some(want), "{status} {aws_error:?}");
        }
    }

    #[test]
    fn what_is_no_error_of_the_services_is_not_counted() {
        for status in [200, 206, 301, 304] {
            assert_eq!(labels(status, None, None), None, "{status}");
        }
        assert_eq!(labels(503, None, Some("no-credentials")), None);
    }
}
