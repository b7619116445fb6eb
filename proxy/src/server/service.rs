//! From hyper's service to our [`Handler`], counting what is in flight.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;

use super::activity::{Activity, InFlight};
use super::{Handler, ListenerRole, Peer};
use crate::metrics::{Held, Metrics};

/// One client connection's way to the handler.
#[derive(Debug)]
pub(crate) struct ToHandler<H> {
    handler: Arc<H>,
    peer: Peer,
    activity: Arc<Activity>,
    metrics: Metrics,
}

impl<H> ToHandler<H> {
    pub(crate) fn new(handler: Arc<H>, peer: Peer, activity: Arc<Activity>, metrics: Metrics) -> Self {
        Self {
            handler,
            peer,
            activity,
            metrics,
        }
    }
}

impl<H: Handler> Service<Request<Incoming>> for ToHandler<H> {
    type Response = Response<Watched<H::Body>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_flight = InFlight::new(Arc::clone(&self.activity), request.body().is_end_stream());
        // Probes of the proxy itself are not what operators want to see under way.
        let counted = (self.peer.listener != ListenerRole::Admin).then(|| self.metrics.request_begins());
        let answer = Arc::clone(&self.handler).handle(request, self.peer.clone());
        Box::pin(async move {
            Ok(answer.await.map(|body| Watched {
                body: Box::pin(body),
                _in_flight: in_flight,
                _counted: counted,
            }))
        })
    }
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
