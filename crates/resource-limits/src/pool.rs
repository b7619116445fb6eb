//! A pool of units that clients take shares of, and wait for.

mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use self::state::PoolState;
use super::client::ClientKey;
use super::exhausted::Exhausted;
use super::pool_size::PoolSize;

/// Units that all clients share. Clones share them too.
///
/// Every call holds one lock for a few map operations, and for a look at each client that waits where some do.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Mutex<PoolState<oneshot::Sender<Grant>>>>);

/// Units that a client has; dropped, they are given back.
#[derive(Debug)]
#[must_use = "dropped, the units are given back"]
pub struct Grant {
    pool: Pool,
    client: ClientKey,
    units: u64,
}

/// A request in the queue, left when it is dropped.
struct QueueEntry<'a> {
    pool: &'a Pool,
    client: &'a ClientKey,
    id: u64,
    granted: oneshot::Receiver<Grant>,
}

impl Pool {
    /// A pool of this size, of which nothing is taken.
    #[must_use]
    pub fn new(size: PoolSize) -> Self {
        Self(Arc::new(Mutex::new(PoolState::new(size))))
    }

    /// From now on it has another size. Nobody loses anything: where more is taken than there is, some has to come back
    /// before more is given out.
    pub fn resize(&self, size: PoolSize) {
        self.lock().resize(size);
        self.serve_waiting();
    }

    /// Its present size.
    #[must_use]
    pub fn size(&self) -> PoolSize {
        self.lock().size()
    }

    /// Units that clients have.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.lock().taken()
    }

    /// Units that this client has.
    #[must_use]
    pub fn taken_by(&self, client: &ClientKey) -> u64 {
        self.lock().taken_by(client)
    }

    /// Moves units from the client that has them to another one, whatever either's share is: who may have them is the
    /// caller's rule.
    pub fn transfer(&self, mut grant: Grant, client: &ClientKey) -> Grant {
        let units = std::mem::take(&mut grant.units);
        let mut state = self.lock();
        state.give_back(&grant.client, units);
        state.put(client, units);
        drop(state);
        self.grant(client.clone(), units)
    }

    /// How often a client got nothing for this reason.
    #[must_use]
    pub fn rejections(&self, why: Exhausted) -> u64 {
        self.lock().rejections(why)
    }

    /// Takes units, if the client may have them at once.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] where all is taken, or what is left is for others.
    pub fn try_take(&self, client: &ClientKey, units: u64) -> Result<Grant, Exhausted> {
        self.take(client, units)?;
        Ok(self.grant(client.clone(), units))
    }

    /// No units, to grow from.
    pub fn nothing(&self, client: &ClientKey) -> Grant {
        self.grant(client.clone(), 0)
    }

    /// Takes units as soon as the client may have them. A client's requests get them in the order in which they came,
    /// but no client's requests wait for those of another one that has more than it.
    ///
    /// Cancel-safe: a request that is dropped leaves the queue, and gives back what it was just given.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] where that was not before `deadline`; at once where it never could be.
    pub async fn acquire(&self, client: &ClientKey, units: u64, deadline: Instant) -> Result<Grant, Exhausted> {
        let mut entry = {
            let mut state = self.lock();
            // What those who wait could have, they have been given already: taking units now overtakes nobody.
            if state.take(client, units).is_ok() {
                drop(state);
                return Ok(self.grant(client.clone(), units));
            }
            // The reserve is for those below a share, which is no more than half of all and so no more than this.
            if units > state.size().open() {
                return Err(state.reject(Exhausted::Full));
            }
            let (sender, granted) = oneshot::channel();
            let id = state.wait(client, units, sender);
            QueueEntry {
                pool: self,
                client,
                id,
                granted,
            }
        };
        if let Ok(Ok(grant)) = timeout_at(deadline, &mut entry.granted).await {
            return Ok(grant);
        }
        let mut state = self.lock();
        let why = state.admits(client, units).err().unwrap_or(Exhausted::Full);
        Err(state.reject(why))
    }

    fn take(&self, client: &ClientKey, units: u64) -> Result<(), Exhausted> {
        let mut state = self.lock();
        state.take(client, units).map_err(|why| state.reject(why))
    }

    fn grant(&self, client: ClientKey, units: u64) -> Grant {
        Grant {
            pool: self.clone(),
            client,
            units,
        }
    }

    fn give_back(&self, client: &ClientKey, units: u64) {
        if units > 0 {
            self.lock().give_back(client, units);
            self.serve_waiting();
        }
    }

    /// Gives those who wait what there is for them. The lock is never held while a grant is sent or dropped: dropping it
    /// takes the lock.
    fn serve_waiting(&self) {
        loop {
            let next = self.lock().next();
            let Some((client, units, sender)) = next else { return };
            if let Err(mut unwanted) = sender.send(self.grant(client, units)) {
                // It left just now. Given back here, not by its drop, which would come back to this function.
                let units = std::mem::take(&mut unwanted.units);
                self.lock().give_back(&unwanted.client, units);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, PoolState<oneshot::Sender<Grant>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries its maps have.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.lock().entries()
    }
}

impl Grant {
    /// How many units it has.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.units
    }

    /// Takes more.
    ///
    /// # Errors
    ///
    /// [`Exhausted`], with nothing taken, as [`Pool::try_take`].
    pub fn grow(&mut self, units: u64) -> Result<(), Exhausted> {
        self.pool.take(&self.client, units)?;
        self.units = self.units.saturating_add(units);
        Ok(())
    }

    /// Whether it could never grow by so many units, whoever gives some back: the reserve is for others.
    #[must_use]
    pub fn never_grows(&self, units: u64) -> bool {
        self.units.saturating_add(units) > self.pool.lock().size().open()
    }

    /// Gives some back, all at most.
    pub fn shrink(&mut self, units: u64) {
        let units = units.min(self.units);
        self.units -= units;
        self.pool.give_back(&self.client, units);
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.pool.give_back(&self.client, self.units);
    }
}

impl Drop for QueueEntry<'_> {
    fn drop(&mut self) {
        self.pool.lock().leave(self.client, self.id);
        // A request behind it may want less.
        self.pool.serve_waiting();
    }
}
