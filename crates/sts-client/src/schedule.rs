//! When a set is refreshed and when an attempt follows a failed one. Pure.

use std::time::{Duration, SystemTime};

use crate::error::Prospect;

/// A set is refreshed this long before it expires: one slow STS call plus its retries, many times over.
const REFRESH_WINDOW: Duration = Duration::from_mins(5);

/// The window is at most this part of the lifetime: a 15 minute session would otherwise be refreshed
/// after ten minutes at best and all the time at worst.
const LARGEST_PART: u32 = 3;

/// A set with seconds to live is not refreshed more often than this: the source may hand out the
/// same one again, as EC2's metadata service does.
const SHORTEST_REFRESH_DISTANCE: Duration = Duration::from_secs(5);

/// The instant from which a set that arrives at `now` is renewed ahead of its expiry.
///
/// `jitter` is 0 to 1 and makes the window up to a fifth shorter, so that sources that began
/// together do not stay together.
pub(crate) fn refresh_at(now: SystemTime, expires_at: SystemTime, jitter: f64) -> SystemTime {
    let lifetime = expires_at.duration_since(now).unwrap_or_default();
    let window = REFRESH_WINDOW.min(lifetime / LARGEST_PART);
    let window = window.mul_f64(1.0 - 0.2 * jitter.clamp(0.0, 1.0));
    now + lifetime.saturating_sub(window).max(SHORTEST_REFRESH_DISTANCE)
}

/// How long a source backs off after its `streak`th failure in a row (1 is the first).
///
/// Exponential with a cap; `jitter` is 0 to 1 and takes off up to a half. While a good set is still
/// served for `remaining`, the backoff is at most a quarter of that, so that a source that recovers
/// in the set's last minute is called in time.
pub(crate) fn backoff_after(prospect: Prospect, streak: u32, remaining: Option<Duration>, jitter: f64) -> Duration {
    let (first, cap) = match prospect {
        Prospect::Local => (Duration::from_secs(1), Duration::from_secs(10)),
        Prospect::Passing => (Duration::from_secs(1), Duration::from_secs(30)),
        Prospect::Permanent => (Duration::from_secs(15), Duration::from_mins(5)),
    };
    let factor = 1_u32.checked_shl(streak.saturating_sub(1)).unwrap_or(u32::MAX);
    let backoff = first.saturating_mul(factor).min(cap);
    let backoff = backoff.mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0));
    match remaining {
        Some(remaining) => backoff.min((remaining / 4).max(Duration::from_secs(1))),
        None => backoff,
    }
}

/// How long rejections by AWS lead to no further refresh after the `streak`th that did (1 is the first).
///
/// Doubles up to a cap: with a rejection each moment a source is called at most 7 times in the first five minutes (10 where
/// it only reads what is kept somewhere), and every five minutes from then on.
pub(crate) fn backoff_after_rejection(streak: u32, only_reads: bool) -> Duration {
    let first = if only_reads {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(5)
    };
    let factor = 1_u32.checked_shl(streak.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(Duration::from_mins(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn time_before_refresh(lifetime_seconds: u64, jitter: f64) -> Duration {
        let lifetime = Duration::from_secs(lifetime_seconds);
        refresh_at(NOW, NOW + lifetime, jitter).duration_since(NOW).unwrap()
    }

    #[test]
    fn the_refresh_window_is_a_third_of_the_lifetime_at_most_and_five_minutes_at_most() {
        for (lifetime, backoff) in [(43_200, 42_900), (3_600, 3_300), (900, 600), (600, 400), (30, 20)] {
            assert_eq!(time_before_refresh(lifetime, 0.0), Duration::from_secs(backoff));
        }
        for lifetime in [1, 14, 15, 100, 899, 900, 901, 3_600, 129_600] {
            for jitter in [0.0, 0.3, 0.999, 1.0, 7.0, -1.0] {
                let backoff = time_before_refresh(lifetime, jitter);
                let window = Duration::from_secs(lifetime).saturating_sub(backoff);
                assert!(window <= Duration::from_mins(5), "{lifetime} {jitter}");
                assert!(window <= Duration::from_secs(lifetime) / 3, "{lifetime} {jitter}");
                assert!(backoff >= SHORTEST_REFRESH_DISTANCE, "{lifetime} {jitter}");
            }
        }
    }

    #[test]
    fn backoffs_double_up_to_a_cap() {
        let backoff = |prospect, streak| backoff_after(prospect, streak, None, 0.0).as_secs();
        assert_eq!(
            [1, 2, 3, 6, 60].map(|n| backoff(Prospect::Passing, n)),
            [1, 2, 4, 30, 30]
        );
        assert_eq!(
            [1, 2, 5, 6, 60].map(|n| backoff(Prospect::Permanent, n)),
            [15, 30, 240, 300, 300]
        );
        assert_eq!([1, 4, 5, 60].map(|n| backoff(Prospect::Local, n)), [1, 8, 10, 10]);
        assert_eq!(
            backoff_after(Prospect::Permanent, 1, None, 1.0),
            Duration::from_millis(7_500)
        );
    }

    #[test]
    fn a_source_is_called_in_time_while_a_good_set_is_still_served() {
        let backoff =
            |seconds| backoff_after(Prospect::Permanent, 60, Some(Duration::from_secs(seconds)), 0.0).as_secs();
        assert_eq!([3_600, 60, 8, 1, 0].map(backoff), [300, 15, 2, 1, 1]);
    }

    #[test]
    fn backoffs_after_rejections_double_up_to_five_minutes() {
        let backoff = |streak, only_reads| backoff_after_rejection(streak, only_reads).as_secs();
        assert_eq!(
            [1, 2, 6, 7, 8, 99].map(|n| backoff(n, false)),
            [5, 10, 160, 300, 300, 300]
        );
        assert_eq!([1, 2, 9, 10, 99].map(|n| backoff(n, true)), [1, 2, 256, 300, 300]);
    }
}
