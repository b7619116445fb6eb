//! Values of credential assets, used again while they are fresh; the last one is served while its source is down.

use std::error::Error;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use crate::single_flight::{Fetched, Join, LastFailure, SingleFlightMap, Status};

/// How long a value outlives its source: a night and a day in which nobody has to repair anything.
pub(crate) const MAX_STALE: Duration = Duration::from_hours(24);

/// How long a source that failed is not read again while its last value is served.
const BACKOFF: Duration = Duration::from_secs(5);

/// Whether a failure may pass by itself: only then a stale value is served.
pub(crate) trait Passing {
    fn is_passing(&self) -> bool;
}

/// What a value may be used for now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Freshness {
    /// It is used without a read.
    Fresh,
    /// It is read again, and served while that fails.
    Stale,
    /// It must not be used any more.
    Expired,
}

/// Values by what they are read from.
#[derive(Debug)]
pub(crate) struct AssetCache<K, V, E> {
    fresh_for: Duration,
    entries: SingleFlightMap<K, V, E>,
}

impl<K, V, E> AssetCache<K, V, E>
where
    K: Clone + Display + Eq + Hash,
    E: Clone + Error + Passing + 'static,
{
    /// Values are read again when they are older than this.
    pub(crate) fn new(fresh_for: Duration) -> Self {
        Self {
            fresh_for,
            entries: SingleFlightMap::default(),
        }
    }

    /// The value, read where it is not fresh. Whoever needs it meanwhile waits and gets the same outcome.
    pub(crate) async fn get(&self, key: &K, read: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        let by_age = |_: &V, age| {
            if age < self.fresh_for {
                Freshness::Fresh
            } else if age < MAX_STALE {
                Freshness::Stale
            } else {
                Freshness::Expired
            }
        };
        self.get_by(key, by_age, |_| read).await
    }

    /// The same for values that say themselves, or by their age, how fresh they are; `read` is given the one before.
    ///
    /// The caller that starts the attempt makes it. Where it goes away, one of those who wait makes its own.
    pub(crate) async fn get_by<F>(
        &self,
        key: &K,
        freshness: impl Fn(&V, Duration) -> Freshness,
        read: impl FnOnce(Option<Arc<V>>) -> F,
    ) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let entry = self.entries.entry(key);
        let attempt = loop {
            let in_flight = match entry.join(|status| settled(&status, &freshness)) {
                Join::Settled(outcome) => return outcome,
                Join::Started(attempt, _) => break attempt,
                Join::Joined(in_flight) => in_flight,
            };
            if let Some(outcome) = in_flight.outcome().await {
                return outcome.or_else(|failure| {
                    stale(entry.fetched().as_deref(), &failure.error, &freshness).ok_or(failure.error)
                });
            }
        };
        let before = entry.fetched();
        match read(before.as_ref().map(|fetched| Arc::clone(&fetched.value))).await {
            Ok(value) => Ok(attempt.succeed(value)),
            Err(problem) => {
                let stale = stale(before.as_deref(), &problem, &freshness);
                let backoff = if stale.is_some() { BACKOFF } else { Duration::ZERO };
                attempt.fail(problem.clone(), stale.is_some(), |_| backoff);
                if stale.is_some() {
                    tracing::warn!(
                        asset = %key,
                        error = &problem as &dyn Error,
                        last_confirmed_s = before.map(|before| before.at.elapsed().as_secs()),
                        "the fetch of a credential asset failed, serving its stale value"
                    );
                }
                stale.ok_or(problem)
            }
        }
    }

    /// Has the value read again at the next call, and not stored until then.
    pub(crate) fn forget(&self, key: &K) {
        self.entries.remove(key);
    }

    /// The value as it was last read; `None` too while it is being read.
    pub(crate) fn peek(&self, key: &K) -> Option<Arc<V>> {
        let entry = self.entries.get(key).filter(|entry| !entry.is_in_flight())?;
        let fetched = entry.fetched()?;
        Some(Arc::clone(&fetched.value))
    }

    /// How long ago the value was confirmed, where its source has failed since and it is served stale.
    pub(crate) fn stale_for(&self, key: &K) -> Option<Duration> {
        let entry = self.entries.get(key)?;
        let is_stale = entry.with_last_failure(|last| last.is_some_and(|last| last.is_serving_stale));
        let fetched = entry.fetched().filter(|_| is_stale)?;
        Some(fetched.at.elapsed())
    }
}

/// The outcome without an attempt, where none is due.
fn settled<V, E: Clone + Passing>(
    status: &Status<'_, V, E>,
    freshness: &impl Fn(&V, Duration) -> Freshness,
) -> Option<Result<Arc<V>, E>> {
    let fetched = status.fetched.as_deref();
    match status.last_failure {
        // What comes of an attempt counts, not what there was before it.
        _ if status.is_in_flight => None,
        None => {
            let fetched = fetched?;
            let is_fresh = freshness(&fetched.value, fetched.at.elapsed()) == Freshness::Fresh;
            is_fresh.then(|| Ok(Arc::clone(&fetched.value)))
        }
        Some(last) if last.retry_after().is_zero() => None,
        Some(LastFailure { error, .. }) => stale(fetched, error, freshness).map(Ok),
    }
}

