//! What is counted of requests that are sent again, and of the clocks that may make it necessary.

use std::fmt;

use auth_model::ConnectionName;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

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

    /// Every one that a connection may have.
    pub(super) fn all(connection: &ConnectionName) -> [Self; 3] {
        [
            RetryReason::StaleConnection,
            RetryReason::Credentials,
            RetryReason::Clock,
        ]
        .map(|reason| Self::new(connection, reason))
    }
}

/// Why a request is sent again.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum RetryReason {
    /// A pooled connection was dead.
    StaleConnection,
    /// The keys were rejected, and there are others.
    Credentials,
    /// The signature's time was rejected, and another one has been learnt.
    Clock,
}

impl EncodeLabelValue for RetryReason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        let name = match self {
            Self::StaleConnection => "stale-connection",
            Self::Credentials => "credentials",
            Self::Clock => "clock",
        };
        name.encode(encoder)
    }
}

/// One connection's counters.
#[derive(Clone, Debug)]
pub(crate) struct RetryTally {
    stale_connection: Counter,
    credentials: Counter,
    clock: Counter,
}

impl RetryTally {
    pub(super) fn new(family: &Family<RetryLabels, Counter>, connection: &ConnectionName) -> Self {
        let counter = |reason| family.get_or_create_owned(&RetryLabels::new(connection, reason));
        Self {
            stale_connection: counter(RetryReason::StaleConnection),
            credentials: counter(RetryReason::Credentials),
            clock: counter(RetryReason::Clock),
        }
    }

    /// One more.
    pub(crate) fn add(&self, reason: RetryReason) {
        let counter = match reason {
            RetryReason::StaleConnection => &self.stale_connection,
            RetryReason::Credentials => &self.credentials,
            RetryReason::Clock => &self.clock,
        };
        counter.inc();
    }
}

/// One connection's difference of clocks.
#[derive(Clone, Debug)]
pub(crate) struct SkewGauge(Gauge);

impl SkewGauge {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self(gauge)
    }

    /// In seconds; positive where the service's clock is ahead.
    pub(crate) fn set(&self, seconds: i64) {
        self.0.set(seconds);
    }
}
