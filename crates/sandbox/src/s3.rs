//! S3: our verifier and body checks before s3s and s3s-fs.
//!
//! Signatures are verified twice, by two codebases: here with `aws-sigv4` and again by s3s. What s3s 0.14.1 does not
//! look at is checked here: session tokens, the region, unsigned `x-amz-*` headers, signature version 2 (rejected), a
//! truncated chunked body, and a wrong body hash (to which s3s responses 500). The signatures of chunks and trailers are
//! verified by s3s; its 500 for a wrong one becomes `SignatureDoesNotMatch`.
//!
//! s3s-fs keeps objects as files, so a key cannot be both a file and a folder, `..` and `//` in keys are resolved, a
//! name is at most 255 bytes long, and sub-resources such as ACLs, tags and versions do not exist.

mod checked_body;
mod framing;
mod listing;
mod store;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use s3s::service::S3Service;

use crate::event::{EventSender, Outcome, Reason, VerifiedRequest};
use crate::fault::{Disconnected, FaultSwitch};
use crate::principals::Rights;
use crate::random;
use crate::response::{Body, full};
use crate::server::Handler;
use crate::service_error::{ServiceError, Shape};
use crate::verify::{PathRule, Payload, Scheme, Sighting, Verifier};

use checked_body::{BodyCheck, CheckedBody, Verdict};
use listing::{encode_names, is_encoded_listing};
pub(crate) use store::open;

const SCHEME: Scheme = Scheme {
    signing_name: "s3",
    path: PathRule::DecodedOnce,
    skew: Duration::from_mins(15),
};
/// Error responses are read to learn their code; longer ones are passed on unread.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// A listing of 1000 names of 1 KiB, escaped, has room in this.
const MAX_LISTING_BYTES: usize = 8 * 1024 * 1024;
/// A body where S3 expects none.
const MAX_STRAY_BYTES: usize = 1024 * 1024;

/// Name of the operation that s3s found, handed on through the request's extensions.
#[derive(Clone, Debug, Default)]
struct OperationName(Arc<OnceLock<String>>);

/// The S3 service.
pub(crate) struct S3 {
    pub(crate) service: S3Service,
    pub(crate) verifier: Verifier,
    pub(crate) events: EventSender,
    pub(crate) fault: FaultSwitch,
}

#[async_trait]
impl Handler for S3 {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Disconnected> {
        let request_id = random::request_id();
        let (head, body) = request.into_parts();
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let mut sighting = Sighting::default();
        let operation = OperationName::default();
        let result = match self.fault.strike().await? {
            Some(error) => Err(error),
            None => self.respond(head, body, &mut sighting, operation.clone()).await,
        };
        let (mut response, outcome) = match result {
            Ok(response) => response,
            Err(error) => {
                let outcome = Outcome::Rejected {
                    reason: error.reason,
                    code: error.code(Shape::S3).to_owned(),
                    why: error.message.clone(),
                };
                let mut response = error.response(Shape::S3, &request_id);
                if method == Method::HEAD {
                    *response.body_mut() = full(Bytes::new());
                }
                (response, outcome)
            }
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-amz-request-id", id.clone());
            response.headers_mut().insert("x-amz-id-2", id);
        }
        self.events.send(VerifiedRequest {
            service: "s3",
            operation: operation.0.get().cloned(),
            method,
            path,
            principal: sighting.principal,
            key: sighting.key,
            region: sighting.region,
            outcome,
        });
        Ok(response)
    }
}

