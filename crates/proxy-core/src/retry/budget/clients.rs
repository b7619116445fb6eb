//! What each client has taken of a host's budget.

use resource_limits::ClientKey;

use super::{Counts, WINDOW};

/// Clients that are counted for each host. Of more the one that was silent longest goes, rather one without retries;
/// what it has taken counts as taken by others from then on.
const MAX_CLIENTS: usize = 32;

/// The clients of a host in the last ten seconds.
#[derive(Debug, Default)]
pub(super) struct Clients(Vec<Client>);

#[derive(Debug)]
struct Client {
    key: ClientKey,
    /// The second of its last request.
    last: u64,
    /// Most clients have none.
    retries: Option<Box<Counts>>,
}

impl Client {
    fn retries(&self, now: u64) -> u64 {
        self.retries.as_ref().map_or(0, |retries| retries.sum(now))
    }

    fn is_active(&self, now: u64) -> bool {
        now.saturating_sub(self.last) < WINDOW
    }
}

impl Clients {
    /// It sends a request.
    pub(super) fn seen(&mut self, key: &ClientKey, now: u64) {
        self.entry(key, now).last = now;
    }

    /// One of its requests is sent again.
    pub(super) fn spent(&mut self, key: &ClientKey, now: u64) {
        self.entry(key, now).retries.get_or_insert_default().add(now);
    }

    /// How many have sent something.
    pub(super) fn active(&self, now: u64) -> u64 {
        let count = self.0.iter().filter(|client| client.is_active(now)).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Whether the client, and those of its listener, are below their part of the `budget`, of which `all` is taken.
    pub(super) fn may_spend(&self, key: &ClientKey, budget: u64, all: u64, now: u64) -> bool {
        let is_below = |is_own: &dyn Fn(&Client) -> bool| {
            let own: u64 = self
                .0
                .iter()
                .filter(|client| is_own(client))
                .map(|client| client.retries(now))
                .sum();
            let left = budget.saturating_sub(all.saturating_sub(own));
            let is_alone = self.0.iter().all(|client| is_own(client) || !client.is_active(now));
            own < if is_alone { left } else { left.div_ceil(2) }
        };
        is_below(&|client| client.key == *key) && is_below(&|client| client.key.listener() == key.listener())
    }

    fn entry(&mut self, key: &ClientKey, now: u64) -> &mut Client {
        let index = self.0.iter().position(|client| client.key == *key).unwrap_or_else(|| {
            if self.0.len() >= MAX_CLIENTS {
                self.displace_for(key, now);
            }
            self.0.push(Client {
                key: key.clone(),
                last: now,
                retries: None,
            });
            self.0.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found there, or has just been added")]
        &mut self.0[index]
    }

    /// Many clients of one listener displace one another and never all of another one's.
    fn displace_for(&mut self, key: &ClientKey, now: u64) {
        let is_own = |client: &Client| client.key.listener() == key.listener();
        let takes_own = self.0.iter().filter(|client| is_own(client)).count() * 2 >= MAX_CLIENTS;
        let clients = self.0.iter().enumerate();
        let candidates = clients.filter(|(_, client)| is_own(client) == takes_own);
        let oldest = candidates.min_by_key(|(_, client)| (client.retries(now) > 0, client.last));
        if let Some((oldest, _)) = oldest {
            self.0.swap_remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resource_limits::ListenerRole;

    fn client(number: u8) -> ClientKey {
        ClientKey::new(ListenerRole::Shared, [10, 0, 0, number].into())
    }

    #[test]
    fn clients_beyond_the_bound_displace_those_that_have_taken_nothing() {
        let mut clients = Clients::default();
        clients.spent(&client(0), 100);
        for number in 1..=200 {
            clients.seen(&client(number), 101);
        }
        assert_eq!((clients.0.len(), clients.active(101)), (MAX_CLIENTS, 32));
        // One of several: half of 10, of which it has taken 1.
        for _ in 1..5 {
            assert!(clients.may_spend(&client(0), 10, 1, 101));
            clients.spent(&client(0), 101);
        }
        assert!(!clients.may_spend(&client(0), 10, 5, 101));
        assert!(clients.may_spend(&client(200), 10, 5, 101));
    }
}
