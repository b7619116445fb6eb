//! One attempt to obtain a set: its course, its landing, and those who wait for it.

use std::sync::Arc;
use std::time::Duration;

use auth_model::Credentials;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::{Boarding, Held, Inner, Obtain, Obtained, Outcome, Refresh, Setback, are_same_keys};
use crate::error::{CredentialError, CredentialFailure};
use crate::schedule;

/// From here on a session's policies and tags are about to be refused: the next policy or tag may be too much.
const SPACE_WARNING_PERCENT: u32 = 80;

/// An attempt that fails more slowly than this was no single fault: who waits has waited long enough.
const QUICK: Duration = Duration::from_secs(3);

/// The longest moment before another attempt.
const MOMENT: Duration = Duration::from_millis(100);

impl<O: Obtain> Inner<O> {
    /// One attempt, in a task of its own: a request that goes away leaves it alone. Two, where the first failed quickly in a
    /// way that nobody has tried again yet, for the first time in a row, and there is nothing to serve meanwhile.
    ///
    /// `is_refused`: it is made because AWS refuses the held set.
    pub(super) async fn fly(self: Arc<Self>, landing: watch::Sender<Option<Outcome>>, is_refused: bool) {
        let begun = Instant::now();
        let mut result = self.attempt().await;
        if begun.elapsed() < QUICK
            && result.as_ref().is_err_and(CredentialFailure::is_worth_another_attempt)
            && (is_refused || self.valid_at(self.clock.now()).is_none())
            && self.control().setback.is_none()
        {
            // Requests wait for it, and would fail for one fault that has passed.
            sleep(MOMENT.mul_f64(fastrand::f64())).await;
            result = self.attempt().await;
        }
        let outcome = match result.and_then(|obtained| self.take(obtained, is_refused)) {
            Ok(credentials) => Ok(credentials),
            Err(failure) => Err(self.rest(failure)),
        };
        landing.send_replace(Some(outcome));
    }

    async fn attempt(&self) -> Result<Obtained, CredentialFailure> {
        let origin = Arc::clone(&self.origin);
        // A task within the task, so that a panic lands as a failure like any other.
        let mut attempt = tokio::spawn(async move { origin.obtain().await });
        match timeout(self.flight_deadline, &mut attempt).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(CredentialFailure::Internal),
            Err(_) => {
                attempt.abort();
                Err(CredentialFailure::TimedOut)
            }
        }
    }

    /// Makes what arrived the current set.
    fn take(&self, obtained: Obtained, is_refused: bool) -> Result<Arc<Credentials>, CredentialFailure> {
        let Obtained {
            credentials,
            ask_again_after,
            session_space_percent,
        } = obtained;
        let now = self.clock.now();
        if !credentials.is_valid_at(now) {
            let message = "the set that was handed out has expired already".to_owned();
            return Err(CredentialFailure::ClockSkew { message });
        }
        let expires_at = credentials.expires_at;
        let renew_at = match (expires_at, ask_again_after) {
            (Some(expires_at), rest) => {
                let due = schedule::refresh_at(now, expires_at, fastrand::f64());
                Some(rest.map_or(due, |rest| due.min(now + rest)))
            }
            (None, Some(rest)) => Some(now + rest),
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
                    "session policies and tags take most of the space that a session has; STS refuses more than 100 %"
                );
            }
        }
        let is_new = unchanged.is_none();
        let credentials = unchanged.unwrap_or_else(|| Arc::new(credentials));
        let mut control = self.control();
        if is_new {
            self.refused.clear();
            control.refusals.replaced(self.origin.only_reads());
        } else if is_refused && self.refused.set(now) {
            tracing::warn!(
                connection = %self.label.connection,
                method = self.label.method,
                "AWS refuses the credentials, and there are no newer ones where they are kept: renew them there"
            );
        }
        self.held.store(Some(Arc::new(Held {
            credentials: Arc::clone(&credentials),
            renew_at,
            session_space_percent,
        })));
        control.flight = None;
        control.setback = None;
        control.counters.obtained += 1;
        Ok(credentials)
    }

    /// Notes a failure and when to try again.
    fn rest(&self, failure: CredentialFailure) -> CredentialError {
        let now = self.clock.now();
        let held = self.valid_at(now);
        let expires_at = held.as_ref().and_then(|held| held.credentials.expires_at);
        let remaining = expires_at.and_then(|expiry| expiry.duration_since(now).ok());
        let mut control = self.control();
        let streak = control.setback.as_ref().map_or(1, |last| last.streak.saturating_add(1));
        let rest = schedule::rest_after(failure.prospect(), streak, remaining, fastrand::f64());
        tracing::warn!(
            connection = %self.label.connection,
            method = self.label.method,
            code = failure.code(),
            error = &failure as &dyn std::error::Error,
            attempts = streak,
            retry_in_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX),
            is_still_serving = held.is_some(),
            "obtaining credentials failed"
        );
        control.flight = None;
        control.counters.failed += 1;
        control.setback = Some(Setback {
            failure: failure.clone(),
            streak,
            retry_at: Instant::now() + rest,
        });
        CredentialError::new(failure, rest)
    }
}

impl Boarding {
    /// The set, and whether it is the old one because nothing was tried.
    pub(super) async fn arrive_or_held_back(self) -> Result<Refresh, CredentialError> {
        let held_back_for = match &self {
            Self::HeldBack(_, left) => Some(*left),
            Self::Held(_) | Self::Flight(_) | Self::Joined(_) | Self::Resting(_) => None,
        };
        Ok(Refresh {
            credentials: self.arrive().await?,
            held_back_for,
        })
    }

    pub(super) async fn arrive(self) -> Outcome {
        let mut flight = match self {
            Self::Held(credentials) | Self::HeldBack(credentials, _) => return Ok(credentials),
            Self::Resting(error) => return Err(error),
            Self::Flight(flight) | Self::Joined(flight) => flight,
        };
        let landed = flight.wait_for(Option::is_some).await;
        match landed.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            // The runtime is shutting down.
            Ok(None) | Err(_) => Err(CredentialError::new(
                CredentialFailure::Internal,
                Duration::from_secs(1),
            )),
        }
    }
}
