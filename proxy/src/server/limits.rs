//! What one client may take: time, bytes, connections.

use std::time::Duration;

/// Bounds on clients of one group of listeners.
///
/// Every wait for a client ends at one of these; see `docs/configuration.md` for the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Before the first byte of a connection, and from the first byte of a request to the end of its head.
    pub header_timeout: Duration,
    /// Between two requests.
    pub idle_timeout: Duration,
    /// How long a client may refuse to take a single byte of an answer.
    pub write_timeout: Duration,
    /// Request line and header fields together, in bytes; 8 KiB at least.
    pub max_header_bytes: usize,
    /// Connections served at once; further ones wait in the accept queue.
    pub max_clients: usize,
}

impl Limits {
    /// hyper refuses buffers below this.
    pub const LEAST_HEADER_BYTES: usize = 8 * 1024;

    /// What a listener for operators and probes needs: little of everything.
    #[must_use]
    pub const fn admin() -> Self {
        Self {
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(10),
            max_header_bytes: Self::LEAST_HEADER_BYTES,
            max_clients: 64,
        }
    }
}
