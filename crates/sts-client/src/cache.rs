//! The life of a set of credentials: one flight, renewal ahead of expiry, the last good set.
//!
//! Nothing runs while nobody asks: renewal is started by the first request inside the refresh
//! window, so an idle connection costs no STS calls and a machine that slept wakes up right.

mod flight;
mod refused;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use auth_model::{Clock, Credentials, SessionToken};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{CredentialError, CredentialFailure, IDENTITY_CLASH};
use crate::state::{CredentialCounters, CredentialState};
use refused::{Refusals, RefusedMark};

/// What an origin hands out.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) credentials: Credentials,
    /// When to ask again although the set says nothing of an expiry, or ahead of it; `None` is when it is about to
    /// expire.
    pub(crate) ask_again_after: Option<Duration>,
    /// How much of what a session may hold is taken, in percent, where AWS says so.
    pub(crate) session_space_percent: Option<u32>,
}

/// Obtains a set, without any memory of earlier ones.
pub(crate) trait Obtain: fmt::Debug + Send + Sync + 'static {
    /// One attempt. May be dropped at any point.
    fn obtain(&self) -> impl Future<Output = Result<Obtained, CredentialFailure>> + Send;

    /// AWS refuses what was obtained: the next attempt is not to use what it was made from again.
    fn distrust(&self) {}

    /// Whether an attempt only reads again what is kept somewhere, and asks nobody to issue anything.
    fn only_reads(&self) -> bool {
        false
    }

    /// Whether another organisation has the keys that the set is made from, so that none of it may be used.
    fn is_stopped(&self) -> bool {
        false
    }

    /// For how long what the set is made from has not been confirmed, where what keeps it fails.
    fn stale_for(&self) -> Option<Duration> {
        None
    }
}

/// Whose credentials these are, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// The connection's name, or the names of all that share the set, with `+` in between.
    pub(crate) connection: String,
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
    /// Since when AWS refuses the held set although it is the newest that there is.
    refused: RefusedMark,
    control: Mutex<Control>,
}

#[derive(Debug)]
struct Held {
    credentials: Arc<Credentials>,
    renew_at: Option<SystemTime>,
    session_space_percent: Option<u32>,
}

/// What decides whether an attempt starts. Locked for moments, never across an await.
#[derive(Debug, Default)]
struct Control {
    flight: Option<watch::Receiver<Option<Outcome>>>,
    setback: Option<Setback>,
    refusals: Refusals,
    counters: CredentialCounters,
}

#[derive(Debug)]
struct Setback {
    failure: CredentialFailure,
    streak: u32,
    retry_at: Instant,
}

type Outcome = Result<Arc<Credentials>, CredentialError>;

/// How certain it is that a rejection is about the credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certainty {
    /// AWS says so.
    Certain,
    /// A status without a code, most often for this reason: S3's 400 to `HEAD`.
    Likely,
    /// A status without a code, most often for another reason: S3's 403 to `HEAD`, which it also gives for missing keys.
    Possible,
}

/// What a refresh after a rejection came to.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The set to use now; the rejected one where there is no other.
    pub credentials: Arc<Credentials>,
    /// Nothing was tried, since the last refresh after a rejection was not so long ago; the next one may be in this time.
    pub held_back_for: Option<Duration>,
}

