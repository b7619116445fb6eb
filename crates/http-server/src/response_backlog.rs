//! How much of a response hyper holds for a client of HTTP/1 that does not take it.
//!
//! hyper's bound for that is the one for heads, 64 KiB, as it has no other. A thousand clients that take nothing would make it
//! 64 MiB, beside what is read ahead of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Bytes of a response's body that hyper is given before it has written them; one piece more may be on top.
const MAX_BACKLOG: usize = 16 * 1024;

/// The part of a response's body that hyper has got and not written.
#[derive(Debug, Default)]
pub(crate) struct ResponseBacklog(Mutex<BacklogState>);

#[derive(Debug, Default)]
struct BacklogState {
    bytes: usize,
    /// The body that waits until they are written.
    waiting: Option<Waker>,
}

impl ResponseBacklog {
    /// hyper has got so many bytes.
    pub(crate) fn gave(&self, bytes: usize) {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_add(bytes);
    }

    /// Ready when hyper may have more.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.bytes < MAX_BACKLOG {
            return Poll::Ready(());
        }
        // hyper looks at the body again after it has written, but only if the socket made it wait.
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    /// hyper has written all it had.
    pub(crate) fn flushed(&self) {
        let mut state = self.lock();
        state.bytes = 0;
        if let Some(body) = state.waiting.take() {
            body.wake();
        }
    }

    /// Every change is a plain assignment: a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, BacklogState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_body_waits_until_enough_is_written_and_is_woken_then() {
        let backlog = ResponseBacklog::default();
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Arc::clone(&woken).into();
        let mut cx = Context::from_waker(&waker);
        backlog.gave(MAX_BACKLOG - 1);
        assert!(backlog.poll_room(&mut cx).is_ready());
        backlog.gave(1);
        assert!(backlog.poll_room(&mut cx).is_pending());
        assert!(!woken.0.load(Ordering::Relaxed));
        backlog.flushed();
        assert!(woken.0.load(Ordering::Relaxed));
        assert!(backlog.poll_room(&mut cx).is_ready());
    }
}
