//! What is counted of requests that are sent again, and of the clocks that may make it necessary.

use std::fmt;

use auth_model::ConnectionName;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::owned::OwnedFamily;

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct RetryLabels {
    connection: String,
    reason: RetryReason,
}

impl RetryLabels {
    fn new(connection: &ConnectionName, reason: RetryReason) -> Self {
        Self {
            connection: connection.to_string(),
            reason,
        }
    }
}

/// Why a request is sent again.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RetryReason {
    /// A pooled connection was dead.
    StaleConnection,
    /// The connection was closed or reset before a response.
    ConnectionClosed,
    /// The response was no valid HTTP.
    MalformedResponse,
    /// Nothing was sent: there was no connection, or the service had not looked at the request.
    NotSent,
    /// The service does not know `Expect`.
    Expectation,
    /// The response has a status that `on_status` lists.
    Status,
    /// The keys were rejected, and there are others.
    Credentials,
    /// The signature's time was rejected, and another one has been learnt.
    Clock,
}

/// All of them.
const REASONS: [RetryReason; 8] = [
    RetryReason::StaleConnection,
    RetryReason::ConnectionClosed,
    RetryReason::MalformedResponse,
    RetryReason::NotSent,
    RetryReason::Expectation,
    RetryReason::Status,
    RetryReason::Credentials,
    RetryReason::Clock,
];

impl RetryReason {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StaleConnection => "stale-connection",
            Self::ConnectionClosed => "connection-closed",
            Self::MalformedResponse => "malformed-response",
            Self::NotSent => "not-sent",
            Self::Expectation => "expectation",
            Self::Status => "status",
            Self::Credentials => "credentials",
            Self::Clock => "clock",
        }
    }
}

impl EncodeLabelValue for RetryReason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.name().encode(encoder)
    }
}

/// One connection's counters.
#[derive(Clone, Debug)]
pub struct RetryTally([(RetryReason, Counter); REASONS.len()]);

impl RetryTally {
    pub(super) fn new(family: &OwnedFamily<ConnectionName, RetryLabels, Counter>, connection: &ConnectionName) -> Self {
        Self(REASONS.map(|reason| {
            (
                reason,
                family.of_owner(connection.clone(), &RetryLabels::new(connection, reason)),
            )
        }))
    }

    /// One more.
    pub fn add(&self, reason: RetryReason) {
        for (_, counter) in self.0.iter().filter(|(known, _)| *known == reason) {
            counter.inc();
        }
    }
}

/// One connection's difference of clocks.
#[derive(Clone, Debug)]
pub struct SkewGauge(Gauge);

impl SkewGauge {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self(gauge)
    }

    /// In seconds; positive where the service's clock is ahead.
    pub fn set(&self, seconds: i64) {
        self.0.set(seconds);
    }
}
