//! What clients have of what they all share, read when `/metrics` is requested.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use auth_model::ConnectionName;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::share::{Exhausted, Pool};

/// The pools to read.
#[derive(Clone, Debug, Default)]
pub(super) struct ShareCollector(Arc<RwLock<Vec<Watched>>>);

/// A pool, as it is named in the metrics.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    resource: &'static str,
    connection: String,
    pool: Pool,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ResourceLabels {
    resource: &'static str,
    connection: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RejectionLabels {
    resource: &'static str,
    connection: String,
    reason: &'static str,
}

impl Watched {
    /// The pool of a resource; of one of the proxy's connections, where each has its own.
    pub(crate) fn new(resource: &'static str, connection: Option<&ConnectionName>, pool: &Pool) -> Self {
        Self {
            resource,
            connection: connection.map(ToString::to_string).unwrap_or_default(),
            pool: pool.clone(),
        }
    }

    fn labels(&self) -> ResourceLabels {
        ResourceLabels {
            resource: self.resource,
            connection: self.connection.clone(),
        }
    }
}

impl ShareCollector {
    /// Reads these from now on, and no others.
    pub(super) fn watch(&self, pools: Vec<Watched>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pools;
    }
}

impl Collector for ShareCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let pools = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut family = encoder.encode_descriptor(
            "shared_taken",
            "What clients have of what they all share",
            None,
            MetricType::Gauge,
        )?;
        for pool in &*pools {
            gauge(pool.pool.taken()).encode(family.encode_family(&pool.labels())?)?;
        }
        let mut family = encoder.encode_descriptor(
            "shared_size",
            "How much there is of what all clients share",
            None,
            MetricType::Gauge,
        )?;
        for pool in &*pools {
            gauge(pool.pool.size().total).encode(family.encode_family(&pool.labels())?)?;
        }
        let mut family = encoder.encode_descriptor(
            "shared_rejections",
            "How often a client got nothing of what all share",
            None,
            MetricType::Counter,
        )?;
        for pool in &*pools {
            for (reason, exhausted) in [("over-share", Exhausted::OverShare), ("full", Exhausted::Full)] {
                let labels = RejectionLabels {
                    resource: pool.resource,
                    connection: pool.connection.clone(),
                    reason,
                };
                ConstCounter::new(pool.pool.rejections(exhausted)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}
