//! Lets tests hold a streamed response between its frames.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

/// The gate that every frame but the first of a streamed Bedrock response passes; clones are the same gate.
///
/// Open at first. [`StreamGate::hold`] stops all streams before their next frame; [`StreamGate::release_one`] lets one
/// frame of one stream through, [`StreamGate::open`] all. So a test can see frame one arrive while frame two has
/// certainly not been sent.
#[derive(Clone, Debug)]
pub struct StreamGate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    held: watch::Sender<bool>,
    permits: Semaphore,
    abandoned: watch::Sender<usize>,
    pause: Duration,
}

impl StreamGate {
    pub(crate) fn new(pause: Duration) -> Self {
        Self(Arc::new(Inner {
            held: watch::Sender::new(false),
            permits: Semaphore::new(0),
            abandoned: watch::Sender::new(0),
            pause,
        }))
    }

    /// From now on no stream gets past its next frame.
    pub fn hold(&self) {
        self.0.held.send_replace(true);
    }

    /// While held: one more frame may pass.
    pub fn release_one(&self) {
        self.0.permits.add_permits(1);
    }

    /// Frames pass freely again.
    pub fn open(&self) {
        self.0.held.send_replace(false);
    }

    /// Streams that their reader left before the last frame.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        *self.0.abandoned.borrow()
    }

    /// Waits until a reader has left a stream before its last frame.
    pub async fn wait_for_abandoned(&self) {
        // Fails only where the sender is gone, and that one is in `self`.
        let _ = self.0.abandoned.subscribe().wait_for(|streams| *streams > 0).await;
    }

    /// Watches over one stream of that many frames.
    pub(crate) fn watch(&self, frames: usize) -> StreamWatch {
        StreamWatch {
            gate: self.clone(),
            pause: self.0.pause,
            is_first: true,
            remaining: frames,
        }
    }

    /// Watches over the replies of a stream: nobody knows how many there will be, and they wait for nothing but
    /// the gate.
    pub(crate) fn watch_replies(&self) -> StreamWatch {
        let mut watch = self.watch(usize::MAX);
        watch.pause = Duration::ZERO;
        watch
    }
}

/// One stream's way through the gate; dropped early it counts as abandoned.
pub(crate) struct StreamWatch {
    gate: StreamGate,
    pause: Duration,
    is_first: bool,
    remaining: usize,
}

impl StreamWatch {
    /// Waits until the next frame may be sent.
    pub(crate) async fn pass(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            let inner = &self.gate.0;
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            let mut held = inner.held.subscribe();
            tokio::select! {
                biased;
                _ = held.wait_for(|held| !held) => {}
                permit = inner.permits.acquire() => {
                    if let Ok(permit) = permit {
                        permit.forget();
                    }
                }
            }
        }
        self.remaining = self.remaining.saturating_sub(1);
    }

    /// There are no more frames, whatever was said at first.
    pub(crate) fn end(&mut self) {
        self.remaining = 0;
    }
}

impl Drop for StreamWatch {
    fn drop(&mut self) {
        if self.remaining > 0 {
            self.gate.0.abandoned.send_modify(|streams| *streams += 1);
        }
    }
}
