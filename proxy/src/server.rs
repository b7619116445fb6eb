//! Client connections: listening, HTTP/1 and HTTP/2 without TLS, limits, and an orderly end.
//!
//! What a request means is not known here: every request goes to a [`Handler`]. What is promised here:
//!
//! - A connection waits for nothing without a deadline: first byte, head, next request, a client that does not
//!   take its responses, or too slowly, on its socket or on one HTTP/2 stream of many; see [`ServerLimits`].
//! - Not more than `max_clients` connections are served at once, and no client takes the places that are kept for others.
//!   Idle ones make room for new ones; where none can, a few more are served for one request, which is rejected, and what
//!   is beyond those is closed. Nobody waits, so no client's connections delay another's.
//! - On HTTP/1 hyper sees one request at a time, and none before its head was checked, whatever it is pipelined behind;
//!   see `server::head_reader`.
//! - What cannot be read as a request gets the response that the application makes for it, see [`RejectionHandler`].
//! - A client that disconnects ends its request: the handler's future or body is dropped.
//! - A drain lets requests that run finish, streams included, and nothing new begin; a cut ends everything.

mod abort;
mod accept;
mod activity;
mod announced_settings;
mod client_io;
mod clients;
mod connection;
mod data_pieces;
mod detect;
mod download;
mod drain;
mod drive;
mod expiry;
mod half_closed;
#[cfg(not(fuzzing))]
mod head_reader;
#[cfg(fuzzing)]
pub(crate) mod head_reader;
mod limits;
mod listener;
mod listeners;
mod observer;
mod rejection;
mod response_backlog;
mod service;
mod stream;
mod stream_slots;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::time::timeout;

use self::accept::accept_loop;
use self::clients::{Clients, Place};
use self::connection::{ServerContext, serve};
use self::drain::DrainStage;
use self::listeners::Listeners;
use crate::process::DescriptorLimit;
use crate::share::{ClientKey, Grant};
use crate::threads::Threads;

pub(crate) use download::{Download, DownloadRate, TooSlow};
pub(crate) use drain::IsCut;
pub use head_reader::{AmbiguousHead, HeadStart};
pub use limits::ServerLimits;
pub use listener::{BindError, bind};
pub use observer::{ConnectionEnd, OpenConnection, Overflow, ServerObserver};
pub use rejection::{Rejection, RejectionHandler};
// Until all users name the crate.
pub(crate) use resource_limits::ListenerRole;
pub(crate) use service::OverShare;
pub(crate) use stream_slots::StreamSlot;

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
    pub(crate) fn client_key(&self) -> ClientKey {
        ClientKey::new(self.listener.clone(), self.addr.ip())
    }
}

/// What requests are handed to. `B` is the body of a request: [`Server`] brings hyper's, tests and programs that have no
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

    /// Takes room for a request on HTTP/2 before it is handled, which is among its extensions then; `None` where there is none.
    fn room(&self, request: &Request<B>, peer: &Peer) -> Option<RequestRoom> {
        let _ = (request, peer);
        Some(RequestRoom::default())
    }
}

/// The room that a request takes of what is shared, until the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub struct RequestRoom {
    _grant: Option<Arc<Grant>>,
}

impl From<Grant> for RequestRoom {
    fn from(grant: Grant) -> Self {
        Self {
            _grant: Some(Arc::new(grant)),
        }
    }
}

/// Marks a response after which an HTTP/1 connection ends; among its extensions.
#[derive(Clone, Copy, Debug)]
pub struct CloseConnection;

/// How long a connection lasts whose requests are rejected, at most.
const REJECTED_TIME: Duration = Duration::from_secs(5);

/// How long connections get to notice that they are cut; they need one turn of the executor.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// Listeners that share their limits and their end.
#[derive(Debug)]
pub struct Server {
    limits: Arc<ArcSwap<ServerLimits>>,
    clients: Clients,
    listeners: Listeners,
    observer: Arc<dyn ServerObserver>,
    rejections: Arc<dyn RejectionHandler>,
    threads: Arc<Threads>,
    descriptors: DescriptorLimit,
    /// Connections that were cut. Whoever waited for the shutdown then may have been interrupted.
    cut: AtomicUsize,
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections whose requests had not finished by the deadline; they were cut.
    pub cut: usize,
}

impl Server {
    /// A server without listeners. It reports to `observer`, and takes its responses to what is no request from
    /// `rejections`.
    #[must_use]
    pub fn new(limits: ServerLimits, observer: Arc<dyn ServerObserver>, rejections: Arc<dyn RejectionHandler>) -> Self {
        Self {
            clients: Clients::new(limits.places(), limits.place_kept),
            limits: Arc::new(ArcSwap::from_pointee(limits)),
            listeners: Listeners::new(),
            observer,
            rejections,
            threads: Arc::default(),
            descriptors: DescriptorLimit::none(),
            cut: AtomicUsize::new(0),
        }
    }