/// Why an attempt is wanted.
enum Demand<'a> {
    /// There is no valid set.
    Missing,
    /// The set is inside its refresh window.
    Due,
    /// AWS does not take this set.
    Refused(&'a Credentials),
    /// AWS does not take a signature by this set, which need not be the set's fault.
    Doubted(&'a Credentials),
    /// AWS rejects a request for a reason that it does not give, and that is most often another one.
    Suspected(&'a Credentials),
}

/// What a demand comes to.
enum Boarding {
    Held(Arc<Credentials>),
    /// The set that is held, since the last refresh after a rejection was not so long ago.
    HeldBack(Arc<Credentials>, Duration),
    Flight(watch::Receiver<Option<Outcome>>),
    /// As `Flight`, begun by another demand.
    Joined(watch::Receiver<Option<Outcome>>),
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
            refused: RefusedMark::default(),
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
    pub(crate) async fn renew(&self, refused: &Credentials, certainty: Certainty) -> Result<Refresh, CredentialError> {
        let demand = match certainty {
            Certainty::Certain => Demand::Refused(refused),
            Certainty::Likely => Demand::Doubted(refused),
            Certainty::Possible => Demand::Suspected(refused),
        };
        self.replace(&demand, refused).await
    }

    /// As [`renew`](Self::renew), where that only reads something again; else the current set.
    pub(crate) async fn reread(&self, doubted: &Credentials) -> Outcome {
        if self.0.origin.only_reads() {
            let refresh = self.replace(&Demand::Doubted(doubted), doubted).await;
            refresh.map(|refresh| refresh.credentials)
        } else {
            self.credentials().await
        }
    }

    async fn replace(&self, demand: &Demand<'_>, refused: &Credentials) -> Result<Refresh, CredentialError> {
        let boarding = self.0.board(demand);
        let is_joined = matches!(boarding, Boarding::Joined(_));
        let refresh = boarding.arrive_or_held_back().await?;
        if !is_joined || !are_same_keys(&refresh.credentials, refused) {
            return Ok(refresh);
        }
        // That flight may have read the keys before they were replaced.
        self.0.board(demand).arrive_or_held_back().await
    }

    /// AWS took a signature by this set.
    pub(crate) fn accepted(&self, set: &Credentials) {
        if !self.0.refused.is_set() {
            return;
        }
        let is_held = |held: &Arc<Held>| are_same_keys(&held.credentials, set);
        if self.0.held.load().as_ref().is_some_and(is_held) && self.0.refused.clear() {
            tracing::info!(connection = %self.0.label.connection, "AWS takes the credentials again");
        }
    }

    pub(crate) fn state(&self) -> CredentialState {
        if self.0.origin.is_stopped() {
            return CredentialState::Failing {
                code: IDENTITY_CLASH,
                is_permanent: true,
            };
        }
        let held = self.0.held.load_full();
        let expires_at = held.as_ref().and_then(|held| held.credentials.expires_at);
        let control = self.0.control();
        let setback = control.setback.as_ref().map(|setback| &setback.failure);
        let is_valid = self.0.valid_at(self.0.clock.now()).is_some();
        if let Some(since) = self.0.refused.since().filter(|_| is_valid) {
            return CredentialState::Refused { since, expires_at };
        }
        match (is_valid, setback) {
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

    pub(crate) fn stale_for(&self) -> Option<Duration> {
        self.0.origin.stale_for()
    }

    pub(crate) fn session_space_percent(&self) -> Option<u32> {
        self.0.held.load().as_ref().and_then(|held| held.session_space_percent)
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
        // A stopped set comes back as it is when the keys differ again; until then each request leads to an attempt, as
        // often as failures allow, for the keys are only compared when they are read.
        let held = self.held.load_full().filter(|_| !self.origin.is_stopped())?;
        held.credentials.is_valid_at(now).then_some(held)
    }

    /// Decides under the lock, so that a crowd starts one flight and latecomers see what it brought.
    fn board(self: &Arc<Self>, demand: &Demand<'_>) -> Boarding {
        let mut control = self.control();
        let now = self.clock.now();
        if let Some(held) = self.valid_at(now) {
            match demand {
                Demand::Due if held.is_due_at(now) => {}
                Demand::Missing | Demand::Due => return Boarding::Held(Arc::clone(&held.credentials)),
                Demand::Refused(set) | Demand::Doubted(set) | Demand::Suspected(set) => {
                    if !are_same_keys(&held.credentials, set) {
                        return Boarding::Held(Arc::clone(&held.credentials));
                    }
                    let is_suspicion = matches!(demand, Demand::Suspected(_));
                    if control.flight.is_none()
                        && let Some(left) = control.refusals.held_back_for(is_suspicion)
                    {
                        if !is_suspicion && control.refusals.is_first_held_back() {
                            tracing::warn!(
                                connection = %self.label.connection,
                                method = self.label.method,
                                held_back_s = left.as_secs_f64().ceil(),
                                "AWS rejects credentials again so soon after the last refresh: the next one is held back"
                            );
                        }
                        return Boarding::HeldBack(Arc::clone(&held.credentials), left);
                    }
                }
            }
        }
        if let Some(flight) = &control.flight {
            // A closed channel is a flight that the runtime dropped.
            if flight.has_changed().is_ok() {
                return Boarding::Joined(flight.clone());
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
        match demand {
            Demand::Missing | Demand::Due => {}
            Demand::Refused(_) | Demand::Doubted(_) => {
                self.origin.distrust();
                control.refusals.renewed(self.origin.only_reads());
            }
            Demand::Suspected(_) => {
                self.origin.distrust();
                control.refusals.suspected();
            }
        }
        let (landing, flight) = watch::channel(None);
        control.flight = Some(flight.clone());
        let is_refused = matches!(demand, Demand::Refused(_));
        tokio::spawn(Arc::clone(self).fly(landing, is_refused));
        Boarding::Flight(flight)
    }
}

impl Held {
    fn is_due_at(&self, now: SystemTime) -> bool {
        self.renew_at.is_some_and(|renew_at| renew_at <= now)
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
