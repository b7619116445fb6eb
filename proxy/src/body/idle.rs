//! Patience with whoever sends a body.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// The longest wait for a single piece.
///
/// Only waiting counts: while the other side takes nothing, nobody is late.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    limit: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, waiting: None }
    }

    /// A piece has come.
    pub(crate) fn reset(&mut self) {
        self.waiting = None;
    }

    /// Ready once no piece has come for too long. To be asked only while there is none.
    pub(crate) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        self.waiting
            .get_or_insert_with(|| Box::pin(sleep(limit)))
            .as_mut()
            .poll(cx)
    }
}
