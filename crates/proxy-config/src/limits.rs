//! How much a request may be and take, and how often it is sent: `limits`, `timeouts` and `retry` of a connection.

use std::num::NonZeroU64;
use std::time::Duration;

use http::StatusCode;

/// `[connections.NAME.limits]`: of request bodies, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The largest request body that is kept in memory; larger ones are spooled.
    pub memory_body: u64,
    /// The largest request body; 413 beyond.
    pub max_body: u64,
    /// The least that a client sends of its body, in bytes a second; 408 below. Any, where there is none.
    pub min_upload_rate: Option<NonZeroU64>,
    /// The least that a client takes of a response, in bytes a second; the response is broken off below. Any, where there
    /// is none.
    pub min_download_rate: Option<NonZeroU64>,
}

/// `[connections.NAME.timeouts]`: how long the upstream may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// For connecting, TLS included.
    pub connect: Duration,
    /// From the last byte of the request to the head of the response.
    pub response: Duration,
    /// Between two pieces of a body, in either direction.
    pub body_idle: Duration,
}

/// `[connections.NAME.retry]`: what is sent again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetryConfig {
    /// How often a request is sent at most, the first time included: 1 to 10.
    pub max_attempts: u8,
    /// The part of the last ten seconds' requests to a host that may be sent again, in percent; ten in any case.
    pub budget_percent: u8,
    /// Statuses after which a request that is safe to repeat is sent again: of 500, 502, 503 and 504.
    pub on_status: Vec<StatusCode>,
}
