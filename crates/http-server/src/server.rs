//! Listeners that share their limits and their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use resource_limits::{DescriptorLimit, ListenerRole};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::accept::accept_loop;
use crate::clients::{Clients, Place};
use crate::connection::{ServerContext, serve};
use crate::drain::{CUT_GRACE, DrainStage};
use crate::handler::{Handler, Peer};
use crate::limits::ServerLimits;
use crate::listener;
use crate::listeners::Listeners;
use crate::observer::ServerObserver;
use crate::rejection::RejectionHandler;
use crate::threads::Threads;

/// How long a connection lasts whose requests are rejected, at most.
const REJECTED_TIME: Duration = Duration::from_secs(5);

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
    #[must_use]
    pub fn within(self, descriptors: &DescriptorLimit) -> Self {
        Self {
            descriptors: descriptors.clone(),
            ..self
        }
    }

    /// The same, but that clients are served on `threads` instead of where they are accepted.
    #[must_use]
    pub fn on(self, threads: Threads) -> Self {
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
    pub async fn threads_respond(&self) -> bool {
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
