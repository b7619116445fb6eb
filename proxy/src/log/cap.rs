//! Which events get through.

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::FilterFn;

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

/// Lets through what `level` allows of ours and, of others, what is below their cap as well.
pub(super) fn filter(level: LogLevel) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    FilterFn::new(move |event| *event.level() <= level && cap(event.target()).is_none_or(|cap| *event.level() <= cap))
        .with_max_level_hint(level)
}

/// The most verbose level of events from `target`; `None` where that is up to the configuration.
fn cap(target: &str) -> Option<Level> {
    let krate = target.split("::").next().unwrap_or_default();
    if OURS.contains(&krate) {
        None
    } else if krate.starts_with("aws_") {
        // At `info` aws_config tells which credentials it found.
        Some(Level::WARN)
    } else {
        Some(Level::INFO)
    }
}
