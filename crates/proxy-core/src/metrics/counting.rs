//! Numbers in the hands of those who count.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

/// A counter in the hands of whoever counts.
#[derive(Clone, Debug)]
pub struct Tally(pub(super) Counter);

impl Tally {
    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.inc_by(count);
    }
}

/// What is counted of one connection's upstream.
#[derive(Clone, Debug)]
pub struct UpstreamTally {
    /// Connections that were opened.
    pub opened: Tally,
    /// How often a host was left alone because it could not be connected to.
    pub circuits_opened: Tally,
}

/// Counts as one in a gauge as long as it lives.
#[derive(Debug)]
pub(super) struct GaugeGuard(Gauge);

impl GaugeGuard {
    pub(super) fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
