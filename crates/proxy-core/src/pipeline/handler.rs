//! The pipeline as what the HTTP server hands requests to.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_server::{Handler, Peer, RequestReservation};

use super::record::Reporter;
use super::{Noted, Pipeline, ResponseBody};
use crate::error::Cause;

impl<B> Handler<B> for Pipeline
where
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
{
    type Body = ResponseBody;
    type Begun = Noted;

    fn begin(&self, request: &Request<B>, peer: &Peer) -> Noted {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("{}-{number:06x}", self.instance);
        Noted(Reporter::new(
            request,
            peer.clone(),
            request_id,
            Arc::clone(&self.observer),
        ))
    }

    async fn handle(self: Arc<Self>, request: Request<B>, begun: Noted) -> Response<ResponseBody> {
        self.respond(request, begun.0).await
    }

    fn reserve(&self, request: &Request<B>, peer: &Peer) -> Option<RequestReservation> {
        self.limits.room_for_head(&peer.client_key(), request)
    }
}
