//! What was read and is used again: one flight for each thing, the last good value while its source is down.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a value outlives its source: a night and a day in which nobody has to repair anything.
pub(crate) const KEEP: Duration = Duration::from_hours(24);

/// How long a source that failed is left alone while its last good value serves.
const REST: Duration = Duration::from_secs(5);

/// Whether a failure may pass by itself: only then the last good value serves on.
pub(crate) trait Passing {
    fn is_passing(&self) -> bool;
}

/// What a value is worth now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Worth {
    /// It is used without asking.
    Fresh,
    /// It is read anew, and serves on while that fails.
    LastGood,
    /// It must not be used any more.
    Nothing,
}

/// Values by what they were read from.
#[derive(Debug)]
pub(crate) struct Shelf<K, V, E> {
    fresh_for: Duration,
    places: Mutex<HashMap<K, Arc<Place<V, E>>>>,
}

#[derive(Debug)]
struct Place<V, E> {
    /// Stays locked while the value is read.
    slot: tokio::sync::Mutex<Slot<V, E>>,
    /// When the value that serves on was read, while its source fails. Apart from the slot, so that whoever watches
    /// never waits.
    stale_since: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Slot<V, E> {
    held: Option<(Arc<V>, Instant)>,
    setback: Option<(E, Instant)>,
}

impl<K, V, E> Shelf<K, V, E>
where
    K: Clone + Display + Eq + Hash,
    E: Clone + Error + Passing + 'static,
{
    /// Values are read anew when they are older than this.
    pub(crate) fn new(fresh_for: Duration) -> Self {
        Self {
            fresh_for,
            places: Mutex::default(),
        }
    }

    /// The value, read where it is not fresh. Whoever asks meanwhile waits and gets the same outcome.
    pub(crate) async fn get(&self, key: &K, read: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        let by_age = |_: &V, age| {
            if age < self.fresh_for {
                Worth::Fresh
            } else if age < KEEP {
                Worth::LastGood
            } else {
                Worth::Nothing
            }
        };
        self.get_judged(key, by_age, |_| read).await
    }

    /// The same for values that say themselves, or by their age, what they are worth; `read` is given the one before.
    pub(crate) async fn get_judged<F>(
        &self,
        key: &K,
        judge: impl Fn(&V, Duration) -> Worth,
        read: impl FnOnce(Option<Arc<V>>) -> F,
    ) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let asked_at = Instant::now();
        let place = self.place(key);
        let mut slot = place.slot.lock().await;
        if let Some(outcome) = slot.outcome(asked_at, &judge) {
            return outcome;
        }
        let before = slot.held.as_ref().map(|(value, _)| Arc::clone(value));
        match read(before).await {
            Ok(value) => {
                let value = Arc::new(value);
                slot.held = Some((Arc::clone(&value), Instant::now()));
                slot.setback = None;
                place.is_stale_since(None);
                Ok(value)
            }
            Err(problem) => {
                slot.setback = Some((problem.clone(), Instant::now()));
                let kept = slot.kept(&problem, &judge);
                let read_at = slot.held.as_ref().map(|(_, read_at)| *read_at);
                place.is_stale_since(read_at.filter(|_| kept.is_some()));
                if kept.is_some() {
                    tracing::warn!(
                        asset = %key,
                        error = &problem as &dyn Error,
                        last_confirmed_s = read_at.map(|read_at| read_at.elapsed().as_secs()),
                        "a credential asset cannot be read: its last value serves on"
                    );
                }
                kept.ok_or(problem)
            }
        }
    }

    /// Has the value read anew at the next call, and not kept until then.
    pub(crate) fn forget(&self, key: &K) {
        self.places().remove(key);
    }

    /// The value as it was last read; `None` too while it is being read.
    pub(crate) fn peek(&self, key: &K) -> Option<Arc<V>> {
        let place = Arc::clone(self.places().get(key)?);
        let slot = place.slot.try_lock().ok()?;
        slot.held.as_ref().map(|(value, _)| Arc::clone(value))
    }

