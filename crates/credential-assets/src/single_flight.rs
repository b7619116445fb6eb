//! A cached value that one attempt at a time fetches: everybody who needs it meanwhile joins that attempt.
//!
//! [`SingleFlight`] holds the value, the attempt in flight and the last failure with its backoff. When a value is fresh, when a
//! stale one is served, and how long a backoff lasts is decided by its two users: the cache of credential assets, and the one
//! of credentials in `sts-client`.
//!
//! Contracts, each with a test:
//! - Everybody who joins gets the outcome of the one attempt.
//! - A dropped attempt releases those who joined, and the next one may begin.
//! - A failure keeps the value, counts, and is forgotten with the next success.
//! - Whether an attempt begins is decided under the lock.
//! - A map keeps no more entries than its limit, and none that is in flight is dropped.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;

/// A value that is fetched by one attempt at a time. Clones share it.
///
/// ```
/// use std::time::Duration;
///
/// use credential_assets::single_flight::{Join, SingleFlight};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let flight = SingleFlight::<u32, &str>::default();
/// let Join::Started(attempt, _) = flight.join(|_| None::<()>) else { panic!("nothing is in flight") };
/// let Join::Joined(joined) = flight.join(|_| None::<()>) else { panic!("an attempt is in flight") };
/// attempt.succeed(7);
/// assert_eq!(joined.outcome().await.map(|outcome| *outcome.unwrap()), Some(7));
/// assert_eq!(*flight.fetched().unwrap().value, 7);
/// # }
/// ```
#[derive(Debug)]
pub struct SingleFlight<V, E>(Arc<Inner<V, E>>);

#[derive(Debug)]
struct Inner<V, E> {
    /// Read without a lock.
    fetched: ArcSwapOption<Fetched<V>>,
    /// Locked for moments, never across an await.
    control: Mutex<Control<V, E>>,
}

#[derive(Debug)]
struct Control<V, E> {
    in_flight: Option<watch::Receiver<Option<AttemptOutcome<V, E>>>>,
    last_failure: Option<LastFailure<E>>,
}

/// How an attempt ended.
pub type AttemptOutcome<V, E> = Result<Arc<V>, LastFailure<E>>;

/// A value, and when it arrived.
#[derive(Debug)]
pub struct Fetched<V> {
    /// The value.
    pub value: Arc<V>,
    /// When it arrived.
    pub at: Instant,
}

/// Why the last attempt failed. Gone after the next one that succeeds.
#[derive(Clone, Debug)]
pub struct LastFailure<E> {
    /// What went wrong.
    pub error: E,
    /// How many attempts have failed in a row; 1 is the first.
    pub streak: u32,
    /// Whether the value from before the failure is served meanwhile.
    pub is_serving_stale: bool,
    retry_at: Instant,
}

impl<E> LastFailure<E> {
    /// How long it is until the next attempt; zero where that may begin now.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_at.saturating_duration_since(Instant::now())
    }
}

/// What there is when somebody needs the value.
#[derive(Debug)]
pub struct Status<'a, V, E> {
    /// The value that is held.
    pub fetched: Option<Arc<Fetched<V>>>,
    /// The failure of the last attempt.
    pub last_failure: Option<&'a LastFailure<E>>,
    /// Whether an attempt is in flight.
    pub is_in_flight: bool,
}

/// What [`SingleFlight::join`] comes to.
#[derive(Debug)]
pub enum Join<V, E, R> {
    /// No attempt is needed, or none is due.
    Settled(R),
    /// An attempt was in flight already.
    Joined(InFlight<V, E>),
    /// The caller has to make the attempt.
    Started(Attempt<V, E>, InFlight<V, E>),
}

/// The duty to fetch the value. Dropped without an outcome, it releases those who joined without one.
#[derive(Debug)]
pub struct Attempt<V, E> {
    of: SingleFlight<V, E>,
    outcome: watch::Sender<Option<AttemptOutcome<V, E>>>,
}

/// An attempt that somebody makes.
#[derive(Clone, Debug)]
pub struct InFlight<V, E>(watch::Receiver<Option<AttemptOutcome<V, E>>>);

impl<V, E> Clone for SingleFlight<V, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V, E> Default for SingleFlight<V, E> {
    fn default() -> Self {
        Self(Arc::new(Inner {
            fetched: ArcSwapOption::empty(),
            control: Mutex::new(Control {
                in_flight: None,
                last_failure: None,
            }),
        }))
    }
}

impl<V, E> SingleFlight<V, E> {
    fn control(&self) -> MutexGuard<'_, Control<V, E>> {
        self.0.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value that is held, however old. Takes no lock.
    #[must_use]
    pub fn fetched(&self) -> Option<Arc<Fetched<V>>> {
        self.0.fetched.load_full()
    }

