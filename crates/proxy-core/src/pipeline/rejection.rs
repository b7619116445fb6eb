//! What a service's error response says of the keys and the time that a request was signed with.
//!
//! Only error responses are looked into, and only small ones; nothing of what is found reaches a client or a log but the
//! code, which [`service_error`](super::service_error) reads for itself. What each code stands for is in `aws-errors`.

use aws_errors::{ErrorClass, ErrorResponse, MAX_BODY, code_in_headers};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Method, StatusCode};

/// What an error response says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rejection {
    /// The keys or their session token are not known, or not any more.
    Credentials,
    /// Either the session or the time of the signature is over: EC2 has one code for both.
    Expired,
    /// The signature is not the one that the service computes: a wrong secret, or a wrong time that it does not name.
    Signature,
    /// The signature's time is too far from the service's.
    Time,
    /// Anything, but a wrong time too. That of a response to `HEAD`, which has no body.
    PerhapsTime,
    /// Anything, but an expired session token too: S3's 400 to a `HEAD`.
    PerhapsToken,
}

/// What the head of a response says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum InHead {
    /// It says that it is none of our business, or that it cannot be read.
    Nothing,
    /// It says all of it.
    All(Rejection),
    /// The body may say.
    Body,
}

impl InHead {
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

/// What the head of a response says.
pub(super) fn in_head(method: &Method, status: StatusCode, headers: &HeaderMap) -> InHead {
    if !may_reject(status) {
        return InHead::Nothing;
    }
    match code_in_headers(headers).map(|code| ErrorClass::of_code(code, "").and_then(of_class)) {
        // Its message may say that the time is meant.
        Some(Some(Rejection::Signature)) => {}
        Some(Some(rejection)) => return InHead::All(rejection),
        Some(None) => return InHead::Nothing,
        None if *method == Method::HEAD => return without_body(status, headers),
        None => {}
    }
    if *method != Method::HEAD && may_be_read(headers) {
        InHead::Body
    } else {
        InHead::Nothing
    }
}

/// The one code of a response to `HEAD`: its status. With the region of the bucket S3 says that another one is meant.
fn without_body(status: StatusCode, headers: &HeaderMap) -> InHead {
    match status {
        StatusCode::FORBIDDEN => InHead::All(Rejection::PerhapsTime),
        StatusCode::BAD_REQUEST if !headers.contains_key("x-amz-bucket-region") => InHead::All(Rejection::PerhapsToken),
        _ => InHead::Nothing,
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

/// What a whole body says, which has to be decoded.
pub(super) fn in_body(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Rejection> {
    of_class(ErrorResponse::read(status, headers, body).class()?)
}

/// What a class of errors means for the signature. Each class is named, so that a new one is decided here too.
fn of_class(class: ErrorClass) -> Option<Rejection> {
    match class {
        ErrorClass::ExpiredCredentials | ErrorClass::UnknownCredentials => Some(Rejection::Credentials),
        ErrorClass::ExpiredRequest => Some(Rejection::Expired),
        ErrorClass::ClockSkew => Some(Rejection::Time),
        ErrorClass::WrongSignature => Some(Rejection::Signature),
        // API Gateway says so of each path that it does not have, and the request did have credentials.
        ErrorClass::MissingCredentials
        // Ours are well formed, so the request was changed in transit or is meant for another region: other credentials would
        // not help.
        | ErrorClass::MalformedSignature
        | ErrorClass::AccessDenied
        | ErrorClass::NotEnabled
        | ErrorClass::NotFound
        | ErrorClass::Conflict
        | ErrorClass::Quota
        | ErrorClass::Redirect
        | ErrorClass::UnknownOperation
        | ErrorClass::Throttled
        | ErrorClass::Unavailable
        | ErrorClass::RequestTimeout
        | ErrorClass::Client
        | ErrorClass::Server => None,
    }
}

#[cfg(test)]
mod tests;
