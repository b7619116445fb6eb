//! A body over HTTP/2 whose reset is no end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::error::BoxError;

/// A client's body over HTTP/2 that ends only where its client ended it.
///
/// hyper takes a reset with `NO_ERROR` for an end as well, since servers reset in this way what they have responded to already.
#[derive(Debug)]
pub struct ExplicitEnd<B>(B);

impl<B> ExplicitEnd<B> {
    /// The same body.
    pub fn new(body: B) -> Self {
        Self(body)
    }
}

impl<B> Body for ExplicitEnd<B>
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
