//! How many requests of one HTTP/2 connection are served at once, and what becomes of those beyond.
//!
//! Our SETTINGS say [`AT_ONCE`], but a client may send any number of requests before it has read them (RFC 9113, section
//! 6.5.2), and SDKs that are given a hundred at once do. To reset what is beyond would lose requests, since not every SDK
//! sends one again for that. So h2 takes [`ACCEPTED`]; what is beyond its connection's share waits, within the budgets for
//! heads and bodies, and takes nothing else that clients share until it has a slot.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use resource_limits::Exhausted;

/// Requests at once on one connection. Each holds memory and may hold an upstream permit, of which a client has
/// most of 1,024 at a connection of the proxy: with 32 it takes 32 sockets to hold those, and not 11. SDKs open a further
/// connection where they need more, at the price of one of `server.max_clients`.
pub(super) const AT_ONCE: u32 = 32;

/// Streams that h2 takes at once on one connection, of clients that have not read our SETTINGS or do not heed them.
pub(super) const ACCEPTED: u32 = 160;

/// How long a request waits for those of its own connection: so that the longest burst gets through where each takes some
/// 10 s, as those to models do.
const WAIT: Duration = Duration::from_mins(1);

/// The slots of one connection. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct StreamSlots(Arc<Semaphore>);

impl StreamSlots {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE as usize)))
    }

    /// For the next request, which does not have a slot yet.
    pub(super) fn next(&self) -> StreamSlot {
        StreamSlot {
            connection: Arc::clone(&self.0),
            permit: Arc::default(),
        }
    }
}

/// One request's slot, among its extensions on HTTP/2. Clones share it; it lasts as long as they do.
#[derive(Clone, Debug)]
pub struct StreamSlot {
    connection: Arc<Semaphore>,
    permit: Arc<OnceLock<OwnedSemaphorePermit>>,
}

impl StreamSlot {
    /// Waits for a slot, behind the requests of its connection that have waited for longer. To be called
    /// when nothing more is to be waited for from the client, and before anything is that all clients share.
    ///
    /// # Errors
    ///
    /// [`Exhausted::OverShare`] where that was not within a minute.
    pub async fn acquire(&self) -> Result<(), Exhausted> {
        if self.permit.get().is_some() {
            return Ok(());
        }
        match timeout(WAIT, Arc::clone(&self.connection).acquire_owned()).await {
            Ok(Ok(permit)) => {
                // One request waits once: nobody else has set it.
                let _ = self.permit.set(permit);
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Err(Exhausted::OverShare),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slot_lasts_as_long_as_its_request_and_waits_for_a_minute() {
        let slots = StreamSlots::new();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            let slot = slots.next();
            slot.acquire().await.unwrap();
            slot.acquire().await.unwrap();
            held.push(slot);
        }
        let (next, began) = (slots.next(), Instant::now());
        assert_eq!(next.acquire().await, Err(Exhausted::OverShare));
        assert_eq!(began.elapsed(), WAIT);
        let clone = held.pop();
        let other = clone.clone();
        drop(clone);
        assert!(next.acquire().await.is_err(), "half of a request is gone");
        drop(other);
        assert_eq!(next.acquire().await, Ok(()));
    }
}
