//! Why a client gets no units.

use std::time::Duration;

/// When a client whose request found no room may try again. What it holds itself, or others, is back within moments or
/// not for minutes; SDKs wait longer with each retry.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A client gets no more units now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Exhausted {
    /// The rest is for clients or listeners that have less than an equal share.
    #[error("the client is beyond its share")]
    OverShare,
    /// Everything is taken, and the client has no more than its share, or there is no other one.
    #[error("all is taken")]
    Full,
}

impl Exhausted {
    /// When the client may try again.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::OverShare | Self::Full => RETRY_AFTER,
        }
    }
}
