//! A client's body until a step takes it.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a request. What is left of it when the request is rejected is read and dropped, see [`drain`](super::drain).
#[derive(Debug)]
pub(super) enum ClientBody<B> {
    /// Nothing of it was taken yet, or only a part was read.
    Here(B),
    /// A step has it: it belongs to the request that is sent.
    Taken,
}

impl<B> ClientBody<B> {
    /// The body, which is nobody else's from now on.
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::Taken)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ClientBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.get_mut() {
            Self::Here(body) => Pin::new(body).poll_frame(cx),
            Self::Taken => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Here(body) => body.is_end_stream(),
            Self::Taken => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Here(body) => body.size_hint(),
            Self::Taken => SizeHint::with_exact(0),
        }
    }
}
