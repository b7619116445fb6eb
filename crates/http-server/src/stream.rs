//! One HTTP/2 stream whose client does not take the response.
//!
//! A client can give a stream no window at all and keep the connection alive with pings: hyper then waits without end and
//! polls nothing. So the task that runs a stream keeps a timer as well, from when bytes of the response wait for the
//! client, and drops the stream when the client's time is over: h2 sends `RST_STREAM`, forgets what it has of the
//! response, and the other streams of the connection go on.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::download::{DownloadRate, Overdue, Pace};
use super::drain::{DrainStage, DrainWatch};

/// What a stream's body notes and its task reads. Both run in the same task, one after the other.
#[derive(Debug)]
pub(super) struct StreamPace(Mutex<StreamPaceState>);

#[derive(Debug)]
struct StreamPaceState {
    pace: Pace,
    /// Bytes of the last piece, which hyper holds until the client has room.
    piece: usize,
    overdue: Option<Overdue>,
}

impl StreamPace {
    pub(super) fn new(write_timeout: Duration) -> Self {
        Self(Mutex::new(StreamPaceState {
            pace: Pace::new(write_timeout, DownloadRate::default()),
            piece: 0,
            overdue: None,
        }))
    }

    /// The response's head is there, for which this rate holds.
    pub(super) fn begins(&self, rate: DownloadRate) {
        let mut state = self.lock();
        state.pace.set_rate(rate);
        state.pace.waits();
    }

    /// hyper wants more: what it had is in the client's window.
    pub(super) fn took(&self) {
        let mut state = self.lock();
        let piece = std::mem::take(&mut state.piece);
        state.pace.took(piece);
    }

    /// hyper has got a piece of so many bytes, which waits for the client.
    pub(super) fn gave(&self, bytes: usize) {
        let mut state = self.lock();
        state.piece = bytes;
        state.pace.waits();
    }

    /// Whether the stream was ended because of its client.
    pub(super) fn is_overdue(&self) -> bool {
        self.lock().overdue.is_some()
    }

    fn due(&self) -> Option<(Instant, Overdue)> {
        self.lock().pace.due()
    }

    /// Every change is a plain assignment: a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, StreamPaceState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the streams of one connection, each in a task of its own that the cut and the client's deadline end as well.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    drain: DrainWatch,
    next: NextStream,
}

/// From the service, which is called with a request, to the executor, which hyper gives that request's stream right
/// afterwards, in the same poll.
#[derive(Clone, Debug, Default)]
pub(super) struct NextStream(Arc<Mutex<Option<Arc<StreamPace>>>>);

impl NextStream {
    pub(super) fn set(&self, pace: &Arc<StreamPace>) {
        *self.lock() = Some(Arc::clone(pace));
    }

    fn take(&self) -> Option<Arc<StreamPace>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<StreamPace>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    pub(super) fn new(drain: DrainWatch, next: NextStream) -> Self {
        Self { drain, next }
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut drain = self.drain.clone();
        let pace = self.next.take();
        // Futures within futures hold what they are given several times; there are many streams.
        let stream = Box::pin(stream);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = drain.reached(DrainStage::Cut) => {}
                () = run(stream, pace) => {}
            }
        });
    }
}

/// Runs the stream to its end, or to that of its client's time.
async fn run<F: Future>(mut stream: Pin<Box<F>>, pace: Option<Arc<StreamPace>>) {
    let Some(pace) = pace else {
        stream.await;
        return;
    };
    // Only for a stream that has waited: most never do.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // Only polling the stream changes what is due, so that here is the place to look.
        let Some((due, overdue)) = pace.due() else {
            timer = None;
            return Poll::Pending;
        };
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        ready!(timer.as_mut().poll(cx));
        pace.lock().overdue = Some(overdue);
        Poll::Ready(())
    })
    .await;
}
