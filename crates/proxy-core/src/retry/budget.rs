//! How many of the requests to a host are sent again: a service that is overloaded is not sent three times as much.
//!
//! A client that is alone has all of a host's budget. Of several each has at most half of what the others leave of it, and
//! so have the clients of each listener together: whoever makes the service fail takes no more than its part.

mod clients;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resource_limits::ClientKey;
use tokio::time::Instant;

use clients::Clients;

/// What is counted is forgotten after so many seconds.
const WINDOW: u64 = 10;

/// So many requests of each client in a window may be sent again however few there are.
const LEAST: u64 = 10;

/// For so many clients at most: beyond that it is the percentage that counts.
const MOST_WITH_LEAST: u64 = 3;

/// Hosts that are counted; those that nothing came for longest go first. With virtual addressing each bucket is one.
const MAX_HOSTS: usize = 1024;

/// Requests and retries to each host in the last ten seconds, of one connection.
#[derive(Debug)]
pub(crate) struct Budgets {
    start: Instant,
    hosts: Mutex<HashMap<String, Window>>,
}

/// What was counted in each second of the window, by the second's remainder.
#[derive(Debug, Default)]
struct Counts([Second; 10]);

/// `number` tells it from the one ten seconds before.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: u64,
    count: u64,
}

#[derive(Debug, Default)]
struct Window {
    requests: Counts,
    retries: Counts,
    clients: Clients,
    last: u64,
    /// The second in which it was last logged that the budget is used up.
    logged: Option<u64>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            hosts: Mutex::default(),
        }
    }
}

impl Budgets {
    /// A request of the client is sent to the host for the first time.
    pub(super) fn request(&self, host: &str, client: &ClientKey) {
        let now = self.now();
        let mut hosts = self.hosts();
        if let Some(window) = hosts.get_mut(host) {
            window.request(client, now);
            return;
        }
        if hosts.len() >= MAX_HOSTS
            && let Some(oldest) = hosts.iter().min_by_key(|(_, window)| window.last)
        {
            let oldest = oldest.0.clone();
            hosts.remove(&oldest);
        }
        hosts.entry(host.to_owned()).or_default().request(client, now);
    }

    /// Whether a request of the client to the host may be sent again, which then counts.
    pub(super) fn spend(&self, host: &str, client: &ClientKey, percent: u8) -> bool {
        let now = self.now();
        let mut hosts = self.hosts();
        let Some(window) = hosts.get_mut(host) else {
            return true;
        };
        let (requests, retries) = (window.requests.sum(now), window.retries.sum(now));
        let least = LEAST * window.clients.active(now).clamp(1, MOST_WITH_LEAST);
        let budget = least.max(requests.saturating_mul(u64::from(percent)) / 100);
        if retries < budget && window.clients.may_spend(client, budget, retries, now) {
            window.retries.add(now);
            window.clients.spent(client, now);
            return true;
        }
        if window.logged.is_none_or(|logged| logged.saturating_add(WINDOW) <= now) {
            window.logged = Some(now);
            tracing::warn!(
                host,
                requests,
                retries,
                is_clients_part = retries < budget,
                "too many requests to this host were sent again in the last 10 s: failures are passed on"
            );
        }
        false
    }

    fn now(&self) -> u64 {
        Instant::now().saturating_duration_since(self.start).as_secs()
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Window>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn request(&mut self, client: &ClientKey, now: u64) {
        self.last = now;
        self.requests.add(now);
        self.clients.seen(client, now);
    }
}

impl Counts {
    fn add(&mut self, now: u64) {
        let index = usize::try_from(now % WINDOW).unwrap_or_default();
        if let Some(second) = self.0.get_mut(index) {
            if second.number != now {
                *second = Second { number: now, count: 0 };
            }
            second.count += 1;
        }
    }

    fn sum(&self, now: u64) -> u64 {
        let recent = self
            .0
            .iter()
            .filter(|second| now.saturating_sub(second.number) < WINDOW);
        recent.map(|second| second.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use resource_limits::ListenerRole;

    fn client(number: u8, listener: &str) -> ClientKey {
        let listener = match listener {
            "" => ListenerRole::Shared,
            name => ListenerRole::Connection(name.parse().unwrap()),
        };
        ClientKey::new(listener, [10, 0, 0, number].into())
    }

    fn spent_by(budgets: &Budgets, client: &ClientKey) -> u64 {
        budgets.request("h", client);
        let mut count = 0;
        while budgets.spend("h", client, 10) {
            count += 1;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn ten_of_few_and_a_tenth_of_many_in_ten_seconds() {
        let (budgets, client) = (Budgets::default(), client(1, ""));
        assert_eq!(spent_by(&budgets, &client), 10);
        for _ in 0..298 {
            budgets.request("h", &client);
        }
        assert_eq!(spent_by(&budgets, &client), 20, "30 of 300");
        budgets.request("other", &client);
        assert!(budgets.spend("other", &client, 10), "each host has its own");
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(spent_by(&budgets, &client), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(spent_by(&budgets, &client), 10, "all of that is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_took_all_it_could_leaves_something_to_the_next_ones() {
        let budgets = Budgets::default();
        let clients = [1, 2, 3, 4].map(|number| client(number, ""));
        let first = spent_by(&budgets, &clients[0]);
        assert_eq!((first, spent_by(&budgets, &clients[0])), (10, 0));
        assert_eq!([1, 2, 3].map(|next| spent_by(&budgets, &clients[next])), [5, 8, 4]);
        // None comes to more by waiting for the others.
        assert_eq!(spent_by(&budgets, &clients[0]), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_requests_no_client_takes_more_than_half_and_the_total_stays() {
        let budgets = Budgets::default();
        for number in 1..=10 {
            for _ in 0..99 {
                budgets.request("h", &client(number, ""));
            }
        }
        let spent: Vec<_> = (1..=10).map(|number| spent_by(&budgets, &client(number, ""))).collect();
        assert_eq!(spent[..2], [50, 25], "of 990 requests and more");
        assert!(spent.iter().sum::<u64>() <= 100, "{spent:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_of_one_listener_leave_half_to_the_other_ones() {
        let budgets = Budgets::default();
        let other = client(1, "own");
        budgets.request("h", &other);
        let spent: u64 = (1..=200).map(|number| spent_by(&budgets, &client(number, ""))).sum();
        assert_eq!((spent, spent_by(&budgets, &other)), (15, 8));
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_beyond_the_bound_displace_the_oldest() {
        let budgets = Budgets::default();
        for number in 0..=MAX_HOSTS {
            budgets.request(&number.to_string(), &client(1, ""));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let hosts = budgets.hosts();
        assert_eq!(hosts.len(), MAX_HOSTS);
        assert!(!hosts.contains_key("0") && hosts.contains_key("1"));
    }
}
