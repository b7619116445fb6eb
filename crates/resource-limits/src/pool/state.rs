//! Who has how much of a pool, who waits, and the rule by which more is given out.

use std::collections::{BTreeMap, HashMap};

use crate::client::ClientKey;
use crate::exhausted::Exhausted;
use crate::listener::ListenerRole;
use crate::pool_size::PoolSize;

/// The state of a pool. Whoever has nothing is in none of its maps, so they are no longer than the pool has units and waiting
/// requests.
#[derive(Debug)]
pub(super) struct PoolState<W> {
    size: PoolSize,
    taken: u64,
    clients: HashMap<ClientKey, u64>,
    listeners: HashMap<ListenerRole, ListenerUsage>,
    queues: HashMap<ClientKey, BTreeMap<u64, QueuedRequest<W>>>,
    next_id: u64,
    rejections: RejectionCounts,
}

/// How often a client got nothing.
#[derive(Clone, Copy, Debug, Default)]
struct RejectionCounts {
    over_share: u64,
    full: u64,
}

#[derive(Debug, Default)]
struct ListenerUsage {
    units: u64,
    clients: u64,
}

/// A request that waits for units.
#[derive(Debug)]
struct QueuedRequest<W> {
    units: u64,
    waker: W,
}

impl<W> PoolState<W> {
    pub(super) fn new(size: PoolSize) -> Self {
        Self {
            size,
            taken: 0,
            clients: HashMap::new(),
            listeners: HashMap::new(),
            queues: HashMap::new(),
            next_id: 0,
            rejections: RejectionCounts::default(),
        }
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn size(&self) -> PoolSize {
        self.size
    }

    pub(super) fn resize(&mut self, size: PoolSize) {
        self.size = size;
    }

    /// How often a client got nothing for this reason.
    pub(super) fn rejections(&self, why: Exhausted) -> u64 {
        match why {
            Exhausted::OverShare => self.rejections.over_share,
            Exhausted::Full => self.rejections.full,
        }
    }

    /// Counts a client that got nothing.
    pub(super) fn reject(&mut self, why: Exhausted) -> Exhausted {
        match why {
            Exhausted::OverShare => self.rejections.over_share += 1,
            Exhausted::Full => self.rejections.full += 1,
        }
        why
    }

    /// How many clients have anything, or wait for it.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.clients.len() + self.listeners.len() + self.queues.len()
    }

    /// Takes units for a client, where the rule allows it.
    pub(super) fn take(&mut self, client: &ClientKey, units: u64) -> Result<(), Exhausted> {
        self.admits(client, units)?;
        self.put(client, units);
        Ok(())
    }

    /// Units that a client has.
    pub(super) fn taken_by(&self, client: &ClientKey) -> u64 {
        self.clients.get(client).copied().unwrap_or(0)
    }

    /// Notes that a client has units more.
    pub(super) fn put(&mut self, client: &ClientKey, units: u64) {
        if units == 0 {
            return;
        }
        self.taken = self.taken.saturating_add(units);
        let listener = if let Some(listener) = self.listeners.get_mut(client.listener()) {
            listener
        } else {
            self.listeners.entry(client.listener().clone()).or_default()
        };
        listener.units = listener.units.saturating_add(units);
        if let Some(taken) = self.clients.get_mut(client) {
            *taken = taken.saturating_add(units);
        } else {
            listener.clients += 1;
            self.clients.insert(client.clone(), units);
        }
    }

    /// Gives units back that the client has.
    pub(super) fn give_back(&mut self, client: &ClientKey, units: u64) {
        let Some(taken) = self.clients.get_mut(client) else {
            return;
        };
        *taken = taken.saturating_sub(units);
        let is_last = *taken == 0;
        if is_last {
            self.clients.remove(client);
        }
        self.taken = self.taken.saturating_sub(units);
        if let Some(listener) = self.listeners.get_mut(client.listener()) {
            listener.units = listener.units.saturating_sub(units);
            listener.clients = listener.clients.saturating_sub(u64::from(is_last));
            if listener.units == 0 {
                self.listeners.remove(client.listener());
            }
        }
    }

    /// Whether a client may have so many units more.
    pub(super) fn admits(&self, client: &ClientKey, units: u64) -> Result<(), Exhausted> {
        let all = self.taken.saturating_add(units);
        if units == 0 || all <= self.size.open() {
            return Ok(());
        }
        let total = self.size.total;
        let own = self.clients.get(client).copied().unwrap_or(0);
        let own_after = own.saturating_add(units);
        let newcomer = u64::from(own == 0);
        // Two at least: the reserve is there for the client that has not come yet.
        let clients = count(self.clients.len()).saturating_add(newcomer).max(2);
        let is_small = own_after <= total / clients;
        if all > total {
            // A client that is alone takes nothing from others.
            let is_alone = own == self.taken;
            return Err(if is_small || is_alone {
                Exhausted::Full
            } else {
                Exhausted::OverShare
            });
        }
        if is_small && all <= self.size.open_to_small_clients() {
            return Ok(());
        }
        let none = ListenerUsage::default();
        let listener = self.listeners.get(client.listener()).unwrap_or(&none);
        let listeners = count(self.listeners.len())
            .saturating_add(u64::from(listener.units == 0))
            .max(2);
        let listener_share = total / listeners;
        let is_listener_small = listener.units.saturating_add(units) <= listener_share;
        // Among the clients of its listener only: however many there are on others, they do not make its share smaller.
        let share = listener_share / listener.clients.saturating_add(newcomer).max(1);
        if is_listener_small && own_after <= share {
            Ok(())
        } else {
            Err(Exhausted::OverShare)
        }
    }

    /// Lets a request wait; its number is for [`PoolState::leave`].
    pub(super) fn wait(&mut self, client: &ClientKey, units: u64, waker: W) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let queue = self.queues.entry(client.clone()).or_default();
        queue.insert(id, QueuedRequest { units, waker });
        id
    }

    /// A request does not wait any longer.
    pub(super) fn leave(&mut self, client: &ClientKey, id: u64) {
        if let Some(queue) = self.queues.get_mut(client) {
            queue.remove(&id);
            if queue.is_empty() {
                self.queues.remove(client);
            }
        }
    }

    /// Takes units for the waiting request whose turn it is: the longest waiting one of the client that has the least, on
    /// the listener that has the least. So no client's queue delays another client.
    pub(super) fn next(&mut self) -> Option<(ClientKey, u64, W)> {
        let (client, id, units) = self
            .queues
            .iter()
            .filter_map(|(client, queue)| {
                let (id, first) = queue.first_key_value()?;
                self.admits(client, first.units).ok()?;
                let listener = self
                    .listeners
                    .get(client.listener())
                    .map_or(0, |listener| listener.units);
                let own = self.clients.get(client).copied().unwrap_or(0);
                Some(((listener, own, *id), client, first.units))
            })
            .min_by_key(|(order, ..)| *order)
            .map(|((.., id), client, units)| (client.clone(), id, units))?;
        self.take(&client, units).ok()?;
        let waiting = self.queues.get_mut(&client)?.remove(&id)?;
        self.leave(&client, id);
        Some((client, units, waiting.waker))
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
