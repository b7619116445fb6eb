//! What the tests of this crate share: a clock that follows tokio's, and a log that is kept.

pub(crate) mod sts;

use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use auth_model::{Clock, Credentials};
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use crate::quiet::NOBODY;

/// The instant at which every test begins, since 1970: 2026-11-23T00:00:00Z.
const START: Duration = Duration::from_hours(498_720);

/// Wall-clock time that passes as tokio's paused clock does.
#[derive(Clone, Debug)]
pub(crate) struct VirtualClock {
    began: Instant,
}

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + START + self.elapsed()
    }
}

/// Lets virtual time pass, and everything that is due happen.
pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Long-term keys with this id.
pub(crate) fn keys(id: &str) -> Credentials {
    crate::sts::checked(id, "wJalrXUtnFEMI/K7MDENG", None).unwrap()
}

/// Everything that is logged on this thread, at TRACE.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        // With one subscriber alone, tracing lets the thread that first reaches a call site decide
        // for all threads whether it is heard: another test's thread, which has none.
        LazyLock::force(&NOBODY);
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
