//! What one client connection is doing, and by when it has to do something else.
//!
//! hyper has one timer for "waiting for a request" and "reading its head" on HTTP/1 and none at all for idle
//! HTTP/2 connections or clients that stop reading. So the socket wrapper, the service and the bodies write
//! down here what happens, and [`super::drive`] keeps one timer per connection that reads [`Activity::due`].

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::clients::{IdleKind, Place};
use super::download::{DownloadRate, Overdue, Pace};
pub(crate) use super::expiry::Expiry;
use super::half_closed::HalfClosed;
use super::limits::ServerLimits;
use super::response_backlog::ResponseBacklog;

/// How long after a response an HTTP/1 connection keeps hyper's buffers, 16 KiB, for a next request. Making them again
/// costs about a microsecond, so a client that waits longer than this does not notice.
const REST_AFTER: Duration = Duration::from_millis(100);

/// Shared by the parts of one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    limits: ServerLimits,
    state: Mutex<ActivityState>,
    /// Among all connections. Locked by itself, or after `state`.
    place: Mutex<Place>,
    /// HTTP/1: what hyper has not written yet.
    pub(crate) backlog: ResponseBacklog,
}

#[derive(Debug)]
struct ActivityState {
    phase: Phase,
    /// Requests handed over whose response has not ended; several on HTTP/2.
    in_flight: usize,
    /// How fast the client takes what is written to the socket.
    pace: Pace,
    broken: Broken,
    /// The client has closed its sending side while a request runs whose body is complete.
    half_closed: HalfClosed,
    /// The client has closed its sending side.
    ended: bool,
    /// HTTP/2: frames come and go at any time, and several requests run at once.
    multiplexed: bool,
    /// Whoever waits for bytes that [`Activity::received_end`] or [`Activity::poll_quiet`] keeps from it.
    reader: Option<Waker>,
}

/// Whether the connection was ended in the middle of a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    No,
    Off,
    /// Because its client did not take its responses fast enough.
    TooSlow,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Connected, and nothing has arrived yet.
    New(Instant),
    /// HTTP/1: the response is written, but hyper may still want some of its request's body.
    Written(Instant),
    /// Every response is also written; nothing of a next request is there, which hyper waits for.
    Quiet(Instant),
    /// The same for longer, on HTTP/1: hyper is to let go of the socket, or has.
    Resting(Instant),
    /// The head of a request has begun.
    Head(Instant),
    /// A request runs, or its response is not yet written to the end.
    Busy,
}

impl Activity {
    pub(crate) fn new(limits: ServerLimits, place: Place) -> Self {
        let state = ActivityState {
            phase: Phase::New(Instant::now()),
            in_flight: 0,
            pace: Pace::new(limits.write_timeout, DownloadRate::default()),
            broken: Broken::No,
            half_closed: HalfClosed::new(),
            ended: false,
            multiplexed: false,
            reader: None,
        };
        Self {
            limits,
            state: Mutex::new(state),
            place: Mutex::new(place),
            backlog: ResponseBacklog::default(),
        }
    }

    /// The client speaks HTTP/2. Slow heads are then no matter of their own: nothing else gets past one,
    /// so that idle timeout and unanswered pings end them.
    pub(crate) fn multiplex(&self) {
        let mut state = self.lock();
        state.multiplexed = true;
        state.phase = Phase::Quiet(Instant::now());
    }

    /// Bytes arrived; whether they are the first of a request's head.
    pub(crate) fn received(&self) -> bool {
        let mut state = self.lock();
        let begins = !state.multiplexed && matches!(state.phase, Phase::New(_) | Phase::Quiet(_) | Phase::Resting(_));
        if begins {
            state.phase = Phase::Head(Instant::now());
            self.place().take_back();
        }
        begins
    }

