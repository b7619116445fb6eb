//! Which client connections are served.
//!
//! `server.max_clients` places are shared as everything is that clients share, see [`resource_limits`]. Where there is none
//! for a new connection, one that is idle makes room, the longest idle first. Where none may, a few connections are
//! still served for one request, which is rejected so that the client learns why and when to try again; all beyond
//! those are closed at once. Nobody waits, so no client's connections delay another's.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use resource_limits::{ClientKey, DescriptorPermit, Grant, Pool, PoolSize};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Connections whose requests are rejected, at a time. Each lasts for a head and a response, moments for a client that
/// means well. A quarter is for clients that have few of them.
const REJECTED: PoolSize = PoolSize {
    total: 64,
    reserve_percent: 25,
};

/// How many idle connections are looked at for one that may make room. Only where the reserve is in use is it not the
/// first.
const LOOKED_AT: usize = 256;

/// How many connections a new one ends at most where there are more than `server.max_clients`, after a reload.
const MOST_ENDED: u64 = 8;

/// The places for clients of one server. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    places: Pool,
    rejected: Pool,
    idle: Arc<Mutex<IdleConnections>>,
    /// How long a connection on which nothing has come yet is not idle: its client has just connected, to send a request.
    place_kept: Duration,
}

/// The idle connections, by when they came in: that is the order in which they became idle, within each kind.
#[derive(Debug, Default)]
struct IdleConnections {
    next: u64,
    /// Those on which nothing has come yet.
    fresh: BTreeMap<u64, Offered>,
    /// Those that have had requests, or whose head is not whole although it had its time.
    rested: BTreeMap<u64, Offered>,
}

/// An idle connection's place, which another one may have.
#[derive(Debug)]
struct Offered {
    client: ClientKey,
    grant: Grant,
    since: Instant,
    evict: oneshot::Sender<()>,
}

/// Which connections are idle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum IdleKind {
    /// Nothing has come yet.
    Fresh,
    /// All requests have had their responses, but for one whose head is not whole although it had its time.
    Rested,
}

/// One connection's place; it is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    clients: Clients,
    client: ClientKey,
    state: PlaceState,
    /// Of its connection, whatever becomes of the place.
    descriptor: Option<DescriptorPermit>,
}