    /// How long ago the value was confirmed, where its source has failed since and it serves on.
    pub(crate) fn stale_for(&self, key: &K) -> Option<Duration> {
        let place = Arc::clone(self.places().get(key)?);
        let since = *place.stale_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed())
    }

    fn place(&self, key: &K) -> Arc<Place<V, E>> {
        let empty = || {
            Arc::new(Place {
                slot: tokio::sync::Mutex::new(Slot {
                    held: None,
                    setback: None,
                }),
                stale_since: Mutex::default(),
            })
        };
        Arc::clone(self.places().entry(key.clone()).or_insert_with(empty))
    }

    fn places(&self) -> MutexGuard<'_, HashMap<K, Arc<Place<V, E>>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V, E> Place<V, E> {
    fn is_stale_since(&self, since: Option<Instant>) {
        *self.stale_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

impl<V, E: Clone + Passing> Slot<V, E> {
    /// What the last flight brought, where no other one is due for who asked at that instant.
    fn outcome(&self, asked_at: Instant, judge: &impl Fn(&V, Duration) -> Worth) -> Option<Result<Arc<V>, E>> {
        let failed_at = self.setback.as_ref().map(|(_, at)| *at);
        if let Some((value, read_at)) = &self.held
            && failed_at.is_none()
            && (judge(value, read_at.elapsed()) == Worth::Fresh || *read_at > asked_at)
        {
            return Some(Ok(Arc::clone(value)));
        }
        let (problem, failed_at) = self.setback.as_ref()?;
        let kept = self.kept(problem, judge);
        let has_waited = *failed_at > asked_at;
        let is_resting = kept.is_some() && failed_at.elapsed() < REST;
        (has_waited || is_resting).then(|| kept.ok_or_else(|| problem.clone()))
    }

    /// The last good value, where it may serve on after this problem.
    fn kept(&self, problem: &E, judge: &impl Fn(&V, Duration) -> Worth) -> Option<Arc<V>> {
        let (value, read_at) = self.held.as_ref()?;
        let is_good = problem.is_passing() && judge(value, read_at.elapsed()) != Worth::Nothing;
        is_good.then(|| Arc::clone(value))
    }
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

    struct Room {
        shelf: Shelf<&'static str, u32, Problem>,
        reads: AtomicUsize,
    }

    impl Room {
        fn new(fresh_for: Duration) -> Self {
            Self {
                shelf: Shelf::new(fresh_for),
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
            self.shelf.get(&"a", read).await.map(|value| *value)
        }

        fn stale_for(&self) -> Option<u64> {
            self.shelf.stale_for(&"a").map(|age| age.as_secs())
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
        let room = Room::new(Duration::from_secs(30));
        let (a, b) = tokio::join!(room.get(Ok(1)), room.get(Ok(2)));
        assert_eq!((a, b), (Ok(1), Ok(1)));
        pass(28).await;
        assert_eq!(room.get(Ok(3)).await, Ok(1));
        pass(2).await;
        assert_eq!(room.get(Ok(3)).await, Ok(3));
        assert_eq!(room.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_shares_one_flight_even_where_nothing_is_kept() {
        let room = Room::new(Duration::ZERO);
        assert_eq!(tokio::join!(room.get(Ok(1)), room.get(Ok(2))), (Ok(1), Ok(1)));
        let gone = || room.get(Err(Problem::Gone));
        let all = tokio::join!(gone(), gone(), gone());
        assert_eq!(all, (Err(Problem::Gone), Err(Problem::Gone), Err(Problem::Gone)));
        assert_eq!(room.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_value_serves_while_its_source_is_down_and_no_longer_than_a_day() {
        let room = Room::new(Duration::ZERO);
        assert_eq!(room.get(Err(Problem::Down)).await, Err(Problem::Down));
        room.get(Ok(1)).await.unwrap();
        assert_eq!(room.get(Err(Problem::Down)).await, Ok(1));
        assert_eq!(room.get(Ok(2)).await, Ok(1), "the source rests");
        assert_eq!(room.reads(), 3);
        pass(5).await;
        assert_eq!(room.get(Err(Problem::Down)).await, Ok(1));
        assert_eq!(
            room.stale_for(),
            Some(7),
            "it was read before the failure of a second and the pause"
        );
        pass(KEEP.as_secs()).await;
        assert_eq!(room.get(Err(Problem::Down)).await, Err(Problem::Down));
        assert_eq!(room.stale_for(), None, "nothing serves");
        assert_eq!(room.get(Ok(2)).await, Ok(2));
        assert_eq!(room.stale_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_may_say_itself_what_it_is_worth_and_is_given_to_its_reader() {
        let room = Room::new(Duration::ZERO);
        // Fresh below 10, nothing from 20 on.
        let get = |read: Result<u32, Problem>| {
            let judge = |value: &u32, _| match value {
                ..10 => Worth::Fresh,
                10..20 => Worth::LastGood,
                _ => Worth::Nothing,
            };
            let read = move |before: Option<Arc<u32>>| async move { read.map(|step| step + before.map_or(0, |v| *v)) };
            let outcome = room.shelf.get_judged(&"a", judge, read);
            async { outcome.await.map(|value| *value) }
        };
        assert_eq!(get(Ok(9)).await, Ok(9));
        assert_eq!(get(Ok(1)).await, Ok(9), "it is fresh");
        room.shelf.forget(&"a");
        assert_eq!(get(Ok(15)).await, Ok(15));
        assert_eq!(get(Err(Problem::Down)).await, Ok(15));
        pass(5).await;
        assert_eq!(get(Ok(5)).await, Ok(20), "it was given the one before");
        assert_eq!(get(Err(Problem::Down)).await, Err(Problem::Down));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_problem_and_a_refused_value_end_it() {
        let room = Room::new(Duration::ZERO);
        room.get(Ok(1)).await.unwrap();
        assert_eq!(room.get(Err(Problem::Gone)).await, Err(Problem::Gone));
        room.get(Ok(2)).await.unwrap();
        room.shelf.forget(&"a");
        assert_eq!(room.get(Err(Problem::Down)).await, Err(Problem::Down));
    }
}