    /// The same, but that its clients have so many descriptors at a time; beyond those, idle ones end and new ones wait.
    pub(crate) fn within(self, descriptors: &DescriptorLimit) -> Self {
        Self {
            descriptors: descriptors.clone(),
            ..self
        }
    }

    /// The same, but that clients are served on `threads` instead of where they are accepted.
    pub(crate) fn on(self, threads: Threads) -> Self {
        Self {
            threads: Arc::new(threads),
            ..self
        }
    }

    /// Serves the clients of `listener` from now on, until [`Server::close`] or [`Server::shutdown`]. No other listener
    /// that is open has this role.
    pub fn listen<H: Handler<Incoming>>(
        &self,
        listener: impl Into<Arc<TcpListener>>,
        role: ListenerRole,
        handler: &Arc<H>,
    ) {
        let listener = listener.into();
        let handler = Arc::clone(handler);
        let (clients, limits) = (self.clients.clone(), Arc::clone(&self.limits));
        let (observer, rejections) = (Arc::clone(&self.observer), Arc::clone(&self.rejections));
        let threads = Arc::clone(&self.threads);
        self.listeners.add(role.clone(), |drain| {
            let watch = drain.watch();
            let accepting_role = role.clone();
            let serve_one = move |stream, addr, place: Place| {
                if let Err(error) = listener::tune(&stream) {
                    // The client has left already, or the platform lacks an option; neither is worth more.
                    tracing::debug!(client = %addr, error = &error as &dyn std::error::Error, "socket options");
                }
                let peer = Peer {
                    addr,
                    listener: role.clone(),
                };
                let is_rejected = place.is_rejected();
                let limits = **limits.load();
                let context = ServerContext {
                    limits: if is_rejected { limits.of_rejected() } else { limits },
                    drain: watch.clone(),
                    observer: Arc::clone(&observer),
                    rejections: Arc::clone(&rejections),
                };
                let handler = Arc::clone(&handler);
                threads.serve(stream, move |stream| async move {
                    let served = serve(stream, peer, handler, context, place);
                    if is_rejected {
                        // Boxed: it is rare, and would be part of every client's future. Late ones are cut.
                        let _ = timeout(REJECTED_TIME, Box::pin(served)).await;
                    } else {
                        served.await;
                    }
                });
            };
            tokio::spawn(accept_loop(
                listener,
                accepting_role,
                (clients, self.descriptors.clone()),
                drain.watch(),
                Arc::clone(&self.observer),
                serve_one,
            ))
        });
    }

    /// Other limits: for connections that are accepted from now on. Nobody who is served is disconnected.
    pub fn limit(&self, limits: ServerLimits) {
        self.clients.resize(limits.places());
        self.limits.store(Arc::new(limits));
    }

    /// Closes the listener of this role: nobody new is let in, and its running requests may finish, at most for
    /// `deadline`. What is returned ends as soon as the server no longer holds the socket.
    pub fn close(&self, role: &ListenerRole, deadline: Duration) -> impl Future<Output = ()> + use<> {
        let accepting = self.listeners.close(role, deadline, Arc::clone(&self.observer));
        async move {
            if let Some(accepting) = accepting {
                // An error is a panic of the accept loop, after which it holds nothing either.
                let _ = accepting.await;
            }
        }
    }

    /// Whether every thread that serves clients responds: see [`Threads::respond`].
    pub(crate) async fn threads_respond(&self) -> bool {
        self.threads.respond().await
    }

    /// Connections being served.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.taken()
    }

    /// Closes the listeners, lets running requests finish for at most `deadline` and cuts what is left.
    ///
    /// Dropping the future leaves the drain as far as it got; dropping the server cuts everything.
    pub async fn shutdown(&self, deadline: Duration) -> Drained {
        self.listeners.advance(DrainStage::Draining);
        if self.listeners.finished_within(deadline).await {
            // Not zero where an earlier shutdown cut them.
            let cut = self.cut.load(Ordering::Relaxed);
            return Drained { cut };
        }
        self.cut().await
    }

    /// Ends every connection at once.
    pub async fn cut(&self) -> Drained {
        let now = self.clients();
        let cut = self.cut.fetch_max(now, Ordering::Relaxed).max(now);
        self.listeners.advance(DrainStage::Cut);
        self.listeners.finished_within(CUT_GRACE).await;
        Drained { cut }
    }
}
