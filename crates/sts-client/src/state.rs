//! What a source looks like from outside: for readiness, metrics and logs.

use std::time::SystemTime;

/// The state of a source now.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CredentialState {
    /// Nothing was requested yet.
    Never,
    /// A valid set is held.
    Valid {
        /// When it expires; `None` where it does not or the source does not say.
        expires_at: Option<SystemTime>,
    },
    /// A valid set is held, but its refresh fails.
    Degraded {
        /// When the set expires; `None` where it does not or the source does not say.
        expires_at: Option<SystemTime>,
        /// [`CredentialFailure::code`](crate::CredentialFailure::code) of the last failure.
        code: &'static str,
    },
    /// A set is held that is valid by its own account, AWS rejects it all the same, and there is no newer one where
    /// it is stored: it has to be replaced there. Requests are signed with it still, since AWS's response explains best.
    Rejected {
        /// When that was found.
        since: SystemTime,
        /// When the set expires; `None` where it does not or the source does not say.
        expires_at: Option<SystemTime>,
    },
    /// There is no valid set, and the last attempt to get one failed.
    Failing {
        /// [`CredentialFailure::code`](crate::CredentialFailure::code) of the last failure.
        code: &'static str,
        /// Whether only a change by somebody can help.
        is_permanent: bool,
    },
    /// The set expired while nobody requested it; the next request refreshes it.
    Lapsed {
        /// When it expired.
        since: SystemTime,
    },
}

impl CredentialState {
    /// Whether a request would be signed without waiting, with a set that AWS takes as far as is known.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        matches!(self, Self::Valid { .. } | Self::Degraded { .. })
    }
}

/// What a source has done since it was made. Each counter only grows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CredentialCounters {
    /// Attempts to obtain a set that succeeded.
    pub obtained: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Calls during a backoff, which got the last failure again.
    pub backed_off: u64,
}
