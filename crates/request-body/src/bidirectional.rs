//! A request and a response that are streamed at once: what the two directions have to know of one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;

use super::progress::Progress;

/// Both directions of one exchange. Clones are the same one.
///
/// Neither direction times out while the other one moves: a client that only receives sends nothing, and a service that
/// only receives responds nothing. With the response the exchange is over, whatever the client still has to send.
#[derive(Clone, Debug)]
pub struct BidirectionalStream(Arc<BidirectionalState>);

#[derive(Debug)]
struct BidirectionalState {
    activity: Progress,
    is_response_ended: AtomicBool,
    sender: AtomicWaker,
}

impl Default for BidirectionalStream {
    fn default() -> Self {
        Self::new()
    }
}

impl BidirectionalStream {
    /// One that has just begun.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(BidirectionalState {
            activity: Progress::new(),
            is_response_ended: AtomicBool::new(false),
            sender: AtomicWaker::new(),
        }))
    }

    /// When something last passed in either direction.
    #[must_use]
    pub fn activity(&self) -> &Progress {
        &self.0.activity
    }

    /// Whether the response has ended. Wakes its one caller when it does.
    pub(super) fn is_response_ended(&self, cx: &mut Context<'_>) -> bool {
        self.0.sender.register(cx.waker());
        self.0.is_response_ended.load(Ordering::Acquire)
    }
}

/// The response of a bidirectional stream; dropped, it has ended.
#[derive(Debug)]
pub struct OpenResponse(BidirectionalStream);

impl OpenResponse {
    /// The response of this one.
    #[must_use]
    pub fn new(stream: BidirectionalStream) -> Self {
        Self(stream)
    }
}

impl Drop for OpenResponse {
    fn drop(&mut self) {
        let shared = &self.0.0;
        shared.is_response_ended.store(true, Ordering::Release);
        shared.sender.wake();
    }
}
