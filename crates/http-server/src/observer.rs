//! What a server reports about its clients, for metrics.

use std::fmt;

use resource_limits::ListenerRole;

/// What a server reports to. The methods are called by whoever serves clients: none may block.
pub trait ServerObserver: fmt::Debug + Send + Sync + 'static {
    /// A connection was accepted at this listener. It counts as open until what is returned is dropped.
    fn connection_opened(&self, listener: &ListenerRole) -> OpenConnection;

    /// A connection has ended, for this reason. Not called for one that did not end in the time that a shutdown gives it.
    fn connection_ended(&self, end: ConnectionEnd);

    /// There was no place for a connection.
    fn connection_overflowed(&self, overflow: Overflow);

    /// A request of a client of this listener begins to run.
    fn request_started(&self, listener: &ListenerRole);

    /// A request has ended, with its response or without one. Follows every [`request_started`](Self::request_started).
    fn request_finished(&self, listener: &ListenerRole);

    /// The operating system could not accept a connection, for want of descriptors or memory.
    fn accept_failed(&self);

    /// A listener was closed, and its clients have gone.
    fn listener_removed(&self, listener: &ListenerRole);
}

/// Held for as long as a connection is open.
#[derive(Default)]
pub struct OpenConnection(#[expect(dead_code, reason = "only its drop counts")] Option<Box<dyn Send>>);

impl OpenConnection {
    /// Drops `guard` when the connection ends.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }
}

impl fmt::Debug for OpenConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenConnection")
    }
}

/// What became of a client's connection for which there was no place.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Overflow {
    /// Its request gets an error response.
    Rejected,
    /// It was closed at once.
    Closed,
}

/// How a client's connection ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ConnectionEnd {
    /// In order, by either side.
    Closed,
    /// The client broke it off, or the protocol.
    Broken,
    /// What it sent could not be read as a request.
    Rejected,
    /// Nothing came.
    IdleTimeout,
    /// A request's head did not come to its end.
    HeadTimeout,
    /// The client did not take its response.
    WriteTimeout,
    /// The client took its responses too slowly.
    TooSlow,
    /// The client closed its sending side, and no response came soon enough.
    HalfClosed,
    /// By the shutdown's deadline.
    Cut,
    /// It was idle and made room for another one.
    Evicted,
}
