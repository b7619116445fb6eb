//! Keeps the AWS SDK from logging.

use tracing::Dispatch;
use tracing::instrument::{WithDispatch, WithSubscriber as _};

/// Runs an SDK call with nobody listening to its log.
///
/// The SDK formats whole requests, answers and commands at DEBUG and TRACE: session tokens, the
/// bodies of malformed answers and `credential_process` command lines among them. A level filter
/// is the operator's to change; this is not.
pub(crate) fn quietly<F: Future>(call: F) -> WithDispatch<F> {
    call.with_subscriber(Dispatch::none())
}
