//! The life of a set of credentials: one attempt in flight, refresh ahead of expiry, the last set while attempts fail.
//!
//! Nothing runs while nobody needs credentials: a refresh is started by the first request inside the refresh
//! window, so an idle connection costs no STS calls and a machine that slept wakes up right.

mod attempt;
mod rejected;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use auth_model::{Clock, Credentials, SessionToken};
use credential_assets::single_flight::{Fetched, InFlight, Join, SingleFlight, Status};

use crate::error::{CredentialError, CredentialFailure, IDENTITY_CLASH};
use crate::state::{CredentialCounters, CredentialState};
use rejected::{RejectedMark, RejectionBackoff};

/// What an origin hands out.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) credentials: Credentials,
    /// When to obtain it again although the set names no expiry, or ahead of it; `None` is when it is about to expire.
    pub(crate) refresh_after: Option<Duration>,
    /// How much of what a session may hold is taken, in percent, where AWS says so.
    pub(crate) session_space_percent: Option<u32>,
}

/// Obtains a set, without any memory of earlier ones.
pub(crate) trait Obtain: fmt::Debug + Send + Sync + 'static {
    /// One attempt. May be dropped at any point.
    fn obtain(&self) -> impl Future<Output = Result<Obtained, CredentialFailure>> + Send;

    /// AWS rejects what was obtained: the next attempt is not to use what it was made from again.
    fn distrust(&self) {}

    /// Whether an attempt only reads again what is stored somewhere, and has nothing issued.
    fn only_reads(&self) -> bool {
        false
    }

    /// Whether another organisation has the keys that the set is made from, so that none of it may be used.
    fn is_stopped(&self) -> bool {
        false
    }

    /// For how long what the set is made from has not been confirmed, where its source fails.
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
    /// How long one attempt may take.
    attempt_deadline: Duration,
    flight: SingleFlight<Held, CredentialFailure>,
    /// Since when AWS rejects the held set although it is the newest that there is.
    rejected: RejectedMark,
    control: Mutex<Control>,
}

#[derive(Debug)]
struct Held {
    credentials: Arc<Credentials>,
    refresh_at: Option<SystemTime>,
    session_space_percent: Option<u32>,
}

/// Locked for moments, never across an await, and never while the [`SingleFlight`] is called.
#[derive(Debug, Default)]
struct Control {
    rejections: RejectionBackoff,
    counters: CredentialCounters,
}

