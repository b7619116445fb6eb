//! Holding a body back until the service wants it.
//!
//! Behind `Expect: 100-continue` nothing of a body is taken before the service has read the head: a pooled connection that
//! has died, and an early response, are met while the request can still be sent again. The AWS SDKs do so for S3 as well.
//!
//! Source: RFC 9110, section 10.1.1.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, Sleep, sleep};

/// A host that sends no `100 Continue` for so long does not know `Expect`, and gets the body all the same. A third of what
/// the AWS SDKs wait: here each upload of 64 KiB would pay for it.
const PATIENCE: Duration = Duration::from_millis(300);

/// For so long such a host gets no `Expect`.
const SILENT_FOR: Duration = Duration::from_mins(10);

/// Silent hosts that are remembered. With virtual addressing each bucket is one.
const MAX_SILENT: usize = 256;

const WAITING: u8 = 0;
const OPEN: u8 = 1;
const ANSWERED: u8 = 2;
const OVER: u8 = 3;

/// Which hosts are known to send no `100 Continue`. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ExpectContinue(Arc<Mutex<HashMap<Arc<str>, Instant>>>);

impl ExpectContinue {
    /// The host, named with its port; `None` while it is known to be silent.
    #[must_use]
    pub fn of(&self, host: &str) -> Option<Continues> {
        let mut silent = self.silent();
        match silent.get(host) {
            Some(until) if Instant::now() < *until => return None,
            Some(_) => silent.remove(host),
            None => None,
        };
        drop(silent);
        Some(Continues {
            hosts: self.clone(),
            host: host.into(),
        })
    }

    fn remember(&self, host: &Arc<str>) {
        let now = Instant::now();
        let mut silent = self.silent();
        if silent.len() >= MAX_SILENT {
            silent.retain(|_, until| now < *until);
        }
        if silent.len() >= MAX_SILENT
            && let Some(oldest) = silent.iter().min_by_key(|(_, until)| **until)
        {
            let oldest = Arc::clone(oldest.0);
            silent.remove(&oldest);
        }
        silent.insert(Arc::clone(host), now + SILENT_FOR);
    }

    fn silent(&self) -> MutexGuard<'_, HashMap<Arc<str>, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host that may send `100 Continue`.
#[derive(Clone, Debug)]
pub struct Continues {
    hosts: ExpectContinue,
    host: Arc<str>,
}

impl Continues {
    /// Whether it may still, as far as is known.
    #[must_use]
    pub fn is_likely(&self) -> bool {
        let until = self.hosts.silent().get(&self.host).copied();
        until.is_none_or(|until| until <= Instant::now())
    }

    /// It does not: no `Expect` for [`SILENT_FOR`].
    pub fn is_silent(&self) {
        self.hosts.remember(&self.host);
    }
}

/// Between a service and one body for it. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<GateState>);

#[derive(Debug)]
struct GateState {
    state: AtomicU8,
    waker: AtomicWaker,
    continues: Continues,
}

impl Gate {
    /// A shut one.
    #[must_use]
    pub fn new(continues: Continues) -> Self {
        Self(Arc::new(GateState {
            state: AtomicU8::new(WAITING),
            waker: AtomicWaker::new(),
            continues,
        }))
    }

    /// The service wants the body.
    pub fn open(&self) {
        self.change(OPEN);
    }

    /// The service has responded: if it has not wanted the body by now, it gets none. The connection goes on until the
    /// response is read.
    pub fn answered(&self) {
        self.change(ANSWERED);
    }

    /// The response has been read, or there is none: a body that waits goes, and the connection with it.
    pub fn over(&self) {
        let before = self.0.state.fetch_max(OVER, Ordering::AcqRel);
        if before == WAITING || before == ANSWERED {
            self.0.waker.wake();
        }
    }

    /// The host does not know `Expect`, as its response says.
    pub fn is_unknown(&self) {
        self.0.continues.is_silent();
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

/// Who stands before the gate.
#[derive(Debug)]
pub(super) struct Waiting {
    gate: Gate,
    /// Since the head was sent.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Waiting {
    pub(super) fn at(gate: Gate) -> Self {
        Self { gate, patience: None }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Ready once the body may go, or with an error, once the service has responded without wanting it.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let shared = &self.gate.0;
        shared.waker.register(cx.waker());
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        if shared.state.load(Ordering::Acquire) == WAITING && patience.as_mut().poll(cx).is_ready() {
            shared.continues.is_silent();
            self.gate.open();
        }
        match shared.state.load(Ordering::Acquire) {
            OPEN => Poll::Ready(Ok(())),
            OVER => Poll::Ready(Err("the service responded without wanting the body")),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    fn host() -> (ExpectContinue, Continues) {
        let hosts = ExpectContinue::default();
        let host = hosts.of("h:443").unwrap();
        (hosts, host)
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_opens_when_it_is_told_to() {
        let (hosts, host) = host();
        let gate = Gate::new(host);
        let mut waiting = Waiting::at(gate.clone());
        assert!(poll_fn(|cx| waiting.poll_open(cx)).now_or_never().is_none());
        let before = Instant::now();
        let (opened, ()) = tokio::join!(poll_fn(|cx| waiting.poll_open(cx)), async { gate.open() });
        assert_eq!((opened, before.elapsed()), (Ok(()), Duration::ZERO));
        assert!(hosts.of("h:443").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_says_nothing_gets_the_body_and_no_expect_for_ten_minutes() {
        let (hosts, host) = host();
        let mut waiting = Waiting::at(Gate::new(host));
        let before = Instant::now();
        assert_eq!(poll_fn(|cx| waiting.poll_open(cx)).await, Ok(()));
        assert!(before.elapsed() >= PATIENCE && before.elapsed() < PATIENCE + Duration::from_millis(10));
        assert!(hosts.of("h:443").is_none() && hosts.of("other:443").is_some());
        tokio::time::advance(SILENT_FOR).await;
        assert!(hosts.of("h:443").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_has_responded_gets_no_body() {
        let (hosts, host) = host();
        let gate = Gate::new(host);
        let mut waiting = Waiting::at(gate.clone());
        gate.answered();
        gate.open();
        assert!(poll_fn(|cx| waiting.poll_open(cx)).now_or_never().is_none());
        let (over, ()) = tokio::join!(poll_fn(|cx| waiting.poll_open(cx)), async { gate.over() });
        assert!(over.is_err() && hosts.of("h:443").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn silent_hosts_beyond_the_bound_displace_the_oldest() {
        let hosts = ExpectContinue::default();
        for number in 0..=MAX_SILENT {
            hosts.of(&number.to_string()).unwrap().is_silent();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(hosts.silent().len(), MAX_SILENT);
        assert!(hosts.of("0").is_some() && hosts.of("1").is_none());
    }
}
