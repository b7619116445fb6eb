//! The error responses of the proxy: to a request that it rejects or cannot carry out.
//!
//! A [`ProxyError`] is an [`ErrorCode`] (status, name, fixed sentence, hint) and, for the log only,
//! the cause. The client never sees a cause: those may name hosts, roles and files.

mod body;
mod code;
mod notice;
mod rejection;
mod render;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use resource_limits::Exhausted;

pub use code::{ERRORS, ErrorCode};
pub use notice::Notice;
pub use render::{Accept, ERROR_HEADER, ErrorShape, REQUEST_ID_HEADER, SPOKEN, render, render_rejection};

/// A cause, for the log.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a request got a response of ours instead of the service's.
///
/// `Display` is the fixed sentence of its code; the cause is the `source`, for the log.
#[derive(Debug)]
pub struct ProxyError {
    code: ErrorCode,
    hint: Option<String>,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
}

impl ProxyError {
    /// An error with its code's own hint.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            hint: None,
            retry_after: None,
            cause: None,
        }
    }

    /// The error for a client that gets no more units: it has more than its share, or `full` where everything is taken.
    #[must_use]
    pub fn exhausted(exhausted: Exhausted, full: ErrorCode) -> Self {
        let code = match exhausted {
            Exhausted::OverShare => ErrorCode::ClientOverShare,
            Exhausted::Full => full,
        };
        Self::new(code).with_retry_after(exhausted.retry_after())
    }

    /// The same with a hint that fits the case better. Clients see it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with its cause. Only the log sees it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same with a `Retry-After`, rounded up to whole seconds, at least one.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Which error it is.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the client can do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or(self.code.hint())
    }

    /// When the client may try again, in seconds.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after?;
        Some((wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1))
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.message())
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<ErrorCode> for ProxyError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_never_zero_and_rounds_up() {
        let seconds = |ms| {
            ProxyError::new(ErrorCode::NoCredentials)
                .with_retry_after(Duration::from_millis(ms))
                .retry_after_seconds()
        };
        assert_eq!((seconds(0), seconds(1000), seconds(1001)), (Some(1), Some(1), Some(2)));
    }

    #[test]
    fn the_cause_is_the_source_and_not_the_text() {
        let error = ProxyError::new(ErrorCode::UpstreamUnreachable).with_cause("10.1.2.3 refused");
        assert!(!error.to_string().contains("10.1.2.3"));
        assert_eq!(error.source().unwrap().to_string(), "10.1.2.3 refused");
    }
}
