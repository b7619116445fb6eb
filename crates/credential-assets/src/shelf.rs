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

/// Values by what they were read from.
#[derive(Debug)]
pub(crate) struct Shelf<K, V, E> {
    fresh_for: Duration,
    slots: Mutex<Slots<K, V, E>>,
}

/// A slot stays locked while its value is read.
type Slots<K, V, E> = HashMap<K, Arc<tokio::sync::Mutex<Slot<V, E>>>>;

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
            slots: Mutex::default(),
        }
    }

    /// The value, read where it is not fresh. Whoever asks meanwhile waits and gets the same outcome.
    pub(crate) async fn get(&self, key: &K, read: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        let asked_at = Instant::now();
        let slot = self.slot(key);
        let mut slot = slot.lock().await;
        if let Some(outcome) = slot.outcome(asked_at, self.fresh_for) {
            return outcome;
        }
        match read.await {
            Ok(value) => {
                let value = Arc::new(value);
                slot.held = Some((Arc::clone(&value), Instant::now()));
                slot.setback = None;
                Ok(value)
            }
            Err(problem) => {
                slot.setback = Some((problem.clone(), Instant::now()));
                let kept = slot.kept(&problem);
                if kept.is_some() {
                    tracing::warn!(
                        asset = %key,
                        error = &problem as &dyn Error,
                        "a credential asset cannot be read: its last value serves on"
                    );
                }
                kept.ok_or(problem)
            }
        }
    }

    /// Has the value read anew at the next call, and not kept until then.
    pub(crate) fn forget(&self, key: &K) {
        self.slots().remove(key);
    }

    fn slot(&self, key: &K) -> Arc<tokio::sync::Mutex<Slot<V, E>>> {
        let empty = || {
            Arc::new(tokio::sync::Mutex::new(Slot {
                held: None,
                setback: None,
            }))
        };
        Arc::clone(self.slots().entry(key.clone()).or_insert_with(empty))
    }

    fn slots(&self) -> MutexGuard<'_, Slots<K, V, E>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V, E: Clone + Passing> Slot<V, E> {
    /// What the last flight brought, where no other one is due for who asked at that instant.
    fn outcome(&self, asked_at: Instant, fresh_for: Duration) -> Option<Result<Arc<V>, E>> {
        let failed_at = self.setback.as_ref().map(|(_, at)| *at);
        if let Some((value, read_at)) = &self.held
            && failed_at.is_none()
            && (read_at.elapsed() < fresh_for || *read_at > asked_at)
        {
            return Some(Ok(Arc::clone(value)));
        }
        let (problem, failed_at) = self.setback.as_ref()?;
        let kept = self.kept(problem);
        let has_waited = *failed_at > asked_at;
        let is_resting = kept.is_some() && failed_at.elapsed() < REST;
        (has_waited || is_resting).then(|| kept.ok_or_else(|| problem.clone()))
    }

    /// The last good value, where it may serve on after this problem.
    fn kept(&self, problem: &E) -> Option<Arc<V>> {
        let (value, read_at) = self.held.as_ref()?;
        (problem.is_passing() && read_at.elapsed() < KEEP).then(|| Arc::clone(value))
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
        pass(KEEP.as_secs()).await;
        assert_eq!(room.get(Err(Problem::Down)).await, Err(Problem::Down));
        assert_eq!(room.get(Ok(2)).await, Ok(2));
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
