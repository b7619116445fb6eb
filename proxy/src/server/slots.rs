//! How many clients are served at once: a number that may change while they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for clients. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    count: Arc<Mutex<Count>>,
}

#[derive(Debug)]
struct Count {
    /// Places that there are to be.
    all: usize,
    /// Places that have a client.
    taken: usize,
    /// Places beyond `all` that still have a client; they go when it does.
    surplus: usize,
}

/// A client's place; dropped, it is the next one's.
#[derive(Debug)]
pub(crate) struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    count: Arc<Mutex<Count>>,
}

impl Slots {
    /// So many places, one at least.
    pub(crate) fn new(all: usize) -> Self {
        let all = bounded(all);
        let count = Count {
            all,
            taken: 0,
            surplus: 0,
        };
        Self {
            free: Arc::new(Semaphore::new(all)),
            count: Arc::new(Mutex::new(count)),
        }
    }

    /// A place, where one is free.
    pub(crate) fn try_take(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(self.taken_by(permit))
    }

    /// A place, as soon as one is free.
    pub(crate) async fn take(&self) -> Option<Slot> {
        // The semaphore is never closed; were it, there would be nothing left to serve.
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(self.taken_by(permit))
    }

    fn taken_by(&self, permit: OwnedSemaphorePermit) -> Slot {
        lock(&self.count).taken += 1;
        Slot {
            permit: Some(permit),
            count: Arc::clone(&self.count),
        }
    }

    /// From now on there are so many places. Nobody loses one: where there are too many clients, some have to leave
    /// before the next is served.
    pub(crate) fn resize(&self, all: usize) {
        let all = bounded(all);
        let mut count = lock(&self.count);
        if let Some(more) = all.checked_sub(count.all) {
            let kept = count.surplus.min(more);
            count.surplus -= kept;
            self.free.add_permits(more - kept);
        } else {
            let fewer = count.all - all;
            count.surplus += fewer - self.free.forget_permits(fewer);
        }
        count.all = all;
    }

    /// Places that have a client.
    pub(crate) fn taken(&self) -> usize {
        lock(&self.count).taken
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut count = lock(&self.count);
        count.taken -= 1;
        if count.surplus > 0 {
            count.surplus -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

fn bounded(all: usize) -> usize {
    all.clamp(1, Semaphore::MAX_PERMITS)
}

/// Every change is a plain assignment: a panic leaves nothing half done.
fn lock(count: &Mutex<Count>) -> MutexGuard<'_, Count> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(slots: &Slots) -> Vec<Slot> {
        std::iter::from_fn(|| slots.try_take()).collect()
    }

    #[test]
    fn more_places_are_free_at_once() {
        let slots = Slots::new(1);
        let first = take_all(&slots);
        slots.resize(3);
        let more = take_all(&slots);
        assert_eq!((first.len(), more.len(), slots.taken()), (1, 2, 3));
    }

    #[test]
    fn of_too_many_clients_some_leave_before_the_next_is_served() {
        let slots = Slots::new(3);
        let mut taken = take_all(&slots);
        slots.resize(1);
        assert_eq!((taken.len(), slots.taken()), (3, 3));
        for _ in 0..2 {
            taken.pop();
            assert!(slots.try_take().is_none());
        }
        taken.pop();
        assert_eq!(take_all(&slots).len(), 1);
        assert_eq!(slots.taken(), 0);
    }

    #[test]
    fn there_and_back_changes_nothing() {
        let slots = Slots::new(4);
        let taken: Vec<_> = take_all(&slots).into_iter().take(3).collect();
        slots.resize(1);
        slots.resize(4);
        assert_eq!(take_all(&slots).len(), 1);
        drop(taken);
        assert_eq!(take_all(&slots).len(), 4);
    }
}
