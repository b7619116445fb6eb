//! Which configuration is in effect, and what became of others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OutcomeLabel {
    outcome: &'static str,
}

const SUCCEEDED: OutcomeLabel = OutcomeLabel { outcome: "succeeded" };
const FAILED: OutcomeLabel = OutcomeLabel { outcome: "failed" };

/// Clones share the numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct ReloadFamilies {
    reloads: Family<OutcomeLabel, Counter>,
    generation: Gauge,
    fingerprint: Fingerprint,
    loaded_at: Gauge,
}

/// Tells a configuration from others. A label, since as a number it says nothing.
#[derive(Clone, Debug, Default)]
struct Fingerprint(Arc<AtomicU64>);

impl Collector for Fingerprint {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let metric = encoder.encode_descriptor(
            "config",
            "Tells the configuration in effect from others, secrets left out.",
            None,
            MetricType::Info,
        )?;
        // As `/readyz` has it.
        let fingerprint = format!("{:012x}", self.0.load(Ordering::Relaxed));
        Info::new([("fingerprint", fingerprint)]).encode(metric)
    }
}

impl ReloadFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        // Told from the beginning, so that the first failure shows as an increase.
        for outcome in [SUCCEEDED, FAILED] {
            drop(self.reloads.get_or_create(&outcome));
        }
        registry.register(
            "config_reloads",
            "Reloads of the configuration, by outcome",
            self.reloads.clone(),
        );
        registry.register(
            "config_generation",
            "How many configurations have been in effect",
            self.generation.clone(),
        );
        registry.register_collector(Box::new(self.fingerprint.clone()));
        registry.register_with_unit(
            "config_last_load_timestamp",
            "When the configuration in effect was loaded",
            Unit::Seconds,
            self.loaded_at.clone(),
        );
    }

    pub(super) fn succeeded(&self) {
        self.reloads.get_or_create(&SUCCEEDED).inc();
    }

    pub(super) fn failed(&self) {
        self.reloads.get_or_create(&FAILED).inc();
    }

    pub(super) fn in_effect(&self, generation: u64, fingerprint: u64, since: SystemTime) {
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.fingerprint.0.store(fingerprint, Ordering::Relaxed);
        for (gauge, value) in [(&self.generation, generation), (&self.loaded_at, since)] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}
