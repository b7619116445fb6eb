//! A client that has closed its sending side behind a whole request, and is served on.
//!
//! `printf … | ncat` does so and waits for its response; a program that was killed looks the same until we write to it, or
//! until it resets the connection. So the wait for such a client is bounded, and its socket is looked at once a second: no
//! read shows a reset that comes behind the end of the input.

use std::time::Duration;

use tokio::time::Instant;

/// How long a client is served whose request changes nothing: enough for a quick response, and not a slow request to a
/// service for nobody.
const SAFE: Duration = Duration::from_secs(2);

/// The same for a request that may have an effect: the service has it, or will, and whoever waits has to hear what came of
/// it, however long that takes: as long as the longest timeout for a service. Clients that are gone are found before by the
/// looks: the kernel of one that has closed altogether reports so to the keep-alive probes when it has forgotten the connection
/// (60 s on Linux), and a machine that is gone does not respond to them.
const WRITING: Duration = Duration::from_hours(1);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Of one HTTP/1 connection.
#[derive(Debug)]
pub(super) struct HalfClosed {
    grace: Duration,
    /// The running request's response has begun.
    responds: bool,
    /// Since when the client's side is closed, or a write succeeded last.
    since: Option<Instant>,
    look_at: Option<Instant>,
}

impl HalfClosed {
    pub(super) fn new() -> Self {
        Self {
            grace: SAFE,
            responds: false,
            since: None,
            look_at: None,
        }
    }

    /// A request begins to run. `is_safe`: it changes nothing.
    pub(super) fn started(&mut self, is_safe: bool) {
        self.grace = if is_safe { SAFE } else { WRITING };
        self.responds = false;
    }

    /// Its response begins.
    pub(super) fn responds(&mut self) {
        self.responds = true;
    }

    /// The running request has been responded to.
    pub(super) fn finished(&mut self) {
        (self.since, self.look_at, self.responds) = (None, None, false);
    }

    /// The client has closed its side while a request runs.
    ///
    /// Who ends behind a request does so with it. One that does so in the middle of a response has seen enough, and an event
    /// stream that is silent must not go on for nobody: such a client has the short time, from one write to the next.
    pub(super) fn closed(&mut self) {
        if self.responds && self.since.is_none() {
            self.grace = SAFE;
        }
        self.since.get_or_insert_with(Instant::now);
        self.watch();
    }

    /// Bytes of a next request are here while one runs: only looks show that the client leaves.
    pub(super) fn watch(&mut self) {
        self.look_at.get_or_insert_with(|| Instant::now() + LOOK_EVERY);
    }

    /// The client's kernel took bytes. Where nobody is there, one of the next writes fails: no need to guess any longer.
    pub(super) fn wrote(&mut self) {
        if let Some(since) = &mut self.since {
            *since = Instant::now();
        }
    }

    /// When the client's time is over.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + self.grace)
    }

    /// When to look at the socket next.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// Whether it is time to look at the socket, which is by reading from it.
    pub(super) fn looks(&mut self) -> bool {
        let now = Instant::now();
        // Also where the client's time is over by now: else this look would stay the next thing that is due.
        let is_time = self.look_at.is_some_and(|at| at <= now);
        if is_time {
            self.look_at = Some(now + LOOK_EVERY);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_that_was_paused_looks_once_and_then_ends_the_wait() {
        let mut half_closed = HalfClosed::new();
        half_closed.started(true);
        half_closed.closed();
        tokio::time::advance(SAFE * 2).await;
        assert!(half_closed.looks());
        assert!(!half_closed.looks());
        assert!(half_closed.due() < half_closed.look_at());
    }
}
