//! How many of the requests to a host are sent again: a service that is overloaded is not sent three times as much.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is counted is forgotten after so many seconds.
const WINDOW: usize = 10;

/// So many requests in a window may be sent again however few there are.
const LEAST: u64 = 10;

/// Hosts that are counted; those that nothing came for longest go first. With virtual addressing each bucket is one.
const MAX_HOSTS: usize = 1024;

/// Requests and retries to each host in the last ten seconds, of one connection.
#[derive(Debug)]
pub(crate) struct Budgets {
    start: Instant,
    hosts: Mutex<HashMap<String, Window>>,
}

/// A second of the window. `number` tells it from the one ten seconds before.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: u64,
    requests: u64,
    retries: u64,
}

#[derive(Debug, Default)]
struct Window {
    seconds: [Second; WINDOW],
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
    /// A request is sent to the host for the first time.
    pub(super) fn request(&self, host: &str) {
        let now = self.now();
        let mut hosts = self.hosts();
        if let Some(window) = hosts.get_mut(host) {
            window.at(now).requests += 1;
            return;
        }
        if hosts.len() >= MAX_HOSTS
            && let Some(oldest) = hosts.iter().min_by_key(|(_, window)| window.last)
        {
            let oldest = oldest.0.clone();
            hosts.remove(&oldest);
        }
        hosts.entry(host.to_owned()).or_default().at(now).requests += 1;
    }

    /// Whether a request to the host may be sent again, which then counts.
    pub(super) fn spend(&self, host: &str, percent: u8) -> bool {
        let now = self.now();
        let mut hosts = self.hosts();
        let Some(window) = hosts.get_mut(host) else {
            return true;
        };
        let (requests, retries) = window.sums(now);
        if retries < LEAST.max(requests.saturating_mul(u64::from(percent)) / 100) {
            window.at(now).retries += 1;
            return true;
        }
        let window_length = u64::try_from(WINDOW).unwrap_or(u64::MAX);
        if window
            .logged
            .is_none_or(|logged| logged.saturating_add(window_length) <= now)
        {
            window.logged = Some(now);
            tracing::warn!(
                host,
                requests,
                retries,
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
    #[expect(
        clippy::indexing_slicing,
        reason = "the index is below the length, of which it is the remainder"
    )]
    fn at(&mut self, now: u64) -> &mut Second {
        self.last = now;
        let index = usize::try_from(now).unwrap_or(usize::MAX) % WINDOW;
        let second = &mut self.seconds[index];
        if second.number != now {
            *second = Second {
                number: now,
                ..Second::default()
            };
        }
        second
    }

    fn sums(&self, now: u64) -> (u64, u64) {
        let window = Duration::from_secs(10).as_secs();
        let is_recent = |second: &&Second| now.saturating_sub(second.number) < window;
        let recent = self.seconds.iter().filter(is_recent);
        recent.fold((0, 0), |(requests, retries), second| {
            (requests + second.requests, retries + second.retries)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(budgets: &Budgets, percent: u8) -> u64 {
        let mut count = 0;
        while budgets.spend("h", percent) {
            count += 1;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn ten_of_few_and_a_tenth_of_many_in_ten_seconds() {
        let budgets = Budgets::default();
        budgets.request("h");
        assert_eq!(spent(&budgets, 10), 10);
        for _ in 0..299 {
            budgets.request("h");
        }
        assert_eq!(spent(&budgets, 10), 20, "30 of 300");
        budgets.request("other");
        assert!(budgets.spend("other", 10), "each host has its own");
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(spent(&budgets, 10), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        budgets.request("h");
        assert_eq!(spent(&budgets, 10), 10, "all of that is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_beyond_the_bound_displace_the_oldest() {
        let budgets = Budgets::default();
        for number in 0..=MAX_HOSTS {
            budgets.request(&number.to_string());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let hosts = budgets.hosts();
        assert_eq!(hosts.len(), MAX_HOSTS);
        assert!(!hosts.contains_key("0") && hosts.contains_key("1"));
    }
}
