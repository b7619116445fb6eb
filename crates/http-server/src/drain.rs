//! Ordering every connection to finish, waiting until it has, and cutting what has not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How long connections get to notice that they are cut; they need one turn of the executor.
pub(crate) const CUT_GRACE: Duration = Duration::from_secs(1);

/// How far the shutdown has come; it only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DrainStage {
    /// Serving.
    Running,
    /// No new connections and requests; running ones finish.
    Draining,
    /// Whatever still runs is dropped.
    Cut,
}

/// The side that orders the shutdown.
#[derive(Debug)]
pub(crate) struct Drain(watch::Sender<DrainStage>, IsCut);

/// The side that obeys: every listener, connection and HTTP/2 stream holds one until it has ended.
#[derive(Clone, Debug)]
pub(crate) struct DrainWatch(watch::Receiver<DrainStage>, IsCut);

/// Whether what still runs is being dropped. Unlike a `DrainWatch` nobody waits for who holds it.
#[derive(Clone, Debug, Default)]
pub struct IsCut(Arc<AtomicBool>);

impl IsCut {
    /// Whether it is.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drain {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(DrainStage::Running), IsCut::default())
    }

    pub(crate) fn watch(&self) -> DrainWatch {
        DrainWatch(self.0.subscribe(), self.1.clone())
    }

    /// Moves on to `stage`; going back is ignored.
    pub(crate) fn advance(&self, stage: DrainStage) {
        if stage == DrainStage::Cut {
            // Before anybody drops anything because of it.
            self.1.0.store(true, Ordering::Relaxed);
        }
        self.0.send_if_modified(|now| {
            let moves = stage > *now;
            *now = stage.max(*now);
            moves
        });
    }

    /// Waits until nobody holds a [`DrainWatch`] any more, at most for `limit`; whether that was in time.
    pub(crate) async fn finished_within(&self, limit: Duration) -> bool {
        timeout(limit, self.0.closed()).await.is_ok()
    }
}

impl DrainWatch {
    /// For what is noted of a request, which may be held for longer than the request runs.
    pub(crate) fn is_cut(&self) -> IsCut {
        self.1.clone()
    }

    /// Waits for `stage` or a later one. Without anybody left to order it, that is now.
    pub(crate) async fn reached(&mut self, stage: DrainStage) {
        // The error says that the sender is gone: nobody could order the shutdown any more.
        let _ = self.0.wait_for(|now| *now >= stage).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_every_holder_but_no_longer_than_the_limit() {
        let drain = Drain::new();
        let watch = drain.watch();
        assert!(!drain.finished_within(Duration::from_secs(5)).await);
        drop(watch);
        assert!(drain.finished_within(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn stages_only_move_forward() {
        let drain = Drain::new();
        let mut watch = drain.watch();
        let is_cut = watch.is_cut();
        drain.advance(DrainStage::Draining);
        assert!(!is_cut.is_set());
        drain.advance(DrainStage::Cut);
        drain.advance(DrainStage::Draining);
        assert!(is_cut.is_set());
        watch.reached(DrainStage::Draining).await;
        assert_eq!(*watch.0.borrow(), DrainStage::Cut);
    }
}