impl S3 {
    async fn respond(
        &self,
        mut head: Parts,
        body: Incoming,
        sighting: &mut Sighting,
        operation: OperationName,
    ) -> Result<(Response<Body>, Outcome), ServiceError> {
        let declared = declared_payload(&head).to_owned();
        if declared.is_empty() && head.headers.contains_key(AUTHORIZATION) {
            return Err(ServiceError::new(
                Reason::BadRequest,
                "Missing required header for this request: x-amz-content-sha256",
            ));
        }
        let caller = self
            .verifier
            .verify(&head, Payload::Declared(&declared), SCHEME, sighting)?;
        if caller.principal.rights != Rights::Everything {
            let message = format!("User: {} is not authorized to use S3", caller.principal.arn);
            return Err(ServiceError::new(Reason::AccessDenied, message));
        }
        let check = BodyCheck::new(&declared, &head.headers)?;
        let verdict = Verdict::default();
        let body = accept_body(&head.method, body, check, &verdict).await?;

        // s3s writes whole requests to its debug log.
        for name in [AUTHORIZATION.as_str(), "x-amz-security-token"] {
            if let Some(value) = head.headers.get_mut(name) {
                value.set_sensitive(true);
            }
        }
        head.extensions.insert(operation);
        let is_encoded = head.method == Method::GET && is_encoded_listing(head.uri.query());
        let is_chunk_signed = declared.starts_with("STREAMING-AWS4");
        // s3s-fs panics over keys that lead out of their bucket, such as `..//.`.
        let call = AssertUnwindSafe(self.service.call(Request::from_parts(head, body)));
        let response = call.catch_unwind().await;
        if let Some(error) = verdict.take() {
            return Err(error);
        }
        let Ok(response) = response else {
            let message = "The sandbox keeps objects as files and cannot keep one under this key";
            return Err(ServiceError::new(Reason::BadRequest, message));
        };
        let Ok(response) = response else {
            return Err(ServiceError::new(Reason::Unavailable, "s3s failed"));
        };
        if is_chunk_signed && response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            return Err(ServiceError::new(
                Reason::SignatureMismatch,
                "The signature of a chunk or of the trailer does not match",
            ));
        }
        judge(response, is_encoded).await
    }
}

/// The payload's part of the canonical request: of a presigned URL always the same text.
fn declared_payload(head: &Parts) -> &str {
    let is_presigned = head
        .uri
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("X-Amz-Signature=")));
    if is_presigned {
        return "UNSIGNED-PAYLOAD";
    }
    let declared = head.headers.get("x-amz-content-sha256");
    declared.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Puts the check between the wire and s3s. s3s does not read the body of a GET, so that is read here.
async fn accept_body(
    method: &Method,
    body: Incoming,
    check: BodyCheck,
    verdict: &Verdict,
) -> Result<s3s::Body, ServiceError> {
    if body.is_end_stream() {
        check.finish()?;
        return Ok(s3s::Body::empty());
    }
    let checked = CheckedBody::new(body, check, verdict.clone());
    if matches!(*method, Method::PUT | Method::POST) {
        return Ok(s3s::Body::http_body(checked));
    }
    match Limited::new(checked, MAX_STRAY_BYTES).collect().await {
        Ok(_) => Ok(s3s::Body::empty()),
        Err(_) => Err(verdict
            .take()
            .unwrap_or_else(|| ServiceError::new(Reason::TooLarge, "A body is not expected here"))),
    }
}

/// Learns the error code of what s3s responded; encodes the names of a listing.
async fn judge(response: Response<s3s::Body>, is_encoded: bool) -> Result<(Response<Body>, Outcome), ServiceError> {
    let (mut head, body) = response.into_parts();
    let status = head.status;
    if is_encoded && status == StatusCode::OK {
        let listing = Limited::new(body, MAX_LISTING_BYTES).collect().await;
        let listing = listing.map_err(|_| ServiceError::new(Reason::Unavailable, "The listing is too long"))?;
        head.headers.remove(http::header::CONTENT_LENGTH);
        let encoded = encode_names(&String::from_utf8_lossy(&listing.to_bytes()));
        return Ok((Response::from_parts(head, full(encoded)), Outcome::Accepted));
    }
    if !status.is_client_error() && !status.is_server_error() {
        return Ok((Response::from_parts(head, body.boxed_unsync()), Outcome::Accepted));
    }
    let text = match Limited::new(body, MAX_ERROR_BYTES).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let element = |name: &str| {
        let text = std::str::from_utf8(&text).ok()?;
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    let code = element("Code").unwrap_or_else(|| status.as_str().to_owned());
    let reason = match code.as_str() {
        "SignatureDoesNotMatch" => Reason::SignatureMismatch,
        "AccessDenied" => Reason::AccessDenied,
        _ if status.is_server_error() => Reason::Unavailable,
        _ => Reason::BadRequest,
    };
    let outcome = Outcome::Rejected {
        reason,
        why: element("Message").unwrap_or_else(|| format!("s3s responded {status}")),
        code,
    };
    Ok((Response::from_parts(head, full(text)), outcome))
}
