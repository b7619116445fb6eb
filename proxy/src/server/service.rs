//! From hyper's service to our [`Handler`], counting what is in flight.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;

use super::activity::{Activity, InFlight};
use super::head_watch::Found;
use super::{Handler, ListenerRole, Peer};
use crate::metrics::{Held, Metrics};

/// One client connection's way to the handler.
#[derive(Debug)]
pub(crate) struct ToHandler<H> {
    handler: Arc<H>,
    peer: Peer,
    activity: Arc<Activity>,
    metrics: Metrics,
    /// Of HTTP/1 heads; HTTP/2 leaves nothing to forgive.
    found: Option<Arc<Found>>,
}

impl<H> ToHandler<H> {
    pub(crate) fn new(handler: Arc<H>, peer: Peer, activity: Arc<Activity>, metrics: Metrics) -> Self {
        Self {
            handler,
            peer,
            activity,
            metrics,
            found: None,
        }
    }

    /// Marks requests whose head is ambiguous by [`AmbiguousHead`](super::head_watch::AmbiguousHead).
    pub(crate) fn with_head_watch(self, found: Arc<Found>) -> Self {
        Self {
            found: Some(found),
            ..self
        }
    }
}

impl<H: Handler> Service<Request<Incoming>> for ToHandler<H> {
    type Response = Response<Watched<H::Body>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(finding) = self.found.as_ref().and_then(|found| found.finding()) {
            request.extensions_mut().insert(finding);
        }
        let in_flight = InFlight::new(Arc::clone(&self.activity), request.body().is_end_stream());
        // Probes of the proxy itself are not what operators want to see under way.
        let counted = (self.peer.listener != ListenerRole::Admin).then(|| self.metrics.request_begins());
        let is_last = awaits_continue_in_vain(&request);
        let (handler, peer) = (Arc::clone(&self.handler), self.peer.clone());
        // Called inside, so that the handler's future stands in the box once and is not moved into it.
        Box::pin(async move {
            let mut answer = handler.handle(request, peer).await.map(|body| Watched {
                body: Box::pin(body),
                _in_flight: in_flight,
                _counted: counted,
            });
            if is_last {
                answer
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        })
    }
}

/// Whether the client expects `100 Continue` for a body of no bytes, for which hyper sends none.
///
/// That is allowed (RFC 9110, section 10.1.1), but botocore takes the final status that came in its place for that of
/// its next answer on this connection too, and then waits for a head that is already there. So there is no next one.
fn awaits_continue_in_vain(request: &Request<Incoming>) -> bool {
    request.version() == Version::HTTP_11 && request.headers().contains_key(EXPECT) && request.body().is_end_stream()
}

/// An answer's body that keeps its request counted as in flight until it has ended.
#[derive(Debug)]
pub(crate) struct Watched<B> {
    body: Pin<Box<B>>,
    _in_flight: InFlight,
    _counted: Option<Held>,
}

impl<B: Body> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.body.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
