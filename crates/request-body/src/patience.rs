//! Patience with whoever sends a body.

use std::num::NonZeroU64;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::outgoing::Progress;

/// How late a sender may be: it is waited for so long, and no longer, for a single piece; and where a least rate is
/// asked of it, for all pieces together, each byte paying back the time it may take at that rate.
///
/// So a pause is forgiven to whoever keeps the rate otherwise, and a trickle ends after little more than the limit:
/// against clients that take up a request's room for hours with a few bytes a minute. Only waiting counts: while the
/// other side takes nothing, nobody is late.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    least_rate: Option<NonZeroU64>,
    /// Where something else moves that excuses the sender.
    beside: Option<Progress>,
    /// What is left of the limit.
    left: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

/// Why a sender is waited for no longer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Late {
    /// Nothing has come.
    Stopped,
    /// Too little has come.
    Slow,
}

impl Patience {
    /// Waits `limit` for each piece, however small.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            least_rate: None,
            beside: None,
            left: limit,
            waiting: None,
        }
    }

    /// Asks for so many bytes a second as well.
    #[must_use]
    pub fn with_least_rate(self, least_rate: Option<NonZeroU64>) -> Self {
        Self { least_rate, ..self }
    }

    /// Takes nobody for late while this moves.
    #[must_use]
    pub fn beside(self, activity: Progress) -> Self {
        Self {
            beside: Some(activity),
            ..self
        }
    }

    /// A piece of so many bytes has come.
    pub fn came(&mut self, bytes: usize) {
        let waited = self.waiting.take().map_or(Duration::ZERO, |wait| wait.since.elapsed());
        self.left = match self.least_rate {
            None => self.limit,
            Some(rate) => {
                let left = self.left.saturating_sub(waited);
                left.saturating_add(time_for(bytes, rate)).min(self.limit)
            }
        };
    }

    /// Ready once the sender is too late. To be asked only while there is no piece.
    pub fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Late> {
        let left = self.left;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: Instant::now(),
            end: Box::pin(sleep(left)),
        });
        let late = if left == self.limit { Late::Stopped } else { Late::Slow };
        loop {
            ready!(waiting.end.as_mut().poll(cx));
            match self.beside.as_ref().map(|activity| activity.last() + self.limit) {
                Some(excused_until) if excused_until > Instant::now() => waiting.end.as_mut().reset(excused_until),
                _ => return Poll::Ready(late),
            }
        }
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
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    const LIMIT: Duration = Duration::from_mins(5);
    const RATE: u64 = 240;

    fn patience() -> Patience {
        Patience::new(LIMIT).with_least_rate(NonZeroU64::new(RATE))
    }

    /// Gives up on it after `pause`, or takes it as come.
    async fn pieces(patience: &mut Patience, pause: Duration, bytes: usize, count: usize) -> Result<(), Late> {
        for _ in 0..count {
            if let Some(late) = poll_fn(|cx| patience.poll_late(cx)).now_or_never() {
                return Err(late);
            }
            advance(pause).await;
            if let Some(late) = poll_fn(|cx| patience.poll_late(cx)).now_or_never() {
                return Err(late);
            }
            patience.came(bytes);
        }
        Ok(())
    }

    const SECOND: Duration = Duration::from_secs(1);
    /// A second less than the limit.
    const ALMOST: Duration = Duration::from_secs(299);

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_each_piece_has_the_whole_limit() {
        let mut patience = Patience::new(LIMIT);
        assert_eq!(pieces(&mut patience, ALMOST, 1, 1000).await, Ok(()));
        assert_eq!(pieces(&mut patience, LIMIT, 1, 1).await, Err(Late::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_the_rate_is_waited_for_without_end() {
        assert_eq!(pieces(&mut patience(), SECOND, 240, 100_000).await, Ok(()));
        assert_eq!(pieces(&mut patience(), SECOND / 240, 1, 100_000).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_soon_after_the_limit() {
        let begin = Instant::now();
        assert_eq!(pieces(&mut patience(), SECOND, 24, 100_000).await, Err(Late::Slow));
        // Nine tenths of each second are late: 300 s of that are 333 s and a third.
        assert_eq!(begin.elapsed(), Duration::from_secs(334));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_forgiven_to_who_makes_up_for_them() {
        let mut patience = patience();
        for _ in 0..100 {
            assert_eq!(pieces(&mut patience, ALMOST, 240 * 299, 1).await, Ok(()));
        }
        // What is sent too fast is no credit for pauses beyond the limit.
        patience.came(1 << 30);
        assert_eq!(pieces(&mut patience, LIMIT, 1, 1).await, Err(Late::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_is_not_made_up_for_shortens_the_next() {
        let mut patience = patience();
        assert_eq!(pieces(&mut patience, ALMOST, 240, 1).await, Ok(()));
        assert_eq!(pieces(&mut patience, 2 * SECOND, 0, 1).await, Err(Late::Slow));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_late_while_nobody_waits() {
        let mut patience = patience();
        assert_eq!(pieces(&mut patience, ALMOST, 1, 1).await, Ok(()));
        advance(LIMIT * 10).await;
        assert_eq!(pieces(&mut patience, SECOND / 2, 240, 1000).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_beside_something_that_moves_is_not_late() {
        let activity = Progress::new();
        let mut patience = Patience::new(LIMIT).beside(activity.clone());
        for _ in 0..10 {
            assert!(poll_fn(|cx| patience.poll_late(cx)).now_or_never().is_none());
            advance(ALMOST).await;
            activity.touch();
        }
        let since = Instant::now();
        assert_eq!(poll_fn(|cx| patience.poll_late(cx)).await, Late::Stopped);
        assert_eq!(since.elapsed(), LIMIT);
    }

    #[test]
    fn no_number_of_bytes_is_too_large() {
        assert_eq!(time_for(480, NonZeroU64::new(240).unwrap()), 2 * SECOND);
        assert!(time_for(usize::MAX, NonZeroU64::MIN) > SECOND);
        assert_eq!(time_for(1, NonZeroU64::MAX), Duration::ZERO);
    }
}
