//! What requests are handed to, and what a handler and the server let each other know.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use resource_limits::{ClientKey, Grant, ListenerRole};

/// Who sent a request, and to which of our addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client's address as the kernel gives it.
    pub addr: SocketAddr,
    /// Where it connected.
    pub listener: ListenerRole,
}

impl Peer {
    /// The client that what it takes is counted for.
    #[must_use]
    pub fn client_key(&self) -> ClientKey {
        ClientKey::new(self.listener.clone(), self.addr.ip())
    }
}

/// What requests are handed to. `B` is the body of a request: [`Server`](crate::Server) brings hyper's, tests and programs that have no
/// socket bring their own.
pub trait Handler<B>: Send + Sync + 'static {
    /// The body of a response.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// What is noted of a request from its first moment on.
    type Begun: Send + 'static;

    /// Notes that a request has come: a client may leave before anything is done about it, and it is logged all the same.
    fn begin(&self, request: &Request<B>, peer: &Peer) -> Self::Begun;

    /// Responds to one request, whatever it is. The future is dropped when the client leaves.
    fn handle(
        self: Arc<Self>,
        request: Request<B>,
        begun: Self::Begun,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;

    /// Reserves what a request on HTTP/2 takes of what clients share, before it is handled; the reservation is among its
    /// extensions then. `None` where nothing is left: its stream is reset, so that the client sends it again.
    fn reserve(&self, request: &Request<B>, peer: &Peer) -> Option<RequestReservation> {
        let _ = (request, peer);
        Some(RequestReservation::default())
    }
}

/// What a request takes of what clients share, until the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub struct RequestReservation {
    _grant: Option<Arc<Grant>>,
}

impl From<Grant> for RequestReservation {
    fn from(grant: Grant) -> Self {
        Self {
            _grant: Some(Arc::new(grant)),
        }
    }
}

/// Marks a response after which an HTTP/1 connection ends; among its extensions.
#[derive(Clone, Copy, Debug)]
pub struct CloseConnection;

/// Marks a request on a connection that its client has beyond its share: it is to be rejected. Among its extensions.
#[derive(Clone, Copy, Debug)]
pub struct OverShare;
