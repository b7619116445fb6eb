//! The body of a response, which ends only where the service ended it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use request_body::ExpectContinue;

use super::upload::Exchanging;
use crate::error::Cause;
use crate::strip;

/// The request's body, where it is held back for the service's word: it goes when the response is read to its end, or there
/// is none.
#[derive(Debug)]
pub(super) struct HeldBody(pub(super) ExpectContinue);

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.0.finished();
    }
}

/// A service's body as it arrives. A body that is cut ends in an error, whatever the protocol calls it.
#[derive(Debug)]
pub struct ServiceBody {
    incoming: Incoming,
    /// hyper takes a reset of the stream with `NO_ERROR` for an end of the body; only `END_STREAM` is one. Over HTTP/1
    /// it reports each early end itself.
    needs_end_stream: bool,
    request: Box<RequestSide>,
}

/// What becomes of the request with the response's end.
#[derive(Debug)]
struct RequestSide {
    _held: Option<HeldBody>,
    /// `None` once the response has ended.
    exchanging: Option<Exchanging>,
}

impl ServiceBody {
    pub(super) fn new(incoming: Incoming, version: Version, held: Option<HeldBody>, exchanging: Exchanging) -> Self {
        if let Some(HeldBody(gate)) = &held {
            gate.responded();
        }
        let mut body = Self {
            incoming,
            needs_end_stream: version == Version::HTTP_2,
            request: Box::new(RequestSide {
                _held: held,
                exchanging: Some(exchanging),
            }),
        };
        if body.incoming.is_end_stream() {
            body.end_exchange();
        }
        body
    }

    /// Whether all bytes that the head has announced are here. h2 may have forgotten the end of the stream, see
    /// [`multiplexed`](super::multiplexed).
    fn is_complete(&self) -> bool {
        self.needs_end_stream && self.incoming.size_hint().exact() == Some(0)
    }

    fn end_exchange(&mut self) {
        if let Some(exchanging) = self.request.exchanging.take() {
            exchanging.ended();
        }
    }
}

impl Body for ServiceBody {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        let this = self.get_mut();
        let frame = match ready!(Pin::new(&mut this.incoming).poll_frame(cx)) {
            None | Some(Err(_)) if this.is_complete() => None,
            None if this.needs_end_stream && !this.incoming.is_end_stream() => {
                Some(Err("the service reset its response before the end".into()))
            }
            None => None,
            Some(Err(error)) => Some(Err(error.into())),
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    strip::trailers(trailers);
                }
                Some(Ok(frame))
            }
        };
        if frame.is_none() || this.incoming.is_end_stream() {
            this.end_exchange();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
