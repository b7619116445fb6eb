//! A request and an answer that flow at once: what the two directions have to know of one another.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body, Frame};

use super::error::BoxError;
use super::outgoing::Progress;

/// Both directions of one exchange. Clones are the same one.
///
/// Neither direction is late while the other one moves: a client that listens sends nothing, and a service that is
/// spoken to answers nothing. With the answer the exchange is over, whatever the client still has to say.
#[derive(Clone, Debug)]
pub struct Conversation(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    activity: Progress,
    is_over: AtomicBool,
    sender: AtomicWaker,
}

impl Default for Conversation {
    fn default() -> Self {
        Self::new()
    }
}

impl Conversation {
    /// One that has just begun.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            activity: Progress::new(),
            is_over: AtomicBool::new(false),
            sender: AtomicWaker::new(),
        }))
    }

    /// When something last passed in either direction.
    #[must_use]
    pub fn activity(&self) -> &Progress {
        &self.0.activity
    }

    /// Whether the answer has ended. Wakes its one caller when it does.
    pub(super) fn is_over(&self, cx: &mut Context<'_>) -> bool {
        self.0.sender.register(cx.waker());
        self.0.is_over.load(Ordering::Acquire)
    }
}

/// The answer of a conversation; dropped, it has ended.
#[derive(Debug)]
pub struct Answering(Conversation);

impl Answering {
    /// The answer of this one.
    #[must_use]
    pub fn new(conversation: Conversation) -> Self {
        Self(conversation)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let shared = &self.0.0;
        shared.is_over.store(true, Ordering::Release);
        shared.sender.wake();
    }
}

/// A client's body over HTTP/2 that ends only where its client says so.
///
/// hyper takes a reset with `NO_ERROR` for an end as well, since servers reset so what they have answered already.
#[derive(Debug)]
pub struct EndsAsSaid<B>(B);

impl<B> EndsAsSaid<B> {
    /// The same body.
    pub fn new(body: B) -> Self {
        Self(body)
    }
}

impl<B> Body for EndsAsSaid<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
            Some(frame) => Some(frame.map_err(Into::into)),
            None if self.0.is_end_stream() => None,
            None => Some(Err("the client reset its request".into())),
        })
    }
}