#[derive(Debug)]
enum PlaceState {
    Held(Grant),
    /// Another connection may have it: the number under which, and the sign that one has.
    Offered(IdleKind, u64, oneshot::Receiver<()>),
    /// Another connection has it; while this one ends in order, it counts among those that are rejected.
    Lost(#[expect(dead_code, reason = "only its drop counts")] Option<Grant>),
    /// There was none: its requests are to be rejected.
    Rejected(#[expect(dead_code, reason = "only its drop counts")] Grant),
}

impl Clients {
    pub(crate) fn new(size: PoolSize, place_kept: Duration) -> Self {
        Self {
            place_kept,
            places: Pool::new(size),
            rejected: Pool::new(REJECTED),
            idle: Arc::default(),
        }
    }

    /// From now on there are so many places. Nobody who is busy loses one: where there are too many clients, some have to
    /// leave before the next is served.
    pub(crate) fn resize(&self, size: PoolSize) {
        self.places.resize(size);
    }

    /// Whether a new connection may have any other's place as soon as that runs.
    pub(crate) fn keep_no_place(&self) -> bool {
        self.place_kept.is_zero()
    }

    /// Places that have a client.
    pub(crate) fn taken(&self) -> usize {
        usize::try_from(self.places.taken()).unwrap_or(usize::MAX)
    }

    /// A place for a new connection of this client; `None` where it is to be closed.
    pub(crate) fn admit(&self, client: ClientKey) -> Option<Place> {
        let state = match self.places.try_take(&client, 1) {
            Ok(grant) => PlaceState::Held(grant),
            Err(_) => match self.make_room(&client) {
                Some(grant) => PlaceState::Held(grant),
                None => PlaceState::Rejected(self.rejected.try_take(&client, 1).ok()?),
            },
        };
        Some(Place {
            clients: self.clone(),
            client,
            state,
            descriptor: None,
        })
    }

    /// Has the connection that has been idle for longest end, if there is one that may.
    pub(crate) fn end_idle(&self) {
        let ended = self.lock().pop(self.place_kept, |_| true);
        if let Some(ended) = ended {
            // Fails where it ends just now.
            let _ = ended.evict.send(());
        }
    }

    /// The place of an idle connection that this client may have instead.
    fn make_room(&self, client: &ClientKey) -> Option<Grant> {
        let size = self.places.size();
        // More places are taken than there are: those of idle connections beyond that are given to nobody.
        let beyond = self.places.taken().saturating_sub(size.total).min(MOST_ENDED);
        for _ in 0..beyond {
            let Some(ended) = self.lock().pop(self.place_kept, |_| true) else {
                break;
            };
            let _ = ended.evict.send(());
        }
        if self.places.taken() > size.total {
            return None;
        }
        // Outside the reserve anybody takes any idle place. In it a client takes its own, and those of clients that have
        // more than it: so whoever has taken most of all makes room for others, and not they for it.
        let is_open = self.places.taken() <= size.open();
        let own = self.places.taken_by(client);
        let offered = self.lock().pop(self.place_kept, |offered| {
            is_open || offered.client == *client || self.places.taken_by(&offered.client) > own
        })?;
        let grant = self.places.transfer(offered.grant, client);
        // Fails where the connection ends just now.
        let _ = offered.evict.send(());
        Some(grant)
    }

    /// Every change is one insertion or removal: a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IdleConnections {
    fn of(&mut self, kind: IdleKind) -> &mut BTreeMap<u64, Offered> {
        match kind {
            IdleKind::Fresh => &mut self.fresh,
            IdleKind::Rested => &mut self.rested,
        }
    }

    /// Takes out the one that has been idle for longest of those that `may` be taken.
    fn pop(&mut self, place_kept: Duration, may: impl Fn(&Offered) -> bool) -> Option<Offered> {
        let now = Instant::now();
        let mut fresh = self
            .fresh
            .iter()
            .take_while(|(_, offered)| now.saturating_duration_since(offered.since) >= place_kept)
            .peekable();
        let mut rested = self.rested.iter().peekable();
        let mut found = None;
        for _ in 0..LOOKED_AT {
            let fresh_is_first = match (fresh.peek(), rested.peek()) {
                (Some((_, fresh)), Some((_, rested))) => fresh.since <= rested.since,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let (kind, next) = if fresh_is_first {
                (IdleKind::Fresh, fresh.next())
            } else {
                (IdleKind::Rested, rested.next())
            };
            if let Some((id, _)) = next.filter(|(_, offered)| may(offered)) {
                found = Some((kind, *id));
                break;
            }
        }
        let (kind, id) = found?;
        self.of(kind).remove(&id)
    }
}

impl Place {
    /// That of a connection that is no client's.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of_nobody() -> Self {
        let client = ClientKey::new(
            resource_limits::ListenerRole::Shared,
            std::net::Ipv4Addr::LOCALHOST.into(),
        );
        let clients = Clients::new(PoolSize::NONE, Duration::ZERO);
        let state = PlaceState::Held(clients.places.nothing(&client));
        Self {
            clients,
            client,
            state,
            descriptor: None,
        }
    }

    /// The same, with what counts its connection among the open descriptors.
    pub(crate) fn with_descriptor(self, descriptor: DescriptorPermit) -> Self {
        let mut place = self;
        place.descriptor = Some(descriptor);
        place
    }

    /// Whether requests are to be rejected, because the client is beyond its share.
    pub(crate) fn is_rejected(&self) -> bool {
        matches!(self.state, PlaceState::Rejected(_))
    }

    /// The connection is idle: another one may have its place.
    pub(crate) fn offer(&mut self, kind: IdleKind) {
        if !matches!(self.state, PlaceState::Held(_)) {
            return;
        }
        let PlaceState::Held(grant) = std::mem::replace(&mut self.state, PlaceState::Lost(None)) else {
            return;
        };
        let (evict, evicted) = oneshot::channel();
        let offered = Offered {
            client: self.client.clone(),
            grant,
            since: Instant::now(),
            evict,
        };
        let mut idle = self.clients.lock();
        let id = idle.next;
        idle.next += 1;
        idle.of(kind).insert(id, offered);
        drop(idle);
        self.state = PlaceState::Offered(kind, id, evicted);
    }

    /// The connection is idle no longer. Whether it still has its place, or another one.
    pub(crate) fn take_back(&mut self) -> bool {
        if matches!(self.state, PlaceState::Held(_) | PlaceState::Rejected(_)) {
            return true;
        }
        // A request came just when its place was taken: it gets one as a new connection does, or none.
        let grant = self.withdraw().or_else(|| {
            let again = self.clients.places.try_take(&self.client, 1).ok();
            again.or_else(|| self.clients.make_room(&self.client))
        });
        if let Some(grant) = grant {
            self.state = PlaceState::Held(grant);
        }
        matches!(self.state, PlaceState::Held(_))
    }

    /// When another connection has got the place; never, while it is not offered.
    pub(crate) fn poll_evicted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            PlaceState::Offered(_, _, evicted) => match Pin::new(evicted).poll(cx) {
                Poll::Ready(_) => {
                    self.state = PlaceState::Lost(None);
                    Poll::Ready(())
                }
                Poll::Pending => Poll::Pending,
            },
            PlaceState::Lost(_) => Poll::Ready(()),
            PlaceState::Held(_) | PlaceState::Rejected(_) => Poll::Pending,
        }
    }

    /// Whether another connection has the place.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.state, PlaceState::Lost(_))
    }

    /// Whether a connection that has lost its place may take its time to end in order.
    pub(crate) fn may_end_in_order(&mut self) -> bool {
        let grant = self.clients.rejected.try_take(&self.client, 1).ok();
        let may = grant.is_some();
        self.state = PlaceState::Lost(grant);
        may
    }

    /// Takes the offer back; `None` where another connection was faster.
    fn withdraw(&mut self) -> Option<Grant> {
        let PlaceState::Offered(kind, id, _) = &self.state else {
            return None;
        };
        let offered = self.clients.lock().of(*kind).remove(id);
        self.state = PlaceState::Lost(None);
        offered.map(|offered| offered.grant)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.withdraw());
    }
}

#[cfg(test)]
mod tests;
