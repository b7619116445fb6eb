//! Which events get through.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

use crate::config::LogLevel;

/// Our crates: they may log at the configured level, since each keeps secrets out of its own events.
const OURS: [&str; 8] = [
    "auth_model",
    "aws_endpoints",
    "credential_assets",
    "policy_gen",
    "sandbox",
    "signer",
    "signing_proxy",
    "sts_client",
];

/// Lets through what its level allows of ours and, of others, what is below their cap as well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cap(LevelFilter);

impl Cap {
    pub(super) fn at(level: LogLevel) -> Self {
        Self(match level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        })
    }

    /// Lets nothing through.
    pub(super) fn shut() -> Self {
        Self(LevelFilter::OFF)
    }

    fn passes(self, event: &Metadata<'_>) -> bool {
        *event.level() <= self.0 && cap(event.target()).is_none_or(|cap| *event.level() <= cap)
    }
}

impl<S> Filter<S> for Cap {
    fn enabled(&self, event: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.passes(event)
    }

    fn callsite_enabled(&self, event: &'static Metadata<'static>) -> Interest {
        if self.passes(event) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0)
    }
}

/// The most verbose level of events from `target`; `None` where that is up to the configuration.
fn cap(target: &str) -> Option<Level> {
    let krate = target.split("::").next().unwrap_or_default();
    if OURS.contains(&krate) {
        None
    } else if krate.starts_with("aws_") {
        // At `info` aws_config logs which credentials it found.
        Some(Level::WARN)
    } else {
        Some(Level::INFO)
    }
}
