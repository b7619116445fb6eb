//! A client's body passed on as it arrives, for payloads that are not hashed first.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use super::idle::IdleTimer;
use crate::error::{Cause, ErrorCode, ProxyError};

/// What a [`ClientStream`] tells about itself after it was given away: bytes taken, and what went wrong on the
/// client's side, which the HTTP client would blame on the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamFault(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    received: AtomicU64,
    fault: OnceLock<(ErrorCode, Option<String>)>,
}

impl StreamFault {
    /// What went wrong, if anything did.
    pub(crate) fn error(&self) -> Option<ProxyError> {
        let (code, hint) = self.0.fault.get()?;
        let error = ProxyError::new(*code);
        Some(match hint {
            Some(hint) => error.with_hint(hint.as_str()),
            None => error,
        })
    }

    /// How many bytes have come off the wire.
    pub(crate) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }
}

/// A client's body with an idle timeout.
#[derive(Debug)]
pub(crate) struct ClientStream {
    body: UnsyncBoxBody<Bytes, Cause>,
    idle: IdleTimer,
    fault: StreamFault,
}

impl ClientStream {
    /// Passes `body` on, waiting `idle` for each piece.
    pub(crate) fn new<B>(body: B, idle: Duration, fault: StreamFault) -> Self
    where
        B: Body<Data = Bytes, Error: Into<Cause>> + Send + 'static,
    {
        Self {
            body: body.map_err(Into::into).boxed_unsync(),
            idle: IdleTimer::new(idle),
            fault,
        }
    }

    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cause>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                ready!(self.idle.poll_elapsed(cx));
                return Poll::Ready(Some(
                    Err(self.fail(ErrorCode::BodyTimeout, "the body stopped arriving")),
                ));
            };
            self.idle.reset();
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(self.fail(ErrorCode::BodyIncomplete, error)))),
                Some(Ok(frame)) => {
                    // Trailers are dropped: nobody signs them.
                    let Ok(data) = frame.into_data() else { continue };
                    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                    self.fault.0.received.fetch_add(length, Ordering::Relaxed);
                    return Poll::Ready(Some(Ok(data)));
                }
            }
        }
    }

    /// Notes what went wrong; gives the error that breaks the request off.
    pub(super) fn fail(&self, code: ErrorCode, cause: impl Into<Cause>) -> Cause {
        // The first fault is the one to tell.
        let _ = self.fault.0.fault.set((code, None));
        cause.into()
    }

    /// As [`fail`](Self::fail), with the error's own hint.
    pub(super) fn refuse(&self, error: ProxyError) -> Cause {
        let _ = self.fault.0.fault.set((error.code(), Some(error.hint().to_owned())));
        error.into()
    }
}
