//! What one client may take: time, bytes, connections.

use std::time::Duration;

use resource_limits::PoolSize;

/// How long a client whose requests are rejected may take to send a head, and to take the response: few connections are
/// kept for that.
const REJECTED_HEAD: Duration = Duration::from_secs(2);

/// How long such a connection stays for a next request, of which there is none.
const REJECTED_IDLE: Duration = Duration::from_millis(200);

/// Bounds on clients of one group of listeners.
///
/// Every wait for a client ends at one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Before the first byte of a connection, and from the first byte of a request to the end of its head.
    pub header_timeout: Duration,
    /// Between two requests.
    pub idle_timeout: Duration,
    /// How long a client may take no byte of what waits for it: on its socket, and on each HTTP/2 stream.
    pub write_timeout: Duration,
    /// Request line and header fields together on HTTP/1, in bytes; 8 KiB at least.
    pub max_header_bytes: usize,
    /// The same on HTTP/2, where each field counts 32 bytes more (RFC 9113, section 6.5.2). Less, because a client may
    /// have as many heads as streams at a time, and sends one that it has sent before in a few bytes.
    pub http2_max_header_bytes: usize,
    /// Connections served at once; beyond those, idle ones make room, or requests are rejected.
    pub max_clients: usize,
    /// Per cent of them that only clients below an equal share may take: 0 to 50.
    pub reserve_percent: u8,
    /// How long a connection on which nothing has come yet, or only a part of a head, is not idle: another connection may
    /// not have its place.
    pub place_kept: Duration,
    /// Whether another connection may also have the place of one that is busy, which is then cut.
    pub busy_give_way: bool,
}

impl ServerLimits {
    /// hyper takes no buffers below this.
    pub const LEAST_HEADER_BYTES: usize = 8 * 1024;

    /// For [`place_kept`](Self::place_kept): how long a connection keeps its place for the whole head of a request. Most
    /// clients send one as soon as they have connected.
    pub const PLACE_KEPT: Duration = Duration::from_secs(1);

    /// For connections whose requests are rejected: one head, one response.
    #[must_use]
    pub(crate) fn of_rejected(self) -> Self {
        Self {
            header_timeout: self.header_timeout.min(REJECTED_HEAD),
            idle_timeout: REJECTED_IDLE,
            write_timeout: self.write_timeout.min(REJECTED_HEAD),
            ..self
        }
    }

    /// The places for clients.
    pub(crate) fn places(&self) -> PoolSize {
        PoolSize {
            total: u64::try_from(self.max_clients).unwrap_or(u64::MAX).max(1),
            reserve_percent: self.reserve_percent,
        }
    }
}