/// The value that is served although its source fails with this problem.
fn stale<V, E: Passing>(
    fetched: Option<&Fetched<V>>,
    problem: &E,
    freshness: &impl Fn(&V, Duration) -> Freshness,
) -> Option<Arc<V>> {
    let fetched = fetched?;
    let may_be_served = problem.is_passing() && freshness(&fetched.value, fetched.at.elapsed()) != Freshness::Expired;
    may_be_served.then(|| Arc::clone(&fetched.value))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
    enum Problem {
        #[error("down")]
        Down,
        #[error("gone")]
        Gone,
    }

    impl Passing for Problem {
        fn is_passing(&self) -> bool {
            *self == Self::Down
        }
    }

    struct Source {
        cache: AssetCache<&'static str, u32, Problem>,
        reads: AtomicUsize,
    }

    impl Source {
        fn new(fresh_for: Duration) -> Self {
            Self {
                cache: AssetCache::new(fresh_for),
                reads: AtomicUsize::new(0),
            }
        }

        /// Reads what takes a second to come.
        async fn get(&self, outcome: Result<u32, Problem>) -> Result<u32, Problem> {
            let read = async {
                self.reads.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                outcome
            };
            self.cache.get(&"a", read).await.map(|value| *value)
        }

        fn stale_for(&self) -> Option<u64> {
            self.cache.stale_for(&"a").map(|age| age.as_secs())
        }

        fn reads(&self) -> usize {
            self.reads.load(Ordering::Relaxed)
        }
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_read_once_while_it_is_fresh() {
        let source = Source::new(Duration::from_secs(30));
        let (a, b) = tokio::join!(source.get(Ok(1)), source.get(Ok(2)));
        assert_eq!((a, b), (Ok(1), Ok(1)));
        pass(28).await;
        assert_eq!(source.get(Ok(3)).await, Ok(1));
        pass(2).await;
        assert_eq!(source.get(Ok(3)).await, Ok(3));
        assert_eq!(source.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_share_one_attempt_even_where_nothing_is_kept() {
        let source = Source::new(Duration::ZERO);
        assert_eq!(tokio::join!(source.get(Ok(1)), source.get(Ok(2))), (Ok(1), Ok(1)));
        let gone = || source.get(Err(Problem::Gone));
        let all = tokio::join!(gone(), gone(), gone());
        assert_eq!(all, (Err(Problem::Gone), Err(Problem::Gone), Err(Problem::Gone)));
        assert_eq!(source.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_value_is_served_while_its_source_is_down_and_no_longer_than_a_day() {
        let source = Source::new(Duration::ZERO);
        assert_eq!(source.get(Err(Problem::Down)).await, Err(Problem::Down));
        source.get(Ok(1)).await.unwrap();
        assert_eq!(source.get(Err(Problem::Down)).await, Ok(1));
        assert_eq!(source.get(Ok(2)).await, Ok(1), "the source is not read again yet");
        assert_eq!(source.reads(), 3);
        pass(5).await;
        assert_eq!(source.get(Err(Problem::Down)).await, Ok(1));
        assert_eq!(
            source.stale_for(),
            Some(7),
            "it was read before the failure of a second and the pause"
        );
        pass(MAX_STALE.as_secs()).await;
        assert_eq!(source.get(Err(Problem::Down)).await, Err(Problem::Down));
        assert_eq!(source.stale_for(), None, "nothing is served");
        assert_eq!(source.get(Ok(2)).await, Ok(2));
        assert_eq!(source.stale_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_may_say_itself_how_fresh_it_is_and_is_given_to_its_reader() {
        let source = Source::new(Duration::ZERO);
        // Fresh below 10, expired from 20 on.
        let get = |read: Result<u32, Problem>| {
            let freshness = |value: &u32, _| match value {
                ..10 => Freshness::Fresh,
                10..20 => Freshness::Stale,
                _ => Freshness::Expired,
            };
            let read = move |before: Option<Arc<u32>>| async move { read.map(|step| step + before.map_or(0, |v| *v)) };
            let outcome = source.cache.get_by(&"a", freshness, read);
            async { outcome.await.map(|value| *value) }
        };
        assert_eq!(get(Ok(9)).await, Ok(9));
        assert_eq!(get(Ok(1)).await, Ok(9), "it is fresh");
        source.cache.forget(&"a");
        assert_eq!(get(Ok(15)).await, Ok(15));
        assert_eq!(get(Err(Problem::Down)).await, Ok(15));
        pass(5).await;
        assert_eq!(get(Ok(5)).await, Ok(20), "it was given the one before");
        assert_eq!(get(Err(Problem::Down)).await, Err(Problem::Down));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_problem_and_a_rejected_value_end_it() {
        let source = Source::new(Duration::ZERO);
        source.get(Ok(1)).await.unwrap();
        assert_eq!(source.get(Err(Problem::Gone)).await, Err(Problem::Gone));
        source.get(Ok(2)).await.unwrap();
        source.cache.forget(&"a");
        assert_eq!(source.get(Err(Problem::Down)).await, Err(Problem::Down));
    }
}
