//! The read timeout of whoever sends a body.

use std::num::NonZeroU64;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::progress::Progress;

/// How late a sender may be: it is waited for so long, and no longer, for a single piece; and where a least rate is
/// required, for all pieces together, each byte paying back the time it may take at that rate.
///
/// So a pause is forgiven to a sender that is as fast as that otherwise, and a trickle ends after little more than the limit:
/// against clients that take up a request's room for hours with a few bytes a minute. Only waiting counts: while the
/// other side takes nothing, nobody is late.
#[derive(Debug)]
pub struct ReadTimeout {
    limit: Duration,
    least_rate: Option<NonZeroU64>,
    /// Where something else moves that excuses the sender.
    extended_by: Option<Progress>,
    /// What is left of the limit.
    left: Duration,
    waiting: Option<PendingRead>,
}

#[derive(Debug)]
struct PendingRead {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

/// Why a sender is waited for no longer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReadTimedOut {
    /// Nothing has come.
    Stopped,
    /// Too little has come.
    Slow,
}

impl ReadTimeout {
    /// Waits `limit` for each piece, however small.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            least_rate: None,
            extended_by: None,
            left: limit,
            waiting: None,
        }
    }

    /// Requires so many bytes a second as well.
    #[must_use]
    pub fn with_least_rate(self, least_rate: Option<NonZeroU64>) -> Self {
        Self { least_rate, ..self }
    }

    /// Does not time out while this moves.
    #[must_use]
    pub fn extended_by(self, activity: Progress) -> Self {
        Self {
            extended_by: Some(activity),
            ..self
        }
    }

    /// A piece of so many bytes has come.
    pub fn received(&mut self, bytes: usize) {
        let waited = self.waiting.take().map_or(Duration::ZERO, |wait| wait.since.elapsed());
        self.left = match self.least_rate {
            None => self.limit,
            Some(rate) => {
                let left = self.left.saturating_sub(waited);
                left.saturating_add(time_for(bytes, rate)).min(self.limit)
            }
        };
    }

    /// Ready once the sender is too late. To be polled only while there is no piece.
    pub fn poll_timed_out(&mut self, cx: &mut Context<'_>) -> Poll<ReadTimedOut> {
        let left = self.left;
        let waiting = self.waiting.get_or_insert_with(|| PendingRead {
            since: Instant::now(),
            end: Box::pin(sleep(left)),
        });
        let late = if left == self.limit {
            ReadTimedOut::Stopped
        } else {
            ReadTimedOut::Slow
        };
        loop {
            ready!(waiting.end.as_mut().poll(cx));
            match self.extended_by.as_ref().map(|activity| activity.last() + self.limit) {
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

    fn timeout() -> ReadTimeout {
        ReadTimeout::new(LIMIT).with_least_rate(NonZeroU64::new(RATE))
    }

    /// Times out after `pause`, or receives a piece.
    async fn pieces(
        timeout: &mut ReadTimeout,
        pause: Duration,
        bytes: usize,
        count: usize,
    ) -> Result<(), ReadTimedOut> {
        for _ in 0..count {
            if let Some(late) = poll_fn(|cx| timeout.poll_timed_out(cx)).now_or_never() {
                return Err(late);
            }
            advance(pause).await;
            if let Some(late) = poll_fn(|cx| timeout.poll_timed_out(cx)).now_or_never() {
                return Err(late);
            }
            timeout.received(bytes);
        }
        Ok(())
    }

    const SECOND: Duration = Duration::from_secs(1);
    /// A second less than the limit.
    const ALMOST: Duration = Duration::from_secs(299);

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_each_piece_has_the_whole_limit() {
        let mut timeout = ReadTimeout::new(LIMIT);
        assert_eq!(pieces(&mut timeout, ALMOST, 1, 1000).await, Ok(()));
        assert_eq!(pieces(&mut timeout, LIMIT, 1, 1).await, Err(ReadTimedOut::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_at_the_rate_is_waited_for_without_end() {
        assert_eq!(pieces(&mut timeout(), SECOND, 240, 100_000).await, Ok(()));
        assert_eq!(pieces(&mut timeout(), SECOND / 240, 1, 100_000).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_soon_after_the_limit() {
        let begin = Instant::now();
        assert_eq!(
            pieces(&mut timeout(), SECOND, 24, 100_000).await,
            Err(ReadTimedOut::Slow)
        );
        // Nine tenths of each second are late: 300 s of that are 333 s and a third.
        assert_eq!(begin.elapsed(), Duration::from_secs(334));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_forgiven_to_who_makes_up_for_them() {
        let mut timeout = timeout();
        for _ in 0..100 {
            assert_eq!(pieces(&mut timeout, ALMOST, 240 * 299, 1).await, Ok(()));
        }
        // What is sent too fast is no credit for pauses beyond the limit.
        timeout.received(1 << 30);
        assert_eq!(pieces(&mut timeout, LIMIT, 1, 1).await, Err(ReadTimedOut::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_is_not_made_up_for_shortens_the_next() {
        let mut timeout = timeout();
        assert_eq!(pieces(&mut timeout, ALMOST, 240, 1).await, Ok(()));
        assert_eq!(pieces(&mut timeout, 2 * SECOND, 0, 1).await, Err(ReadTimedOut::Slow));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_late_while_nobody_waits() {
        let mut timeout = timeout();
        assert_eq!(pieces(&mut timeout, ALMOST, 1, 1).await, Ok(()));
        advance(LIMIT * 10).await;
        assert_eq!(pieces(&mut timeout, SECOND / 2, 240, 1000).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_timeout_is_extended_by_what_moves() {
        let activity = Progress::new();
        let mut timeout = ReadTimeout::new(LIMIT).extended_by(activity.clone());
        for _ in 0..10 {
            assert!(poll_fn(|cx| timeout.poll_timed_out(cx)).now_or_never().is_none());
            advance(ALMOST).await;
            activity.touch();
        }
        let since = Instant::now();
        assert_eq!(poll_fn(|cx| timeout.poll_timed_out(cx)).await, ReadTimedOut::Stopped);
        assert_eq!(since.elapsed(), LIMIT);
    }

    #[test]
    fn no_number_of_bytes_is_too_large() {
        assert_eq!(time_for(480, NonZeroU64::new(240).unwrap()), 2 * SECOND);
        assert!(time_for(usize::MAX, NonZeroU64::MIN) > SECOND);
        assert_eq!(time_for(1, NonZeroU64::MAX), Duration::ZERO);
    }
}
