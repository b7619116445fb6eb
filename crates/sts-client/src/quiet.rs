//! Keeps the AWS SDK from logging.

use std::sync::LazyLock;

use tracing::instrument::{WithDispatch, WithSubscriber as _};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Dispatch, Event, Metadata};

/// Runs an SDK call with nobody listening to its log.
///
/// The SDK formats whole requests, responses and commands at DEBUG and TRACE: session tokens, the
/// bodies of malformed responses and `credential_process` command lines among them. A level filter
/// is the operator's to change; this is not.
pub(crate) fn quietly<F: Future>(call: F) -> WithDispatch<F> {
    call.with_subscriber(NOBODY.clone())
}

/// Registered, unlike `Dispatch::none`: a call site that is first reached in here (hyper's and
/// rustls' are the proxy's too) would else stay silent for the rest of the program.
pub(crate) static NOBODY: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Nobody));

/// Listens to nothing, and does not raise the level for others as `NoSubscriber` would.
struct Nobody;

impl Subscriber for Nobody {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Log;

    #[tokio::test]
    async fn a_call_site_that_is_first_reached_in_silence_is_heard_later() {
        let (log, _guard) = Log::capture();
        let say = async || tracing::warn!("said");
        quietly(say()).await;
        assert_eq!(log.text(), "");
        say().await;
        assert_eq!(log.text().matches("said").count(), 1);
    }
}
