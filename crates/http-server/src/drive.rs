//! Running one hyper connection to its end: by itself, by a deadline, or by the drain.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, sleep_until};

use super::activity::{Activity, Expiry};
use super::drain::{DrainStage, DrainWatch};

/// How long hyper may take to close an idle connection (HTTP/2: GOAWAY and the client's reaction).
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The same on an HTTP/2 connection whose place another one has got.
const EVICTED_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum Ended<E> {
    /// hyper is done with it.
    ByItself(Result<(), E>),
    /// The same, after it was ordered to finish because it was idle or because of the drain.
    AsOrdered,
    /// It let go of the socket, which lives on, because nothing had come for a while.
    Resting,
    /// A deadline passed.
    Expired(Expiry),
    /// The shutdown's deadline passed.
    Cut,
}

/// Polls the connection until it ends. Idle ones and those caught by the drain are ordered to finish first.
pub(crate) async fn drive<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
    drain: &DrainWatch,
) -> Ended<C::Error> {
    let mut timer = pin!(sleep_until(activity.due().0));
    let (mut to_drain, mut to_cut) = (drain.clone(), drain.clone());
    let (mut to_drain, mut to_cut) = (
        pin!(to_drain.reached(DrainStage::Draining)),
        pin!(to_cut.reached(DrainStage::Cut)),
    );
    let mut draining = false;
    let mut is_closing = false;
    let mut evicted: Option<Instant> = None;
    loop {
        let step = poll_fn(|cx| {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(DriveEvent::Ended(result));
            }
            // Only polling the connection brings deadlines nearer, so that here is the place to look.
            let (due, _) = activity.due();
            if !is_closing && due < timer.deadline() {
                timer.as_mut().reset(due);
            }
            if to_cut.as_mut().poll(cx).is_ready() {
                return Poll::Ready(DriveEvent::Cut);
            }
            // Whose head is under way is served once more: it cannot know yet.
            if !draining && !activity.is_in_head() && to_drain.as_mut().poll(cx).is_ready() {
                return Poll::Ready(DriveEvent::Drain);
            }
            if evicted.is_none() && activity.poll_evicted(cx).is_ready() {
                return Poll::Ready(DriveEvent::Evicted);
            }
            timer.as_mut().poll(cx).map(|()| DriveEvent::Timer)
        });
        match step.await {
            DriveEvent::Ended(Ok(())) if draining || is_closing || evicted.is_some() => return Ended::AsOrdered,
            DriveEvent::Ended(result) => return Ended::ByItself(result),
            DriveEvent::Cut => {
                activity.breaks_off(None);
                return Ended::Cut;
            }
            DriveEvent::Drain => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            DriveEvent::Evicted if activity.gives_way() => {
                // Of a response, or a GOAWAY, what the socket takes at once.
                connection.as_mut().graceful_shutdown();
                let _ = poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx))).await;
                return Ended::AsOrdered;
            }
            // Half a head has no response.
            DriveEvent::Evicted if activity.is_in_head() || !activity.may_end_in_order() => return Ended::AsOrdered,
            DriveEvent::Evicted => {
                connection.as_mut().graceful_shutdown();
                let until = Instant::now() + EVICTED_CLOSE_TIMEOUT;
                evicted = Some(until);
                timer.as_mut().reset(until);
            }
            DriveEvent::Timer if evicted.is_some_and(|until| until <= Instant::now()) && activity.is_quiet() => {
                return Ended::AsOrdered;
            }
            DriveEvent::Timer if activity.begins_rest() => {
                connection.as_mut().graceful_shutdown();
                // Done at once, since hyper has nothing to write; else the next response is its last.
                match poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx))).await {
                    Poll::Ready(Ok(())) => return Ended::Resting,
                    Poll::Ready(Err(error)) => return Ended::ByItself(Err(error)),
                    Poll::Pending => {
                        is_closing = true;
                        timer.as_mut().reset(Instant::now() + CLOSE_TIMEOUT);
                    }
                }
            }
            // The next turn of this loop polls the connection, which reads.
            DriveEvent::Timer if activity.looks() => {}
            DriveEvent::Timer => match activity.due() {
                (due, _) if due > Instant::now() => timer.as_mut().reset(due),
                (_, Some(Expiry::Idle)) if !is_closing => {
                    is_closing = true;
                    connection.as_mut().graceful_shutdown();
                    timer.as_mut().reset(Instant::now() + CLOSE_TIMEOUT);
                }
                (_, Some(expiry)) => {
                    activity.breaks_off(Some(expiry));
                    return Ended::Expired(expiry);
                }
                (due, None) => timer.as_mut().reset(due),
            },
        }
    }
}

enum DriveEvent<E> {
    Ended(Result<(), E>),
    Drain,
    Cut,
    Evicted,
    Timer,
}
