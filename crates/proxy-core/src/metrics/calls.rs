//! How long STS, metadata services, vaults and secret stores take to respond.

use std::time::Duration;

use credential_assets::{CallObserver, CallOutcome, CallTarget};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds: metadata services respond in milliseconds, and no call may take longer than its timeout of
/// some seconds.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CallLabels {
    service: &'static str,
    outcome: &'static str,
}

/// Clones share the numbers.
#[derive(Clone, Debug)]
pub(super) struct CallFamilies(Family<CallLabels, Histogram, fn() -> Histogram>);

impl CallFamilies {
    pub(super) fn new() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(SECONDS)))
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "credential_call_duration",
            "From a request for keys or sessions to the head of its response",
            Unit::Seconds,
            self.0.clone(),
        );
    }
}

impl CallObserver for CallFamilies {
    fn ended(&self, target: CallTarget, outcome: CallOutcome, took: Duration) {
        let labels = CallLabels {
            service: match target {
                CallTarget::Sts => "sts",
                CallTarget::Metadata => "metadata",
                CallTarget::Asset(scheme) => scheme,
                CallTarget::Other => "other",
            },
            outcome: match outcome {
                CallOutcome::Ok => "ok",
                CallOutcome::Rejected => "rejected",
                CallOutcome::Failed => "failed",
                CallOutcome::Unreachable => "unreachable",
                CallOutcome::TimedOut => "timed-out",
            },
        };
        self.0.get_or_create(&labels).observe(took.as_secs_f64());
    }
}
