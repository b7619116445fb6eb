//! What is reported of the loading of configurations: which one is in effect since when, and why a later one is not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use proxy_config::Config;
use proxy_core::metrics::Metrics;

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Loads(Arc<Mutex<LoadsReport>>);

/// Which configuration is in effect, and why a later one is not.
#[derive(Clone, Debug)]
pub(crate) struct LoadsReport {
    /// How many configurations have been in effect, this one included.
    pub(crate) generation: u64,
    /// Distinguishes this one from others.
    pub(crate) fingerprint: u64,
    /// Since when it is in effect.
    pub(crate) loaded_at: SystemTime,
    /// The last attempt to replace it, where that failed.
    pub(crate) failure: Option<LoadFailure>,
}

/// A configuration that was not taken.
#[derive(Clone, Debug)]
pub(crate) struct LoadFailure {
    /// When it was tried.
    pub(crate) at: SystemTime,
    /// What is wrong: place, key and what is allowed. No values.
    pub(crate) problems: Vec<String>,
}

impl Loads {
    /// The first configuration is in effect.
    pub(crate) fn new(config: &Config, now: SystemTime, metrics: &Metrics) -> Self {
        let report = LoadsReport {
            generation: 1,
            fingerprint: config.fingerprint,
            loaded_at: now,
            failure: None,
        };
        metrics.config_in_effect(1, config.fingerprint, now);
        Self(Arc::new(Mutex::new(report)))
    }

    pub(crate) fn report(&self) -> LoadsReport {
        self.lock().clone()
    }

    /// A further configuration is in effect. Returns how many have been, the first included.
    pub(crate) fn succeeded(&self, config: &Config, now: SystemTime, metrics: &Metrics) -> u64 {
        let mut report = self.lock();
        let generation = report.generation + 1;
        *report = LoadsReport {
            generation,
            fingerprint: config.fingerprint,
            loaded_at: now,
            failure: None,
        };
        drop(report);
        metrics.reload_succeeded();
        metrics.config_in_effect(generation, config.fingerprint, now);
        let fingerprint = format!("{:012x}", config.fingerprint);
        tracing::info!(
            generation,
            fingerprint,
            connections = config.connections.len(),
            "configuration reloaded"
        );
        generation
    }

    /// A configuration was not taken, for these problems.
    pub(crate) fn failed(&self, problems: Vec<String>, now: SystemTime, metrics: &Metrics) {
        for problem in &problems {
            tracing::error!(problem, "configuration not reloaded: the one before stays in effect");
        }
        metrics.reload_failed();
        self.lock().failure = Some(LoadFailure { at: now, problems });
    }

    /// The report is replaced as a whole: a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, LoadsReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
