//! Compares a body with what its request declared while it streams by.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use aws_lc_rs::digest;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::framing::Framing;
use crate::event::Reason;
use crate::response::BodyError;
use crate::service_error::ServiceError;

/// Why the body was rejected, handed past s3s, which only knows that its body broke off.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict(Arc<OnceLock<ServiceError>>);

impl Verdict {
    pub(super) fn take(&self) -> Option<ServiceError> {
        self.0.get().cloned()
    }
}

/// What is to be checked.
pub(super) enum BodyCheck {
    /// `UNSIGNED-PAYLOAD`.
    Nothing,
    /// The SHA-256 in lower-case hex.
    Hash { digest: digest::Context, declared: String },
    /// `aws-chunked` framing.
    Chunks(Framing),
}

impl BodyCheck {
    /// # Errors
    /// `InvalidRequest` where `declared` is none of S3's values.
    pub(super) fn new(declared: &str, headers: &HeaderMap) -> Result<Self, ServiceError> {
        match declared {
            "UNSIGNED-PAYLOAD" => Ok(Self::Nothing),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
            | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
            | "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Ok(Self::Chunks(Framing::new(declared, headers))),
            hash if hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
                Ok(Self::Hash {
                    digest: digest::Context::new(&digest::SHA256),
                    declared: hash.to_owned(),
                })
            }
            _ => Err(ServiceError::of_operation(
                "InvalidArgument",
                StatusCode::BAD_REQUEST,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
            )),
        }
    }

    fn feed(&mut self, data: &[u8]) {
        match self {
            Self::Nothing => {}
            Self::Hash { digest, .. } => digest.update(data),
            Self::Chunks(framing) => framing.feed(data),
        }
    }

    /// Whether the rest of the body cannot change the verdict.
    fn has_failed(&self) -> bool {
        matches!(self, Self::Chunks(framing) if framing.is_broken())
    }

    /// # Errors
    /// What is wrong, once the whole body was seen.
    pub(super) fn finish(self) -> Result<(), ServiceError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Hash { digest, declared } => {
                if hex::encode(digest.finish()) == declared {
                    Ok(())
                } else {
                    Err(ServiceError::new(
                        Reason::BodyHashMismatch,
                        "The provided 'x-amz-content-sha256' header does not match what was computed.",
                    ))
                }
            }
            Self::Chunks(framing) => framing.finish(),
        }
    }
}

/// The body with its check; it breaks off at its end where the check fails.
pub(super) struct CheckedBody {
    body: Incoming,
    check: Option<BodyCheck>,
    verdict: Verdict,
}

impl CheckedBody {
    pub(super) fn new(body: Incoming, check: BodyCheck, verdict: Verdict) -> Self {
        Self {
            body,
            check: Some(check),
            verdict,
        }
    }

    fn finish(&mut self) -> Result<(), BodyError> {
        let Some(Err(error)) = self.check.take().map(BodyCheck::finish) else {
            return Ok(());
        };
        let message = error.message.clone();
        let _ = self.verdict.0.set(error);
        Err(message.into())
    }
}

impl Body for CheckedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            None => return Poll::Ready(this.finish().err().map(Err)),
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            Some(Ok(frame)) => frame,
        };
        if let (Some(data), Some(check)) = (frame.data_ref(), this.check.as_mut()) {
            check.feed(data);
        }
        // Whoever reads may stop at the declared length, without asking for the end: so the last frame is held back.
        let is_decided = this.body.is_end_stream() || this.check.as_ref().is_some_and(BodyCheck::has_failed);
        if is_decided && let Err(error) = this.finish() {
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.check.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
