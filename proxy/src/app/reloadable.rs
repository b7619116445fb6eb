//! A listener's handler, which a reload replaces between two requests.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use http::{Request, Response};
use http_server::{Handler, Peer, RequestReservation};

/// Hands each request to the handler of the moment, which it then keeps to its end.
pub(crate) struct Reloadable<H> {
    current: Arc<ArcSwap<H>>,
    /// The handler that a listener ends with: one that is taken out of the configuration finishes with the one that
    /// knows it.
    last: OnceLock<Arc<H>>,
}

impl<H> Reloadable<H> {
    pub(crate) fn new(current: &Arc<ArcSwap<H>>) -> Self {
        Self {
            current: Arc::clone(current),
            last: OnceLock::new(),
        }
    }

    /// From now on the handler stays the one of this moment.
    pub(crate) fn keep(&self) {
        self.last.get_or_init(|| self.current.load_full());
    }

    /// What serves the next request.
    fn handler(&self) -> Arc<H> {
        self.last.get().map_or_else(|| self.current.load_full(), Arc::clone)
    }
}

impl<B, H: Handler<B>> Handler<B> for Reloadable<H> {
    type Body = H::Body;
    type Begun = H::Begun;

    fn begin(&self, request: &Request<B>, peer: &Peer) -> H::Begun {
        self.handler().begin(request, peer)
    }

    fn handle(
        self: Arc<Self>,
        request: Request<B>,
        begun: H::Begun,
    ) -> impl Future<Output = Response<H::Body>> + Send + 'static {
        self.handler().handle(request, begun)
    }

    fn reserve(&self, request: &Request<B>, peer: &Peer) -> Option<RequestReservation> {
        self.handler().reserve(request, peer)
    }
}

impl<H> fmt::Debug for Reloadable<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_last = self.last.get().is_some();
        f.debug_struct("Reloadable")
            .field("is_last", &is_last)
            .finish_non_exhaustive()
    }
}