type CacheResult = Result<Arc<Credentials>, CredentialError>;

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
    /// AWS rejects this set.
    Rejected(&'a Credentials),
    /// AWS rejects a signature by this set, which need not be due to the set.
    Doubted(&'a Credentials),
    /// AWS rejects a request for a reason that it does not give, and that is most often another one.
    Suspected(&'a Credentials),
}

/// What a demand comes to.
enum Demanded {
    Held(Arc<Credentials>),
    /// The set that is held, since the last refresh after a rejection was not so long ago.
    HeldBack(Arc<Credentials>, Duration),
    /// An attempt is in flight; `is_joined` where another demand started it.
    InFlight {
        in_flight: InFlight<Held, CredentialFailure>,
        is_joined: bool,
    },
    /// The last attempt failed, and the next one is not due.
    BackingOff(CredentialError),
}

impl<O: Obtain> Cache<O> {
    pub(crate) fn new(origin: O, clock: Arc<dyn Clock>, label: Label, attempt_deadline: Duration) -> Self {
        Self(Arc::new(Inner {
            origin: Arc::new(origin),
            clock,
            label,
            attempt_deadline,
            flight: SingleFlight::default(),
            rejected: RejectedMark::default(),
            control: Mutex::default(),
        }))
    }

    /// The current set; obtained where there is none.
    pub(crate) async fn credentials(&self) -> CacheResult {
        let now = self.0.clock.now();
        if let Some(held) = self.0.valid_at(now) {
            if held.is_due_at(now) {
                // Begins the refresh or not, as it should; this request does not wait for it.
                let _ = self.0.demand(&Demand::Due);
            }
            return Ok(Arc::clone(&held.credentials));
        }
        self.0.demand(&Demand::Missing).result().await
    }

    /// A set that is not `rejected`, where there is one.
    pub(crate) async fn refresh(
        &self,
        rejected: &Credentials,
        certainty: Certainty,
    ) -> Result<Refresh, CredentialError> {
        let demand = match certainty {
            Certainty::Certain => Demand::Rejected(rejected),
            Certainty::Likely => Demand::Doubted(rejected),
            Certainty::Possible => Demand::Suspected(rejected),
        };
        self.replace(&demand, rejected).await
    }

    /// As [`refresh`](Self::refresh), where that only reads something again; else the current set.
    pub(crate) async fn reread(&self, doubted: &Credentials) -> CacheResult {
        if self.0.origin.only_reads() {
            let refresh = self.replace(&Demand::Doubted(doubted), doubted).await;
            refresh.map(|refresh| refresh.credentials)
        } else {
            self.credentials().await
        }
    }

    async fn replace(&self, demand: &Demand<'_>, rejected: &Credentials) -> Result<Refresh, CredentialError> {
        let demanded = self.0.demand(demand);
        let is_joined = matches!(demanded, Demanded::InFlight { is_joined: true, .. });
        let refresh = demanded.refresh().await?;
        if !is_joined || !are_same_keys(&refresh.credentials, rejected) {
            return Ok(refresh);
        }
        // That attempt may have read the keys before they were replaced.
        self.0.demand(demand).refresh().await
    }

    /// AWS accepted a signature by this set.
    pub(crate) fn accepted(&self, set: &Credentials) {
        if !self.0.rejected.is_set() {
            return;
        }
        let is_held = |held: Arc<Held>| are_same_keys(&held.credentials, set);
        if self.0.held().is_some_and(is_held) && self.0.rejected.clear() {
            tracing::info!(connection = %self.0.label.connection, "AWS accepts the credentials again");
        }
    }

    pub(crate) fn state(&self) -> CredentialState {
        if self.0.origin.is_stopped() {
            return CredentialState::Failing {
                code: IDENTITY_CLASH,
                is_permanent: true,
            };
        }
        let expires_at = self.0.held().and_then(|held| held.credentials.expires_at);
        let last_failure = self
            .0
            .flight
            .with_last_failure(|last| last.map(|last| last.error.clone()));
        let is_valid = self.0.valid_at(self.0.clock.now()).is_some();
        if let Some(since) = self.0.rejected.since().filter(|_| is_valid) {
            return CredentialState::Rejected { since, expires_at };
        }
        match (is_valid, last_failure) {
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
        self.0.held().and_then(|held| held.session_space_percent)
    }

    pub(crate) fn counters(&self) -> CredentialCounters {
        self.0.control().counters
    }
}

impl<O: Obtain> Inner<O> {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> Option<Arc<Held>> {
        self.flight.fetched().map(|fetched| Arc::clone(&fetched.value))
    }

    fn valid_at(&self, now: SystemTime) -> Option<Arc<Held>> {
        self.valid_of(self.flight.fetched(), now)
    }

    fn valid_of(&self, fetched: Option<Arc<Fetched<Held>>>, now: SystemTime) -> Option<Arc<Held>> {
        // A stopped set comes back as it is when the keys differ again; until then each request leads to an attempt, as
        // often as failures allow, for the keys are only compared when they are read.
        let held = fetched.filter(|_| !self.origin.is_stopped())?;
        let is_valid = held.value.credentials.is_valid_at(now);
        is_valid.then(|| Arc::clone(&held.value))
    }

    /// Joins the attempt in flight, or starts one, where that is due.
    fn demand(self: &Arc<Self>, demand: &Demand<'_>) -> Demanded {
        let (attempt, in_flight) = match self.flight.join(|status| self.settled(demand, status)) {
            Join::Settled(demanded) => return demanded,
            Join::Joined(in_flight) => {
                return Demanded::InFlight {
                    in_flight,
                    is_joined: true,
                };
            }
            Join::Started(attempt, in_flight) => (attempt, in_flight),
        };
        match demand {
            Demand::Missing | Demand::Due => {}
            Demand::Rejected(_) | Demand::Doubted(_) => {
                self.origin.distrust();
                self.control().rejections.refreshed(self.origin.only_reads());
            }
            Demand::Suspected(_) => {
                self.origin.distrust();
                self.control().rejections.suspected();
            }
        }
        let is_rejected = matches!(demand, Demand::Rejected(_));
        tokio::spawn(Arc::clone(self).run(attempt, is_rejected));
        Demanded::InFlight {
            in_flight,
            is_joined: false,
        }
    }

    /// What the demand comes to without an attempt; `None` where one has to be joined or started.
    fn settled(&self, demand: &Demand<'_>, status: Status<'_, Held, CredentialFailure>) -> Option<Demanded> {
        let now = self.clock.now();
        if let Some(held) = self.valid_of(status.fetched, now) {
            match demand {
                Demand::Due if held.is_due_at(now) => {}
                Demand::Missing | Demand::Due => return Some(Demanded::Held(Arc::clone(&held.credentials))),
                Demand::Rejected(set) | Demand::Doubted(set) | Demand::Suspected(set) => {
                    if !are_same_keys(&held.credentials, set) {
                        return Some(Demanded::Held(Arc::clone(&held.credentials)));
                    }
                    let is_suspicion = matches!(demand, Demand::Suspected(_));
                    // An attempt that is in flight costs nothing more.
                    if !status.is_in_flight
                        && let Some(left) = self.held_back_for(is_suspicion)
                    {
                        return Some(Demanded::HeldBack(Arc::clone(&held.credentials), left));
                    }
                }
            }
        }
        if status.is_in_flight {
            return None;
        }
        let last = status.last_failure.filter(|last| !last.retry_after().is_zero())?;
        self.control().counters.backed_off += u64::from(!matches!(demand, Demand::Due));
        let error = CredentialError::new(last.error.clone(), last.retry_after());
        Some(Demanded::BackingOff(error))
    }

    /// For how long a rejection leads to no refresh. That is logged once, but for a suspicion.
    fn held_back_for(&self, is_suspicion: bool) -> Option<Duration> {
        let mut control = self.control();
        let left = control.rejections.held_back_for(is_suspicion)?;
        if !is_suspicion && control.rejections.is_first_held_back() {
            tracing::warn!(
                connection = %self.label.connection,
                method = self.label.method,
                held_back_s = left.as_secs_f64().ceil(),
                "AWS rejects credentials again so soon after the last refresh: the next one is held back"
            );
        }
        Some(left)
    }
}

impl Held {
    fn is_due_at(&self, now: SystemTime) -> bool {
        self.refresh_at.is_some_and(|refresh_at| refresh_at <= now)
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
