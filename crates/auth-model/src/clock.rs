//! The one place that reads the wall clock.

use std::fmt::Debug;
use std::time::SystemTime;

/// Where the time comes from; tests bring their own.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current wall-clock time.
    fn now(&self) -> SystemTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
