//! Holding a body back until the service wants it.
//!
//! Behind `Expect: 100-continue` nothing of a body is taken before the service has read the head: a pooled connection that
//! has died, and an early response, are met while the request can still be sent again. The AWS SDKs do so for S3 as well.
//!
//! Source: RFC 9110, section 10.1.1.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Sleep, sleep};

use super::continue_hosts::ContinueHost;

/// A host that sends no `100 Continue` for so long does not know `Expect`, and gets the body all the same. A third of what
/// the AWS SDKs wait: here each upload of 64 KiB would pay for it.
const CONTINUE_TIMEOUT: Duration = Duration::from_millis(300);

const WAITING: u8 = 0;
const CONTINUED: u8 = 1;
const RESPONDED: u8 = 2;
const FINISHED: u8 = 3;

/// One body's wait for `100 Continue`. Clones share it.
#[derive(Clone, Debug)]
pub struct ExpectContinue(Arc<ExpectContinueState>);

#[derive(Debug)]
struct ExpectContinueState {
    state: AtomicU8,
    waker: AtomicWaker,
    host: ContinueHost,
}

impl ExpectContinue {
    /// One that waits.
    #[must_use]
    pub fn new(host: ContinueHost) -> Self {
        Self(Arc::new(ExpectContinueState {
            state: AtomicU8::new(WAITING),
            waker: AtomicWaker::new(),
            host,
        }))
    }

    /// The service wants the body.
    pub fn continued(&self) {
        self.change(CONTINUED);
    }

    /// The service has responded: if it has not wanted the body by now, it gets none. The connection goes on until the
    /// response is read.
    pub fn responded(&self) {
        self.change(RESPONDED);
    }

    /// The response has been read, or there is none: a body that waits goes, and the connection with it.
    pub fn finished(&self) {
        let before = self.0.state.fetch_max(FINISHED, Ordering::AcqRel);
        if before == WAITING || before == RESPONDED {
            self.0.waker.wake();
        }
    }

    /// The host does not know `Expect`, as its response shows.
    pub fn is_unknown(&self) {
        self.0.host.is_silent();
    }

    fn change(&self, to: u8) {
        let state = &self.0.state;
        if state
            .compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
        {
            self.0.waker.wake();
        }
    }
}

/// What waits for it.
#[derive(Debug)]
pub(super) struct ContinueWait {
    expect: ExpectContinue,
    /// Since the head was sent.
    timeout: Option<Pin<Box<Sleep>>>,
}

impl ContinueWait {
    pub(super) fn at(expect: ExpectContinue) -> Self {
        Self { expect, timeout: None }
    }

    pub(super) fn expect_continue(&self) -> &ExpectContinue {
        &self.expect
    }

    /// Ready once the body may go, or with an error, once the service has responded without wanting it.
    pub(super) fn poll_continued(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let shared = &self.expect.0;
        shared.waker.register(cx.waker());
        let timeout = self.timeout.get_or_insert_with(|| Box::pin(sleep(CONTINUE_TIMEOUT)));
        if shared.state.load(Ordering::Acquire) == WAITING && timeout.as_mut().poll(cx).is_ready() {
            shared.host.is_silent();
            self.expect.continued();
        }
        match shared.state.load(Ordering::Acquire) {
            CONTINUED => Poll::Ready(Ok(())),
            FINISHED => Poll::Ready(Err("the service responded without wanting the body")),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use tokio::time::Instant;

    use super::super::continue_hosts::{ContinueHosts, SILENT_FOR};
    use super::*;

    fn host() -> (ContinueHosts, ContinueHost) {
        let hosts = ContinueHosts::default();
        let host = hosts.of("h:443").unwrap();
        (hosts, host)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_goes_out_with_100_continue() {
        let (hosts, host) = host();
        let expect = ExpectContinue::new(host);
        let mut waiting = ContinueWait::at(expect.clone());
        assert!(poll_fn(|cx| waiting.poll_continued(cx)).now_or_never().is_none());
        let before = Instant::now();
        let (opened, ()) = tokio::join!(poll_fn(|cx| waiting.poll_continued(cx)), async { expect.continued() });
        assert_eq!((opened, before.elapsed()), (Ok(()), Duration::ZERO));
        assert!(hosts.of("h:443").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_host_gets_the_body_and_no_expect_for_ten_minutes() {
        let (hosts, host) = host();
        let mut waiting = ContinueWait::at(ExpectContinue::new(host));
        let before = Instant::now();
        assert_eq!(poll_fn(|cx| waiting.poll_continued(cx)).await, Ok(()));
        assert!(
            before.elapsed() >= CONTINUE_TIMEOUT && before.elapsed() < CONTINUE_TIMEOUT + Duration::from_millis(10)
        );
        assert!(hosts.of("h:443").is_none() && hosts.of("other:443").is_some());
        tokio::time::advance(SILENT_FOR).await;
        assert!(hosts.of("h:443").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_has_responded_gets_no_body() {
        let (hosts, host) = host();
        let expect = ExpectContinue::new(host);
        let mut waiting = ContinueWait::at(expect.clone());
        expect.responded();
        expect.continued();
        assert!(poll_fn(|cx| waiting.poll_continued(cx)).now_or_never().is_none());
        let (over, ()) = tokio::join!(poll_fn(|cx| waiting.poll_continued(cx)), async { expect.finished() });
        assert!(over.is_err() && hosts.of("h:443").is_some());
    }
}