    /// Whether every response so far is written, so that another request, which hyper waits for, may be read. Else
    /// whoever polls is woken when it is.
    pub(crate) fn poll_quiet(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Busy) {
            if matches!(state.phase, Phase::Written(_)) {
                state.phase = Phase::Quiet(Instant::now());
            }
            return Poll::Ready(());
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether the head of a request has begun and is not complete yet.
    pub(crate) fn is_in_head(&self) -> bool {
        let state = self.lock();
        !state.multiplexed && matches!(state.phase, Phase::Head(_))
    }

    /// The client closed its sending side, in the middle of a body: the request will never be complete.
    pub(crate) fn received_end_of_body(&self) {
        self.lock().ended = true;
    }

    /// The client closed its sending side, not in a body. `Pending` if hyper, which would take the client for gone, should
    /// not hear of it yet: so while an HTTP/1 request runs, or its response is not written to the end.
    pub(crate) fn received_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        state.ended = true;
        if state.multiplexed || !matches!(state.phase, Phase::Busy) {
            return Poll::Ready(());
        }
        state.half_closed.closed();
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Bytes of a next request are here while one runs, and the client has closed its sending side behind them, or not:
    /// it is looked at again in a second.
    pub(crate) fn holds_more(&self, is_closed: bool) {
        let half_closed = &mut self.lock().half_closed;
        half_closed.watch();
        if is_closed {
            half_closed.closed();
        }
    }

    /// Whether the client has closed its sending side.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// A response has begun, for which this rate holds.
    pub(crate) fn responds(&self, rate: DownloadRate) {
        let mut state = self.lock();
        state.pace.set_rate(rate);
        state.half_closed.responds();
    }

    /// The socket took bytes, or would not.
    pub(crate) fn wrote(&self, written: &Poll<io::Result<usize>>) {
        let mut state = self.lock();
        if let Poll::Ready(written) = written {
            state.pace.took(written.as_ref().map_or(0, |bytes| *bytes));
            state.half_closed.wrote();
        } else {
            state.pace.waits();
        }
    }

    /// Nothing is left in hyper's write buffer.
    pub(crate) fn flushed(&self) {
        self.backlog.flushed();
        let mut state = self.lock();
        if state.in_flight == 0 && matches!(state.phase, Phase::Busy) {
            state.phase = Phase::Written(Instant::now());
            if let Some(reader) = state.reader.take() {
                reader.wake();
            }
        }
    }

    /// Whether nobody but hyper itself can be the author of what is being written.
    pub(crate) fn nobody_responds(&self) -> bool {
        !matches!(self.lock().phase, Phase::Busy)
    }

    /// A request is handed over; [`Activity::finished`] follows when its response has ended.
    /// `is_safe`: it changes nothing at the service.
    pub(crate) fn started(&self, is_safe: bool) {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.in_flight += 1;
        state.half_closed.started(is_safe);
        self.place().take_back();
    }

    /// A response has ended or was dropped.
    pub(crate) fn finished(&self) {
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        if state.in_flight > 0 {
            return;
        }
        state.half_closed.finished();
        if state.multiplexed {
            // On HTTP/1 the response first has to leave hyper's buffer, see `flushed`.
            state.phase = Phase::Quiet(Instant::now());
        }
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Whether nothing has come for a while after a response on an HTTP/1 connection. From then on it rests, until
    /// something comes.
    pub(crate) fn begins_rest(&self) -> bool {
        let mut state = self.lock();
        match state.phase {
            Phase::Quiet(since) if !state.multiplexed && since.elapsed() >= REST_AFTER => {
                state.phase = Phase::Resting(since);
                true
            }
            _ => false,
        }
    }

    /// Whether the socket lives on when hyper is done with it.
    pub(crate) fn rests(&self) -> bool {
        matches!(self.lock().phase, Phase::Resting(_))
    }

    /// When the connection's time is over if nothing else happens, and for which reason; `None` as the
    /// reason means: look again then.
    pub(crate) fn due(&self) -> (Instant, Option<Expiry>) {
        let state = self.lock();
        let limits = &self.limits;
        let phase = match state.phase {
            Phase::New(since) => (since + limits.header_timeout, Some(Expiry::Idle)),
            // From then on it rests, or another connection may have its place.
            Phase::Quiet(since) if !state.multiplexed || since.elapsed() < REST_AFTER => (since + REST_AFTER, None),
            Phase::Written(since) | Phase::Quiet(since) | Phase::Resting(since) => {
                (since + limits.idle_timeout, Some(Expiry::Idle))
            }
            // From then on another connection may have its place.
            Phase::Head(since) if !self.is_slow_head(since) => (since + limits.place_kept, None),
            Phase::Head(since) => (since + limits.header_timeout, Some(Expiry::Head)),
            Phase::Busy => (Instant::now() + limits.idle_timeout, None),
        };
        let blocked = state.pace.due().map(|(at, overdue)| {
            let expiry = match overdue {
                Overdue::Stopped => Expiry::Write,
                Overdue::Slow => Expiry::Slow,
            };
            (at, Some(expiry))
        });
        let half_closed = state.half_closed.due().map(|at| (at, Some(Expiry::HalfClosed)));
        let look = state.half_closed.look_at().map(|at| (at, None));
        [Some(phase), blocked, half_closed, look]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
            .unwrap_or(phase)
    }

    /// Whether it is time to read from the socket again, since a reset may have come behind the end of the client's side.
    pub(crate) fn looks(&self) -> bool {
        self.lock().half_closed.looks()
    }

    /// The connection ends for this reason, whatever it is doing; to be called before what runs on it is dropped.
    pub(crate) fn breaks_off(&self, expiry: Option<Expiry>) {
        let mut state = self.lock();
        state.broken = match expiry {
            Some(Expiry::Write | Expiry::Slow) => Broken::TooSlow,
            Some(Expiry::Idle | Expiry::Head | Expiry::HalfClosed) | None if state.in_flight > 0 => Broken::Off,
            Some(Expiry::Idle | Expiry::Head | Expiry::HalfClosed) | None => Broken::No,
        };
    }

    /// Whether the connection was ended because its client took its responses too slowly.
    pub(crate) fn is_too_slow(&self) -> bool {
        self.lock().broken == Broken::TooSlow
    }

    /// Whether the connection, which ends now, is in the middle of a response, or was ended there.
    ///
    /// On HTTP/1 this does not depend on why it ends. On HTTP/2 a response that is not whole shows as such by itself.
    pub(crate) fn has_broken_off(&self) -> bool {
        let state = self.lock();
        state.broken != Broken::No || (!state.multiplexed && matches!(state.phase, Phase::Busy))
    }

    /// The connection waits for a request: another one may have its place.
    pub(crate) fn offer_place(&self) {
        let kind = match self.lock().phase {
            Phase::New(_) => IdleKind::Fresh,
            Phase::Quiet(_) | Phase::Resting(_) => IdleKind::Rested,
            Phase::Head(since) if self.is_slow_head(since) => IdleKind::Rested,
            Phase::Written(_) | Phase::Head(_) | Phase::Busy if self.limits.busy_give_way => IdleKind::Rested,
            Phase::Written(_) | Phase::Head(_) | Phase::Busy => return,
        };
        self.place().offer(kind);
    }

    /// Whether the head that began then could have been there by now.
    fn is_slow_head(&self, since: Instant) -> bool {
        since.elapsed() >= self.limits.place_kept
    }

    /// Ready when another connection has got the place. This is also where the place is offered: on HTTP/2 once nothing
    /// has run for a while, on HTTP/1 while a head does not become whole.
    pub(crate) fn poll_evicted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let may_offer = self.limits.busy_give_way || {
            let state = self.lock();
            match state.phase {
                Phase::Quiet(since) => state.multiplexed && since.elapsed() >= REST_AFTER,
                Phase::Head(since) => self.is_slow_head(since),
                Phase::New(_) | Phase::Written(_) | Phase::Resting(_) | Phase::Busy => false,
            }
        };
        if may_offer {
            self.offer_place();
        }
        self.place().poll_evicted(cx)
    }

    /// The same while the connection is only being closed: never, where those that are busy keep their place.
    pub(crate) fn poll_cut_short(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.gives_way() {
            self.poll_evicted(cx)
        } else {
            Poll::Pending
        }
    }

    /// Whether the connection ends at once when another one has got its place, whatever runs on it.
    pub(crate) fn gives_way(&self) -> bool {
        self.limits.busy_give_way
    }

    /// Whether the connection has a place, which it may have got again.
    pub(crate) fn takes_place(&self) -> bool {
        self.place().take_back()
    }

    /// Whether another connection has its place.
    pub(crate) fn has_lost_place(&self) -> bool {
        self.place().is_lost()
    }

    /// Whether requests are to be rejected, because the client is beyond its share of connections: there was no place
    /// for this one, or another one has it.
    pub(crate) fn is_over_share(&self) -> bool {
        let place = self.place();
        place.is_rejected() || place.is_lost()
    }

    /// Whether a connection without a place may take its time to end in order.
    pub(crate) fn may_end_in_order(&self) -> bool {
        self.place().may_end_in_order()
    }

    /// Whether nothing runs.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.lock().phase, Phase::Quiet(_))
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No half-made state can be left behind by a panic: every change above is a plain assignment.
    fn lock(&self) -> MutexGuard<'_, ActivityState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
