//! The reader as hyper sees it, without a socket: for tests and for the fuzz target.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use super::*;
use crate::clients;
use crate::limits::ServerLimits;

/// Input that comes in pieces, and then an end.
struct PieceReader(VecDeque<Vec<u8>>);

impl AsyncRead for PieceReader {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let pieces = &mut self.get_mut().0;
        if let Some(mut piece) = pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(buf.remaining()));
            if !rest.is_empty() {
                pieces.push_front(rest);
            }
            buf.put_slice(&piece);
        }
        Poll::Ready(Ok(()))
    }
}

impl Reset for PieceReader {
    fn reset_on_close(&self) {}

    fn is_reset(&self) -> bool {
        false
    }

    fn has_ended(&self) -> bool {
        false
    }
}

/// Nothing waits here: their times do not matter.
const LIMITS: ServerLimits = ServerLimits {
    header_timeout: Duration::from_secs(5),
    idle_timeout: Duration::from_secs(75),
    write_timeout: Duration::from_secs(10),
    max_header_bytes: ServerLimits::LEAST_HEADER_BYTES,
    http2_max_header_bytes: ServerLimits::LEAST_HEADER_BYTES,
    max_clients: 1,
    reserve_percent: 0,
    place_kept: ServerLimits::PLACE_KEPT,
    busy_give_way: false,
};

/// What hyper gets to see of one request, or how the input ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// A whole request that nothing was found against.
    Request(Vec<u8>),
    /// What stands in for an ambiguous head.
    Ambiguous(AmbiguousHead, Vec<u8>),
    Malformed(Rejection),
    BrokenBody(String),
    /// A request whose body the input ends in.
    Cut(Vec<u8>),
}

/// Serves what the reader hands over as hyper would, which takes `room` bytes at a time: a request, its response, the
/// next one.
///
/// # Panics
///
/// Where a byte of the next request is handed over while one runs.
pub(crate) fn play(pieces: &[&[u8]], max: usize, room: usize) -> Vec<Seen> {
    let handed_over = Arc::new(HandedOver::default());
    let activity = Activity::new(LIMITS, clients::Place::of_nobody());
    let mut reader = HeadReader::new(b"", max, usize::MAX, Arc::clone(&handed_over));
    let pieces = pieces.iter().filter(|piece| !piece.is_empty());
    let mut io = PieceReader(pieces.map(|piece| piece.to_vec()).collect());
    let mut cx = Context::from_waker(Waker::noop());
    let (mut seen, mut request, mut found) = (Vec::new(), Vec::new(), None);
    let mut memory = vec![0; room.max(1)];
    loop {
        let mut buf = ReadBuf::new(&mut memory);
        match reader.poll_read(&mut io, &activity, &mut cx, &mut buf) {
            Poll::Ready(Ok(())) if buf.filled().is_empty() => {
                seen.extend(reader.malformed().map(|(malformed, _)| Seen::Malformed(*malformed)));
                if !request.is_empty() {
                    seen.push(Seen::Cut(request));
                }
                return seen;
            }
            Poll::Ready(Ok(())) => request.extend_from_slice(buf.filled()),
            Poll::Ready(Err(error)) => {
                seen.push(Seen::BrokenBody(error.to_string()));
                return seen;
            }
            // All of the input is there at once, and a request's response follows it at once.
            Poll::Pending => assert!(matches!(reader.position, ReadPosition::Rejected)),
        }
        if handed_over.is_pending() && request.windows(4).any(|window| window == b"\r\n\r\n") {
            found = handed_over.take();
            activity.started(false);
        }
        if let Some(found) = found.filter(|_| reader.cleared == 0) {
            seen.push(Seen::Ambiguous(found, request));
            return seen;
        }
        if !handed_over.is_pending() && matches!(reader.position, ReadPosition::Head) && reader.cleared == 0 {
            let mut buf = ReadBuf::new(&mut memory);
            let early = reader.poll_read(&mut io, &activity, &mut cx, &mut buf);
            assert!(matches!(early, Poll::Pending | Poll::Ready(Ok(()))), "{early:?}");
            assert!(buf.filled().is_empty(), "handed over while a request runs");
            seen.push(Seen::Request(std::mem::take(&mut request)));
            activity.finished();
            activity.flushed();
        }
    }
}
