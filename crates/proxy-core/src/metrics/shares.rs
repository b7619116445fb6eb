//! What clients have of what they all share, read when `/metrics` is requested.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use auth_model::ConnectionName;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use resource_limits::{Exhausted, Pool};

/// The pools to read.
#[derive(Clone, Debug, Default)]
pub(super) struct ShareCollector(Arc<RwLock<Vec<Watched>>>);

/// A pool, as it is named in the metrics.
#[derive(Clone, Debug)]
pub struct Watched {
    resource: &'static str,
    connection: String,
    measure: Measure,
    pool: Pool,
}

/// What a resource is counted in. Only what has one measure can be summed up, so each has metrics of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Measure {
    Bytes,
    Permits,
}

/// How one of the gauges is called, explained and read.
type GaugeRow = (&'static str, &'static str, fn(&Pool) -> u64);

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
    /// A pool of memory, or of room on the disk.
    #[must_use]
    pub fn bytes(resource: &'static str, pool: &Pool) -> Self {
        Self {
            resource,
            connection: String::new(),
            measure: Measure::Bytes,
            pool: pool.clone(),
        }
    }

    /// A pool of permits; of one of the proxy's connections, where each has its own.
    pub fn permits(resource: &'static str, connection: Option<&ConnectionName>, pool: &Pool) -> Self {
        Self {
            resource,
            connection: connection.map(ToString::to_string).unwrap_or_default(),
            measure: Measure::Permits,
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
        for (measure, unit) in [
            (Measure::Bytes, Unit::Bytes),
            (Measure::Permits, Unit::Other("permits".to_owned())),
        ] {
            let gauges: [GaugeRow; 2] = [
                ("shared_taken", "What clients have of what they all share.", Pool::taken),
                ("shared_size", "How much there is of what all clients share.", |pool| {
                    pool.size().total
                }),
            ];
            for (name, help, read) in gauges {
                let mut family = encoder.encode_descriptor(name, help, Some(&unit), MetricType::Gauge)?;
                for watched in pools.iter().filter(|watched| watched.measure == measure) {
                    gauge(read(&watched.pool)).encode(family.encode_family(&watched.labels())?)?;
                }
            }
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
