//! How slowly a client may take a response: the rule, and the arithmetic that a socket and an HTTP/2 stream share.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How far a client may fall behind, and at which rate, where no connection of the proxy has numbers of its own: for
/// responses for which the handler sets none.
const DEFAULT_RATE: DownloadRate = DownloadRate {
    behind: Duration::from_mins(5),
    least_rate: NonZeroU64::new(240),
};

/// The least rate at which a client takes a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DownloadRate {
    /// How far the client may be behind the rate before its response is ended.
    pub behind: Duration,
    /// Bytes a second; `None` takes any rate.
    pub least_rate: Option<NonZeroU64>,
}

impl Default for DownloadRate {
    fn default() -> Self {
        DEFAULT_RATE
    }
}

/// What a handler lets the server know about its response, as an extension of it.
#[derive(Clone, Debug, Default)]
pub struct Download {
    /// How slowly the client may take it.
    pub rate: DownloadRate,
    /// Set before the body is dropped, where the client was too slow for it.
    pub too_slow: TooSlow,
}

/// Whether a response was ended because its client did not take it fast enough. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct TooSlow(Arc<AtomicBool>);

impl TooSlow {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a client's time to take bytes is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Overdue {
    /// It has taken nothing at all for the write timeout.
    Stopped,
    /// It has taken too little.
    Slow,
}

/// The time that a client has for the bytes that wait for it.
///
/// Only time in which bytes wait counts, so whoever reads a response that pauses is never late. Each byte that is taken
/// makes up for the time it may take at the least rate, and nothing is saved up beyond that: a client that pauses and
/// then goes on at an ordinary pace is never behind for long, a trickle ends soon after [`DownloadRate::behind`].
#[derive(Debug)]
pub(crate) struct Pace {
    write_timeout: Duration,
    rate: DownloadRate,
    /// How far the client is behind.
    behind: Duration,
    waiting_since: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(write_timeout: Duration, rate: DownloadRate) -> Self {
        Self {
            write_timeout,
            rate,
            behind: Duration::ZERO,
            waiting_since: None,
        }
    }

    /// From now on another rate holds. What the client is behind stays: a request for something else makes up for nothing.
    pub(crate) fn set_rate(&mut self, rate: DownloadRate) {
        self.rate = rate;
    }

    /// Bytes wait for the client, from now on unless they do already.
    pub(crate) fn waits(&mut self) {
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    /// The client took so many bytes; nothing waits until [`Pace::waits`] says so again.
    pub(crate) fn took(&mut self, bytes: usize) {
        let waited = self
            .waiting_since
            .take()
            .map_or(Duration::ZERO, |since| since.elapsed());
        self.behind = match self.rate.least_rate {
            Some(rate) => self.behind.saturating_add(waited).saturating_sub(time_for(bytes, rate)),
            None => Duration::ZERO,
        };
    }

    /// When the client's time is over if it takes nothing more, and why; `None` while nothing waits.
    pub(crate) fn due(&self) -> Option<(Instant, Overdue)> {
        let since = self.waiting_since?;
        let stopped = (since + self.write_timeout, Overdue::Stopped);
        let slow = self.rate.least_rate.map(|_| {
            let left = self.rate.behind.saturating_sub(self.behind);
            (since + left, Overdue::Slow)
        });
        Some(slow.filter(|(at, _)| *at < stopped.0).unwrap_or(stopped))
    }
}

/// How long so many bytes take at `rate`.
fn time_for(bytes: usize, rate: NonZeroU64) -> Duration {
    const NANOS_PER_SECOND: u64 = 1_000_000_000;
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_nanos(bytes.saturating_mul(NANOS_PER_SECOND) / rate)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const WRITE_TIMEOUT: Duration = Duration::from_mins(1);
    const SECOND: Duration = Duration::from_secs(1);
    /// A second less than the write timeout.
    const ALMOST: Duration = Duration::from_secs(59);

    fn pace() -> Pace {
        Pace::new(WRITE_TIMEOUT, DownloadRate::default())
    }

    /// Lets bytes wait for `pause` and then takes them, `count` times; why it ended, where it did.
    async fn take(pace: &mut Pace, pause: Duration, bytes: usize, count: usize) -> Option<Overdue> {
        for _ in 0..count {
            pace.waits();
            advance(pause).await;
            if let Some((at, why)) = pace.due()
                && at <= Instant::now()
            {
                return Some(why);
            }
            pace.took(bytes);
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_has_the_write_timeout() {
        let mut pace = pace();
        assert_eq!(take(&mut pace, ALMOST, 1 << 20, 100).await, None);
        assert_eq!(take(&mut pace, WRITE_TIMEOUT, 1 << 20, 1).await, Some(Overdue::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_keeps_the_rate_is_never_late() {
        assert_eq!(take(&mut pace(), SECOND, 240, 100_000).await, None);
        assert_eq!(take(&mut pace(), 50 * SECOND, 50 * 240, 10_000).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_soon_after_it_is_behind() {
        let began = Instant::now();
        // 2 KB every 25 s are 80 bytes a second: two thirds of the time are late.
        assert_eq!(take(&mut pace(), 25 * SECOND, 2_000, 1_000).await, Some(Overdue::Slow));
        let elapsed = began.elapsed();
        assert!(elapsed >= 300 * SECOND && elapsed <= 500 * SECOND, "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_saved_up_for_later() {
        let mut pace = pace();
        pace.took(1 << 30);
        assert_eq!(take(&mut pace, 30 * SECOND, 1, 100).await, Some(Overdue::Slow));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nothing_waits_does_not_count() {
        let mut pace = pace();
        for _ in 0..1_000 {
            assert_eq!(take(&mut pace, Duration::ZERO, 10, 1).await, None);
            assert_eq!(pace.due(), None);
            advance(10 * WRITE_TIMEOUT).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_only_the_write_timeout_holds() {
        let mut pace = pace();
        pace.set_rate(DownloadRate {
            least_rate: None,
            ..DownloadRate::default()
        });
        assert_eq!(take(&mut pace, ALMOST, 1, 10_000).await, None);
        assert_eq!(take(&mut pace, WRITE_TIMEOUT, 1, 1).await, Some(Overdue::Stopped));
    }

    #[test]
    fn no_number_of_bytes_is_too_large() {
        assert!(time_for(usize::MAX, NonZeroU64::MIN) > SECOND);
        assert_eq!(time_for(1, NonZeroU64::MAX), Duration::ZERO);
    }
}
