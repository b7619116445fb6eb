//! One attempt to obtain a set: its course, its outcome, and those who wait for it.

use std::sync::Arc;
use std::time::Duration;

use credential_assets::single_flight::Attempt;
use tokio::time::{Instant, sleep, timeout};

use super::{CacheResult, Demanded, Held, Inner, Obtain, Obtained, Refresh, are_same_keys};
use crate::error::{CredentialError, CredentialFailure};
use crate::schedule;

/// From here on a session's policies and tags are about to be rejected: the next policy or tag may be too much.
const SPACE_WARNING_PERCENT: u32 = 80;

/// An attempt that fails more slowly than this was no single fault: who waits has waited long enough.
const QUICK: Duration = Duration::from_secs(3);

/// The longest moment before another attempt.
const MOMENT: Duration = Duration::from_millis(100);

impl<O: Obtain> Inner<O> {
    /// One attempt, in a task of its own: a request that goes away leaves it alone. Two, where the first failed quickly in a
    /// way that nobody has retried yet, for the first time in a row, and there is nothing to serve meanwhile.
    ///
    /// `is_rejected`: it is made because AWS rejects the held set.
    pub(super) async fn run(self: Arc<Self>, attempt: Attempt<Held, CredentialFailure>, is_rejected: bool) {
        let begun = Instant::now();
        let mut result = self.attempt().await;
        if begun.elapsed() < QUICK
            && result.as_ref().is_err_and(CredentialFailure::is_worth_another_attempt)
            && (is_rejected || self.valid_at(self.clock.now()).is_none())
            && self.flight.with_last_failure(|last| last.is_none())
        {
            // Requests wait for it, and would fail for one fault that has passed.
            sleep(MOMENT.mul_f64(fastrand::f64())).await;
            result = self.attempt().await;
        }
        match result.and_then(|obtained| self.unexpired(obtained)) {
            Ok(obtained) => self.complete(attempt, obtained, is_rejected),
            Err(failure) => self.back_off(attempt, failure),
        }
    }

    async fn attempt(&self) -> Result<Obtained, CredentialFailure> {
        let origin = Arc::clone(&self.origin);
        // A task within the task, so that a panic is a failure like any other.
        let mut attempt = tokio::spawn(async move { origin.obtain().await });
        match timeout(self.attempt_deadline, &mut attempt).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(CredentialFailure::Internal),
            Err(_) => {
                attempt.abort();
                Err(CredentialFailure::TimedOut)
            }
        }
    }

    fn unexpired(&self, obtained: Obtained) -> Result<Obtained, CredentialFailure> {
        if obtained.credentials.is_valid_at(self.clock.now()) {
            return Ok(obtained);
        }
        let message = "the set that was handed out has expired already".to_owned();
        Err(CredentialFailure::ClockSkew { message })
    }

    /// Makes what was obtained the current set.
    fn complete(&self, attempt: Attempt<Held, CredentialFailure>, obtained: Obtained, is_rejected: bool) {
        let Obtained {
            credentials,
            refresh_after,
            session_space_percent,
        } = obtained;
        let now = self.clock.now();
        let expires_at = credentials.expires_at;
        let refresh_at = match (expires_at, refresh_after) {
            (Some(expires_at), after) => {
                let due = schedule::refresh_at(now, expires_at, fastrand::f64());
                Some(after.map_or(due, |after| due.min(now + after)))
            }
            (None, Some(after)) => Some(now + after),
            (None, None) => None,
        };
        // The same keys stay the same `Arc`: whoever compares pointers sees that nothing is new.
        let before = self.valid_at(now).map(|held| Arc::clone(&held.credentials));
        let unchanged = before.filter(|before| before.expires_at == expires_at && are_same_keys(before, &credentials));
        if unchanged.is_none() {
            let lifetime = expires_at.and_then(|expiry| expiry.duration_since(now).ok());
            tracing::info!(
                connection = %self.label.connection,
                method = self.label.method,
                lifetime_s = lifetime.map(|lifetime| lifetime.as_secs()),
                "obtained credentials"
            );
            if let Some(percent) = session_space_percent.filter(|percent| *percent >= SPACE_WARNING_PERCENT) {
                tracing::warn!(
                    connection = %self.label.connection,
                    percent,
                    "session policies and tags take most of the space that a session has; STS rejects more than 100 %"
                );
            }
        }
        let is_new = unchanged.is_none();
        let credentials = unchanged.unwrap_or_else(|| Arc::new(credentials));
        if is_new {
            self.rejected.clear();
        } else if is_rejected && self.rejected.set(now) {
            tracing::warn!(
                connection = %self.label.connection,
                method = self.label.method,
                "AWS rejects the credentials, and there are no newer ones where they are stored: replace them there"
            );
        }
        let mut control = self.control();
        if is_new {
            control.rejections.replaced(self.origin.only_reads());
        }
        control.counters.obtained += 1;
        drop(control);
        attempt.succeed(Held {
            credentials,
            refresh_at,
            session_space_percent,
        });
    }

    /// Notes a failure and when to try again.
    fn back_off(&self, attempt: Attempt<Held, CredentialFailure>, failure: CredentialFailure) {
        let now = self.clock.now();
        let held = self.valid_at(now);
        let expires_at = held.as_ref().and_then(|held| held.credentials.expires_at);
        let remaining = expires_at.and_then(|expiry| expiry.duration_since(now).ok());
        let prospect = failure.prospect();
        self.control().counters.failed += 1;
        let last = attempt.fail(failure, held.is_some(), |streak| {
            schedule::backoff_after(prospect, streak, remaining, fastrand::f64())
        });
        tracing::warn!(
            connection = %self.label.connection,
            method = self.label.method,
            code = last.error.code(),
            error = &last.error as &dyn std::error::Error,
            attempts = last.streak,
            retry_in_ms = u64::try_from(last.retry_after().as_millis()).unwrap_or(u64::MAX),
            is_serving_stale = last.is_serving_stale,
            "obtaining credentials failed"
        );
    }
}

impl Demanded {
    /// The set, and whether it is the old one because nothing was tried.
    pub(super) async fn refresh(self) -> Result<Refresh, CredentialError> {
        let held_back_for = match &self {
            Self::HeldBack(_, left) => Some(*left),
            Self::Held(_) | Self::InFlight { .. } | Self::BackingOff(_) => None,
        };
        Ok(Refresh {
            credentials: self.result().await?,
            held_back_for,
        })
    }

    pub(super) async fn result(self) -> CacheResult {
        let in_flight = match self {
            Self::Held(credentials) | Self::HeldBack(credentials, _) => return Ok(credentials),
            Self::BackingOff(error) => return Err(error),
            Self::InFlight { in_flight, .. } => in_flight,
        };
        match in_flight.outcome().await {
            Some(Ok(held)) => Ok(Arc::clone(&held.credentials)),
            Some(Err(last)) => {
                let retry_after = last.retry_after();
                Err(CredentialError::new(last.error, retry_after))
            }
            // The runtime is shutting down.
            None => Err(CredentialError::new(
                CredentialFailure::Internal,
                Duration::from_secs(1),
            )),
        }
    }
}
