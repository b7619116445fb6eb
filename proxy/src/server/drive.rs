//! Running one hyper connection to its end: by itself, by a deadline, or by the drain.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, sleep_until};

use super::activity::{Activity, Expiry};
use super::drain::{DrainWatch, Stage};

/// How long hyper may take to say goodbye on an idle connection (HTTP/2: GOAWAY and the client's reaction).
const GOODBYE: Duration = Duration::from_secs(5);

/// The same on an HTTP/2 connection whose place another one has got.
const EVICTED_GOODBYE: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum Ended<E> {
    /// hyper is done with it.
    ByItself(Result<(), E>),
    /// The same, after it was asked to finish because it was idle or because of the drain.
    AsAsked,
    /// It let go of the socket, which lives on, because nothing had come for a while.
    Resting,
    /// A deadline passed.
    Expired(Expiry),
    /// The shutdown's deadline passed.
    Cut,
}

/// Polls the connection until it ends. Idle ones and those caught by the drain are asked to finish first.
pub(crate) async fn drive<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
    drain: &DrainWatch,
) -> Ended<C::Error> {
    let mut timer = pin!(sleep_until(activity.due().0));
    let (mut to_drain, mut to_cut) = (drain.clone(), drain.clone());
    let (mut to_drain, mut to_cut) = (
        pin!(to_drain.reached(Stage::Draining)),
        pin!(to_cut.reached(Stage::Cut)),
    );
    let mut draining = false;
    let mut said_goodbye = false;
    let mut evicted: Option<Instant> = None;
    loop {
        let step = poll_fn(|cx| {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(Step::Ended(result));
            }
            // Only polling the connection brings deadlines nearer, so that here is the place to look.
            let (due, _) = activity.due();
            if !said_goodbye && due < timer.deadline() {
                timer.as_mut().reset(due);
            }
            if to_cut.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Step::Cut);
            }
            // Whose head is under way is served once more: it cannot know yet.
            if !draining && !activity.is_in_head() && to_drain.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Step::Drain);
            }
            if evicted.is_none() && activity.poll_evicted(cx).is_ready() {
                return Poll::Ready(Step::Evicted);
            }
            timer.as_mut().poll(cx).map(|()| Step::Timer)
        });
        match step.await {
            Step::Ended(Ok(())) if draining || said_goodbye || evicted.is_some() => return Ended::AsAsked,
            Step::Ended(result) => return Ended::ByItself(result),
            Step::Cut => {
                activity.breaks_off(None);
                return Ended::Cut;
            }
            Step::Drain => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            Step::Evicted if activity.gives_way() => {
                // Of a response, or a goodbye, what the socket takes at once.
                connection.as_mut().graceful_shutdown();
                let _ = poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx))).await;
                return Ended::AsAsked;
            }
            // Half a head has no response.
            Step::Evicted if activity.is_in_head() || !activity.may_end_in_order() => return Ended::AsAsked,
            Step::Evicted => {
                connection.as_mut().graceful_shutdown();
                let until = Instant::now() + EVICTED_GOODBYE;
                evicted = Some(until);
                timer.as_mut().reset(until);
            }
            Step::Timer if evicted.is_some_and(|until| until <= Instant::now()) && activity.is_quiet() => {
                return Ended::AsAsked;
            }
            Step::Timer if activity.begins_rest() => {
                connection.as_mut().graceful_shutdown();
                // Done at once, since hyper has nothing to say; else the next answer is its last.
                match poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx))).await {
                    Poll::Ready(Ok(())) => return Ended::Resting,
                    Poll::Ready(Err(error)) => return Ended::ByItself(Err(error)),
                    Poll::Pending => {
                        said_goodbye = true;
                        timer.as_mut().reset(Instant::now() + GOODBYE);
                    }
                }
            }
            // The next turn of this loop polls the connection, which reads.
            Step::Timer if activity.looks() => {}
            Step::Timer => match activity.due() {
                (due, _) if due > Instant::now() => timer.as_mut().reset(due),
                (_, Some(Expiry::Idle)) if !said_goodbye => {
                    said_goodbye = true;
                    connection.as_mut().graceful_shutdown();
                    timer.as_mut().reset(Instant::now() + GOODBYE);
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

enum Step<E> {
    Ended(Result<(), E>),
    Drain,
    Cut,
    Evicted,
    Timer,
}
