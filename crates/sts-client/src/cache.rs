//! The life of a set of credentials: one flight, renewal ahead of expiry, the last good set.
//!
//! Nothing runs while nobody asks: renewal is started by the first request inside the refresh
//! window, so an idle connection costs no STS calls and a machine that slept wakes up right.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use auth_model::{Clock, ConnectionName, Credentials, SessionToken};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::error::{CredentialError, CredentialFailure};
use crate::schedule;
use crate::state::{CredentialCounters, CredentialState};

/// A set this young that AWS refuses is not renewed: what is wrong is not its age.
const YOUNG: Duration = Duration::from_secs(5);

/// What an origin hands out.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) credentials: Credentials,
    /// When to ask again although the set says nothing of an expiry; `None` is never.
    pub(crate) ask_again_after: Option<Duration>,
}

/// Obtains a set, without any memory of earlier ones.
pub(crate) trait Obtain: fmt::Debug + Send + Sync + 'static {
    /// One attempt. May be dropped at any point.
    fn obtain(&self) -> impl Future<Output = Result<Obtained, CredentialFailure>> + Send;
}

/// Whose credentials these are, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) connection: ConnectionName,
    pub(crate) method: &'static str,
}

/// The current set of one origin. Clones share it.
#[derive(Debug)]
pub(crate) struct Cache<O>(Arc<Inner<O>>);

impl<O> Clone for Cache<O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<O> {
    origin: Arc<O>,
    clock: Arc<dyn Clock>,
    label: Label,
    flight_deadline: Duration,
    /// Read by every request, without a lock.
    held: ArcSwapOption<Held>,
    control: Mutex<Control>,
}

#[derive(Debug)]
struct Held {
    credentials: Arc<Credentials>,
    renew_at: Option<SystemTime>,
}

/// What decides whether an attempt starts. Locked for moments, never across an await.
#[derive(Debug, Default)]
struct Control {
    flight: Option<watch::Receiver<Option<Outcome>>>,
    setback: Option<Setback>,
    landed_at: Option<Instant>,
    counters: CredentialCounters,
}

#[derive(Debug)]
struct Setback {
    failure: CredentialFailure,
    streak: u32,
    retry_at: Instant,
}

type Outcome = Result<Arc<Credentials>, CredentialError>;

/// Why an attempt is wanted.
enum Demand<'a> {
    /// There is no valid set.
    Missing,
    /// The set is inside its refresh window.
    Due,
    /// AWS does not take this set.
    Refused(&'a Credentials),
}

/// What a demand comes to.
enum Boarding {
    Held(Arc<Credentials>),
    Flight(watch::Receiver<Option<Outcome>>),
    Resting(CredentialError),
}

impl<O: Obtain> Cache<O> {
    pub(crate) fn new(origin: O, clock: Arc<dyn Clock>, label: Label, flight_deadline: Duration) -> Self {
        Self(Arc::new(Inner {
            origin: Arc::new(origin),
            clock,
            label,
            flight_deadline,
            held: ArcSwapOption::empty(),
            control: Mutex::default(),
        }))
    }

    /// The current set; obtained where there is none.
    pub(crate) async fn credentials(&self) -> Outcome {
        let now = self.0.clock.now();
        if let Some(held) = self.0.valid_at(now) {
            if held.is_due_at(now) {
                // Begins the renewal or not, as it should; this request does not wait for it.
                let _ = self.0.board(&Demand::Due);
            }
            return Ok(Arc::clone(&held.credentials));
        }
        self.0.board(&Demand::Missing).arrive().await
    }

    /// A set that is not `refused`, where one can be had.
    pub(crate) async fn renew(&self, refused: &Credentials) -> Outcome {
        self.0.board(&Demand::Refused(refused)).arrive().await
    }

    pub(crate) fn state(&self) -> CredentialState {
        let held = self.0.held.load_full();
        let expires_at = held.as_ref().and_then(|held| held.credentials.expires_at);
        let control = self.0.control();
        let setback = control.setback.as_ref().map(|setback| &setback.failure);
        match (self.0.valid_at(self.0.clock.now()).is_some(), setback) {
            (true, None) => CredentialState::Valid { expires_at },
            (true, Some(failure)) => CredentialState::Degraded {
                expires_at,
                code: failure.code(),
            },
            (false, Some(failure)) => CredentialState::Failing {
                code: failure.code(),
                is_permanent: failure.is_permanent(),
            },
            (false, None) => match expires_at {
                Some(since) => CredentialState::Lapsed { since },
                None => CredentialState::Never,
            },
        }
    }

