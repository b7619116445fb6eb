//! Which events get through.

use proxy_config::LogLevel;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

/// Our crates: they may log at the configured level, since each keeps secrets out of its own events.
const OURS: [&str; 15] = [
    "auth_model",
    "aws_endpoints",
    "aws_errors",
    "credential_assets",
    "egress",
    "http_server",
    "policy_gen",
    "proxy_config",
    "proxy_core",
    "request_body",
    "resource_limits",
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate that is not listed would lose what it logs at `debug`.
    #[test]
    fn every_crate_of_the_workspace_is_ours() {
        const WORKSPACE: &str = include_str!("../../../Cargo.toml");
        let crates = WORKSPACE.lines().filter_map(|line| line.split_once(" = { path = "));
        let names: Vec<_> = crates.map(|(name, _)| name.replace('-', "_")).collect();
        assert!(names.len() >= 8, "{names:?}");
        for name in names {
            assert!(OURS.contains(&name.as_str()), "{name}");
        }
    }
}
