//! What follows when AWS rejects a set that is valid by its own account.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::schedule;

/// Rejections that do not say that the credentials are at fault, and most often have another reason, lead to a refresh this
/// rarely.
const BETWEEN_SUSPICIONS: Duration = Duration::from_mins(1);

/// After this much quiet beyond its backoff a source begins with the shortest one again.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(5);

/// How often rejections have led to a refresh lately: whoever can provoke rejections must not be able to cause a call of
/// STS or of a vault each time.
#[derive(Debug, Default)]
pub(super) struct RejectionBackoff {
    streak: u32,
    backs_off_until: Option<Instant>,
    /// That a refresh is held back has been logged since the last one.
    is_logged: bool,
    suspicions_back_off_until: Option<Instant>,
}

impl RejectionBackoff {
    /// For how long rejections lead to no refresh. The first one does at once, however young the set is: AWS may have
    /// ended the session the moment after it was issued. Suspicions have a distance of their own, and lengthen no other.
    pub(super) fn held_back_for(&self, is_suspicion: bool) -> Option<Duration> {
        let until = if is_suspicion {
            self.suspicions_back_off_until
        } else {
            self.backs_off_until
        };
        let left = until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Whether this is the first rejection since the last refresh that leads to none.
    pub(super) fn is_first_held_back(&mut self) -> bool {
        !std::mem::replace(&mut self.is_logged, true)
    }

    /// A suspicion leads to a refresh.
    pub(super) fn suspected(&mut self) {
        self.suspicions_back_off_until = Some(Instant::now() + BETWEEN_SUSPICIONS);
    }

    /// A rejection leads to a refresh.
    pub(super) fn refreshed(&mut self, only_reads: bool) {
        let now = Instant::now();
        let is_forgotten = self.backs_off_until.is_none_or(|until| now > until + FORGOTTEN_AFTER);
        self.is_logged = false;
        self.streak = if is_forgotten { 1 } else { self.streak.saturating_add(1) };
        self.backs_off_until = Some(now + schedule::backoff_after_rejection(self.streak, only_reads));
    }

    /// Other keys have arrived. Where they were read, that is somebody's doing, and no client's.
    pub(super) fn replaced(&mut self, only_reads: bool) {
        if only_reads {
            *self = Self {
                suspicions_back_off_until: self.suspicions_back_off_until,
                ..Self::default()
            };
        }
    }
}

/// Since when AWS rejects the held set although there is nothing newer; read by every request, without a lock.
#[derive(Debug, Default)]
pub(super) struct RejectedMark(AtomicU64);

impl RejectedMark {
    /// Sets the mark, unless it is set already. Returns whether that is new.
    pub(super) fn set(&self, now: SystemTime) -> bool {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().max(1);
        self.0
            .compare_exchange(0, seconds, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Clears the mark. Returns whether it was set.
    pub(super) fn clear(&self) -> bool {
        self.0.swap(0, Ordering::Relaxed) != 0
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    pub(super) fn since(&self) -> Option<SystemTime> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            seconds => Some(UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }
}