    pub(crate) fn counters(&self) -> CredentialCounters {
        self.0.control().counters
    }
}

impl<O: Obtain> Inner<O> {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn valid_at(&self, now: SystemTime) -> Option<Arc<Held>> {
        self.held.load_full().filter(|held| held.credentials.is_valid_at(now))
    }

    /// Decides under the lock, so that a crowd starts one flight and latecomers see what it brought.
    fn board(self: &Arc<Self>, demand: &Demand<'_>) -> Boarding {
        let mut control = self.control();
        let now = self.clock.now();
        if let Some(held) = self.valid_at(now) {
            let is_young = control.landed_at.is_some_and(|landed| landed.elapsed() < YOUNG);
            let is_good_enough = match demand {
                Demand::Missing => true,
                Demand::Due => !held.is_due_at(now),
                Demand::Refused(set) => is_young || !are_same_keys(&held.credentials, set),
            };
            if is_good_enough {
                return Boarding::Held(Arc::clone(&held.credentials));
            }
        }
        if let Some(flight) = &control.flight {
            // A closed channel is a flight that the runtime dropped.
            if flight.has_changed().is_ok() {
                return Boarding::Flight(flight.clone());
            }
        }
        if let Some(setback) = &control.setback {
            let rest = setback.retry_at.saturating_duration_since(Instant::now());
            if !rest.is_zero() {
                let error = CredentialError::new(setback.failure.clone(), rest);
                control.counters.refused += u64::from(!matches!(demand, Demand::Due));
                return Boarding::Resting(error);
            }
        }
        let (landing, flight) = watch::channel(None);
        control.flight = Some(flight.clone());
        tokio::spawn(Arc::clone(self).fly(landing));
        Boarding::Flight(flight)
    }

    /// One attempt, in a task of its own: a request that goes away leaves it alone.
    async fn fly(self: Arc<Self>, landing: watch::Sender<Option<Outcome>>) {
        let origin = Arc::clone(&self.origin);
        // A task within the task, so that a panic lands as a failure like any other.
        let mut attempt = tokio::spawn(async move { origin.obtain().await });
        let result = match timeout(self.flight_deadline, &mut attempt).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(CredentialFailure::Internal),
            Err(_) => {
                attempt.abort();
                Err(CredentialFailure::TimedOut)
            }
        };
        let outcome = match result.and_then(|obtained| self.take(obtained)) {
            Ok(credentials) => Ok(credentials),
            Err(failure) => Err(self.rest(failure)),
        };
        landing.send_replace(Some(outcome));
    }

    /// Makes what arrived the current set.
    fn take(&self, obtained: Obtained) -> Result<Arc<Credentials>, CredentialFailure> {
        let Obtained {
            credentials,
            ask_again_after,
        } = obtained;
        let now = self.clock.now();
        if !credentials.is_valid_at(now) {
            let message = "the set that was handed out has expired already".to_owned();
            return Err(CredentialFailure::ClockSkew { message });
        }
        let expires_at = credentials.expires_at;
        let renew_at = match (expires_at, ask_again_after) {
            (Some(expires_at), _) => Some(schedule::refresh_at(now, expires_at, fastrand::f64())),
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
        }
        let credentials = unchanged.unwrap_or_else(|| Arc::new(credentials));
        let mut control = self.control();
        self.held.store(Some(Arc::new(Held {
            credentials: Arc::clone(&credentials),
            renew_at,
        })));
        control.flight = None;
        control.setback = None;
        control.landed_at = Some(Instant::now());
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

impl Held {
    fn is_due_at(&self, now: SystemTime) -> bool {
        self.renew_at.is_some_and(|renew_at| renew_at <= now)
    }
}

impl Boarding {
    async fn arrive(self) -> Outcome {
        let mut flight = match self {
            Self::Held(credentials) => return Ok(credentials),
            Self::Resting(error) => return Err(error),
            Self::Flight(flight) => flight,
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

/// Whether a signature by one would be a signature by the other.
fn are_same_keys(a: &Credentials, b: &Credentials) -> bool {
    fn parts(set: &Credentials) -> (&str, &str, Option<&str>) {
        let token = set.session_token.as_ref().map(SessionToken::expose);
        (set.access_key_id.as_str(), set.secret_access_key.expose(), token)
    }
    parts(a) == parts(b)
}

#[cfg(test)]
mod tests;