    /// Whether an attempt is in flight.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        let control = self.control();
        // A closed channel is an attempt that was dropped.
        let in_flight = control.in_flight.as_ref();
        in_flight.is_some_and(|flight| flight.has_changed().is_ok())
    }

    /// Looks at the failure of the last attempt; `None` where that succeeded.
    pub fn with_last_failure<R>(&self, look: impl FnOnce(Option<&LastFailure<E>>) -> R) -> R {
        look(self.control().last_failure.as_ref())
    }

    /// Joins the attempt in flight, or starts one; neither where `settle` has a result.
    ///
    /// `settle` sees the state under the lock: a value that has arrived since the caller looked is not fetched again. It must
    /// not call this `SingleFlight`.
    pub fn join<R>(&self, settle: impl FnOnce(Status<'_, V, E>) -> Option<R>) -> Join<V, E, R> {
        let mut control = self.control();
        // A closed channel is an attempt that was dropped.
        let in_flight = control.in_flight.take().filter(|flight| flight.has_changed().is_ok());
        control.in_flight.clone_from(&in_flight);
        let status = Status {
            fetched: self.fetched(),
            last_failure: control.last_failure.as_ref(),
            is_in_flight: in_flight.is_some(),
        };
        if let Some(settled) = settle(status) {
            return Join::Settled(settled);
        }
        if let Some(in_flight) = in_flight {
            return Join::Joined(InFlight(in_flight));
        }
        let (outcome, in_flight) = watch::channel(None);
        control.in_flight = Some(in_flight.clone());
        let attempt = Attempt {
            of: self.clone(),
            outcome,
        };
        Join::Started(attempt, InFlight(in_flight))
    }
}

impl<V, E: Clone> Attempt<V, E> {
    /// The value has been fetched.
    pub fn succeed(self, value: impl Into<Arc<V>>) -> Arc<V> {
        let value = value.into();
        let fetched = Fetched {
            value: Arc::clone(&value),
            at: Instant::now(),
        };
        let mut control = self.of.control();
        self.of.0.fetched.store(Some(Arc::new(fetched)));
        control.last_failure = None;
        control.in_flight = None;
        self.outcome.send_replace(Some(Ok(Arc::clone(&value))));
        value
    }

    /// The attempt has failed; the next one begins after `backoff` at the earliest, which depends on how many have failed in a
    /// row.
    pub fn fail(self, error: E, is_serving_stale: bool, backoff: impl FnOnce(u32) -> Duration) -> LastFailure<E> {
        let mut control = self.of.control();
        let streak = control
            .last_failure
            .as_ref()
            .map_or(1, |last| last.streak.saturating_add(1));
        let failure = LastFailure {
            error,
            streak,
            is_serving_stale,
            retry_at: Instant::now() + backoff(streak),
        };
        control.last_failure = Some(failure.clone());
        control.in_flight = None;
        self.outcome.send_replace(Some(Err(failure.clone())));
        failure
    }
}

impl<V, E: Clone> InFlight<V, E> {
    /// The outcome of the attempt; `None` where it was dropped without one.
    pub async fn outcome(mut self) -> Option<AttemptOutcome<V, E>> {
        let outcome = self.0.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

/// Values by what they are fetched from, at most [`LIMIT`](Self::LIMIT).
#[derive(Debug)]
pub struct SingleFlightMap<K, V, E>(Mutex<HashMap<K, SingleFlight<V, E>>>);

impl<K, V, E> Default for SingleFlightMap<K, V, E> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, V, E> SingleFlightMap<K, V, E> {
    /// Entries that are kept: more than a configuration names, so that none of those in use is dropped.
    pub const LIMIT: usize = 4096;

    fn entries(&self) -> MutexGuard<'_, HashMap<K, SingleFlight<V, E>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of this key; an empty one where there is none. Where that is one too many, those that have been fetched the
    /// longest ago are dropped, and those without a value.
    pub fn entry(&self, key: &K) -> SingleFlight<V, E> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(key) {
            return entry.clone();
        }
        if entries.len() >= Self::LIMIT {
            Self::drop_oldest(&mut entries);
        }
        entries.entry(key.clone()).or_default().clone()
    }

    /// The entry of this key, where there is one.
    pub fn get(&self, key: &K) -> Option<SingleFlight<V, E>> {
        self.entries().get(key).cloned()
    }

    /// Drops the entry of this key. An attempt in flight ends for those who have joined it, and nobody joins it any more.
    pub fn remove(&self, key: &K) {
        self.entries().remove(key);
    }

    /// A quarter at once, so that this is rare.
    fn drop_oldest(entries: &mut HashMap<K, SingleFlight<V, E>>) {
        let is_idle = |entry: &SingleFlight<V, E>| !entry.is_in_flight();
        let mut ages: Vec<_> = entries
            .values()
            .filter(|entry| is_idle(entry))
            .map(fetched_at)
            .collect();
        ages.sort_unstable();
        let Some(limit) = ages.get(Self::LIMIT / 4).or(ages.last()).copied() else {
            return;
        };
        entries.retain(|_, entry| !is_idle(entry) || fetched_at(entry) > limit);
    }
}

/// `None`, which is before all others, where nothing was fetched.
fn fetched_at<V, E>(entry: &SingleFlight<V, E>) -> Option<Instant> {
    entry.fetched().map(|fetched| fetched.at)
}

#[cfg(test)]
mod tests;
