//! Holding a body back until the service says that it wants it.
//!
//! A body that is passed on as it arrives can be sent once. Behind `Expect: 100-continue` nothing of it is taken before
//! the service has read the head: a pooled connection that has died, and a refusal, are met while the request can
//! still be sent again. The AWS SDKs do so for S3 as well.
//!
//! Source: RFC 9110, section 10.1.1.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Sleep, sleep};

/// A service that says nothing for so long does not know `Expect`, and gets the body all the same. As in the AWS SDKs.
const PATIENCE: Duration = Duration::from_secs(1);

/// A service that has refused the head gets no body: its answer is read by now, and the connection ends.
const REFUSED: Duration = Duration::from_secs(30);

const WAITING: u8 = 0;
const OPEN: u8 = 1;
const ANSWERED: u8 = 2;

/// Whether a service is known to say `100 Continue`. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Continues(Arc<Silent>);

#[derive(Debug, Default)]
struct Silent(AtomicBool);

impl Continues {
    /// False once it has not.
    pub(crate) fn is_likely(&self) -> bool {
        !self.0.0.load(Ordering::Relaxed)
    }
}

/// Between a service and one body for it. Clones are the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    shared: Arc<Shared>,
    continues: Continues,
}

#[derive(Debug, Default)]
struct Shared {
    state: AtomicU8,
    waker: AtomicWaker,
}

impl Gate {
    /// A shut one.
    pub(crate) fn new(continues: Continues) -> Self {
        Self {
            shared: Arc::default(),
            continues,
        }
    }

    /// The service wants the body.
    pub(crate) fn open(&self) {
        self.change(OPEN);
    }

    /// The service has answered: if it has not asked for the body by now, it gets none.
    pub(crate) fn answered(&self) {
        self.change(ANSWERED);
    }

    fn change(&self, to: u8) {
        let state = &self.shared.state;
        if state
            .compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
        {
            self.shared.waker.wake();
        }
    }
}

/// Who stands before the gate.
#[derive(Debug)]
pub(super) struct Waiting {
    gate: Gate,
    /// Since the head was sent.
    patience: Option<Pin<Box<Sleep>>>,
    refused: Option<Pin<Box<Sleep>>>,
}

impl Waiting {
    pub(super) fn at(gate: Gate) -> Self {
        Self {
            gate,
            patience: None,
            refused: None,
        }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Ready once the body may go, or with an error, long after the service has refused it.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let shared = &self.gate.shared;
        shared.waker.register(cx.waker());
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        if shared.state.load(Ordering::Acquire) == WAITING && patience.as_mut().poll(cx).is_ready() {
            self.gate.continues.0.0.store(true, Ordering::Relaxed);
            self.gate.open();
        }
        match shared.state.load(Ordering::Acquire) {
            OPEN => Poll::Ready(Ok(())),
            ANSWERED => {
                let refused = self.refused.get_or_insert_with(|| Box::pin(sleep(REFUSED)));
                let over = refused.as_mut().poll(cx);
                over.map(|()| Err("the service answered without wanting the body"))
            }
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_gate_opens_when_it_is_told_to() {
        let gate = Gate::new(Continues::default());
        let mut waiting = Waiting::at(gate.clone());
        assert!(poll_fn(|cx| waiting.poll_open(cx)).now_or_never().is_none());
        let before = Instant::now();
        let (opened, ()) = tokio::join!(poll_fn(|cx| waiting.poll_open(cx)), async { gate.open() });
        assert_eq!((opened, before.elapsed()), (Ok(()), Duration::ZERO));
        assert!(gate.continues.is_likely());
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_says_nothing_gets_the_body_and_is_remembered() {
        let continues = Continues::default();
        let mut waiting = Waiting::at(Gate::new(continues.clone()));
        let before = Instant::now();
        assert_eq!(poll_fn(|cx| waiting.poll_open(cx)).await, Ok(()));
        assert!(before.elapsed() >= PATIENCE);
        assert!(!continues.is_likely());
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_has_answered_gets_no_body() {
        let gate = Gate::new(Continues::default());
        let mut waiting = Waiting::at(gate.clone());
        gate.answered();
        gate.open();
        assert!(poll_fn(|cx| waiting.poll_open(cx)).await.is_err());
        assert!(gate.continues.is_likely());
    }
}
