//! Hands hyper one HTTP/1 head at a time, checked, and then exactly the bytes of its body.
//!
//! hyper reads ahead, and forgives in a head what another reader may take for something else: two lengths, a `#`, a
//! line feed alone. So every head is read here first, whatever it is pipelined behind: from the first byte to the
//! empty line, at most `server.max_header_bytes`. Its framing says which bytes behind it are its body, and chunks are
//! followed one by one. What comes behind the body stays here until the response to this request is written. Thus the
//! request that hyper hands over next is always that of the head which was checked last.
//!
//! - A head without a flaw passes as it is, but for raw bytes in its [target](mod@target), which are escaped.
//! - An ambiguous one never reaches hyper. Its [substitute](mod@check) does, with what was found, for the handler, which
//!   rejects the request like any other; nothing behind it is ever read as a request.
//! - A malformed one ends the input, and [`HeadReader::malformed`] says why, for the connection to write the response.
//!
//! See `docs/decisions/0007-heads.md`.

mod ambiguous;
mod check;
mod chunked;
mod framing;
mod input_buffer;
mod malformed;
mod next;
#[cfg(any(test, fuzzing))]
pub(crate) mod play;
mod target;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

pub use self::ambiguous::AmbiguousHead;
pub(crate) use self::ambiguous::HandedOver;
use self::check::{Checked, FEW_FIELDS, Flaw, check};
use self::framing::Framing;
use self::input_buffer::InputBuffer;
pub(crate) use self::target::in_uri as escape_uri;
use super::abort::Reset;
use super::activity::Activity;
use super::head_start::HeadStart;
use super::rejection::Rejection;

/// Between a client's socket and hyper, on HTTP/1.
#[derive(Debug)]
pub(crate) struct HeadReader {
    /// Read and not handed over.
    input: InputBuffer,
    /// So many bytes at the beginning of `input` may be handed over.
    cleared: usize,
    position: ReadPosition,
    scan: Scan,
    /// The longest head, in bytes.
    max: usize,
    /// Fields of a head that hyper takes.
    most_fields: usize,
    /// Fields of the head that is to be read next, where hyper has to be set up for more of them.
    wanted_fields: Option<usize>,
    handed_over: Arc<HandedOver>,
    /// Why a head ended the input, and what could be read of it.
    malformed: Option<(Rejection, HeadStart)>,
}

/// What the next byte that is not cleared belongs to.
#[derive(Debug)]
enum ReadPosition {
    /// A head.
    Head,
    /// The body of the last head.
    Body(Framing),
    /// Nothing: the last head was ambiguous, its response is all that is still to come.
    Rejected,
    /// A body that nobody can find the end of.
    Broken(&'static str),
    /// Nothing, and hyper is to take that for the end of the input.
    Over,
}

/// How far a head has been looked through for its end.
#[derive(Debug, Default)]
struct Scan {
    at: usize,
    line: usize,
    has_bare_line_feed: bool,
}

/// What waiting for a head came to.
enum Waited {
    /// A verdict on a head.
    Decided,
    /// The input has ended.
    Ended,
}

impl HeadReader {
    /// Fields of a head that hyper takes unless it is set up for more, which costs each request memory from the heap.
    pub(crate) const FEW_FIELDS: usize = FEW_FIELDS;

    /// What a field beyond those counts besides its bytes, as each does on HTTP/2 (RFC 9113, section 6.5.2): fields of four
    /// bytes would else take many times as much of memory as they have bytes.
    const FIELD_BYTES: usize = 32;

    /// Begins with the bytes `read` so far; heads may have `max` bytes, and as many fields as hyper is set up for. The
    /// verdict on each goes to `handed_over`.
    pub(crate) fn new(read: &[u8], max: usize, most_fields: usize, handed_over: Arc<HandedOver>) -> Self {
        let mut input = InputBuffer::default();
        input.append(read);
        Self {
            input,
            cleared: 0,
            position: ReadPosition::Head,
            scan: Scan::default(),
            max,
            most_fields,
            wanted_fields: None,
            handed_over,
            malformed: None,
        }
    }

    /// Why the input was ended, if a malformed head did that, and what could be read of that.
    pub(crate) fn malformed(&self) -> Option<&(Rejection, HeadStart)> {
        self.malformed.as_ref()
    }

    /// How many fields the next head has, if that ended the input: hyper has to be set up again for it.
    pub(crate) fn wanted_fields(&self) -> Option<usize> {
        self.wanted_fields
    }

    /// What was read and not handed over.
    pub(crate) fn into_unread(self) -> Bytes {
        Bytes::copy_from_slice(self.input.bytes())
    }

    /// Fills `buf` with the next bytes that hyper may see; none at the end of the input.
    pub(crate) fn poll_read<T: AsyncRead + Reset + Unpin>(
        &mut self,
        io: &mut T,
        activity: &Activity,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.cleared > 0 {
                let count = self.cleared.min(buf.remaining());
                buf.put_slice(self.input.bytes().get(..count).unwrap_or_default());
                self.input.consume(count);
                self.cleared -= count;
                return Poll::Ready(Ok(()));
            }
            match &self.position {
                ReadPosition::Head => match ready!(self.poll_head(io, activity, cx))? {
                    Waited::Decided => {}
                    Waited::Ended => return Poll::Ready(Ok(())),
                },
                ReadPosition::Body(_) if self.input.is_empty() => return self.poll_body(io, activity, cx, buf),
                ReadPosition::Body(_) => self.clear_body(),
                // Without a waker: what comes next is the response, and with it the connection's end.
                ReadPosition::Rejected => return Poll::Pending,
                ReadPosition::Broken(why) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, *why))),
                ReadPosition::Over => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Waits for a whole head, and before that for the response to the request before it.
    fn poll_head<T: AsyncRead + Reset + Unpin>(
        &mut self,
        io: &mut T,
        activity: &Activity,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Waited>> {
        if self.handed_over.is_pending() {
            // hyper wants more of a head that is complete. Whatever it takes it for, it gets no more.
            tracing::warn!("a checked request head was not taken as one; this is a defect of the proxy");
            self.position = ReadPosition::Over;
            return Poll::Ready(Ok(Waited::Decided));
        }
        if activity.poll_quiet(cx).is_pending() {
            // Read on only to notice when the client leaves; with bytes of a next request here it is looked at.
            self.skip_empty_lines();
            while self.input.is_empty() {
                if ready!(self.input.poll_fill(io, cx))? == 0 {
                    return activity.received_end(cx).map(|()| Ok(Waited::Ended));
                }
                self.skip_empty_lines();
            }
            if io.is_reset() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            activity.holds_more(io.has_ended());
            return Poll::Pending;
        }
        loop {
            self.skip_empty_lines();
            if !self.input.is_empty() {
                activity.received();
                if let Some(end) = self.scan.find_end(self.input.bytes()) {
                    return Poll::Ready(self.decide(end, io, cx).map(|()| Waited::Decided));
                }
                if self.input.bytes().len() >= self.max {
                    self.end_with(Rejection::HeadTooLong);
                    return Poll::Ready(Ok(Waited::Decided));
                }
            }
            if ready!(self.input.poll_fill(io, cx))? == 0 {
                return activity.received_end(cx).map(|()| Ok(Waited::Ended));
            }
        }
    }

    /// Empty lines before a request line are no part of it (RFC 9112, section 2.2); old clients send one after a body.
    fn skip_empty_lines(&mut self) {
        while self.scan.line == 0 {
            match self.input.bytes() {
                [b'\r', b'\n', ..] => self.input.consume(2),
                [b'\n', ..] => {
                    self.scan.has_bare_line_feed = true;
                    self.input.consume(1);
                }
                _ => return,
            }
            // The carriage return may have come alone, and been looked at.
            self.scan.at = 0;
        }
    }

    /// Judges the head that ends at `end`.
    fn decide<T: AsyncRead + Unpin>(&mut self, end: usize, io: &mut T, cx: &mut Context<'_>) -> io::Result<()> {
        let has_bare_line_feed = self.scan.has_bare_line_feed;
        self.scan = Scan::default();
        if end > self.max {
            self.end_with(Rejection::HeadTooLong);
            return Ok(());
        }
        let mut verdict = self.check(end, has_bare_line_feed);
        let lacks_length = verdict.as_ref().is_ok_and(|checked| checked.lacks_length);
        // A body that was not announced may be in the socket. If it is not there yet, nobody knows whether it comes.
        if lacks_length
            && self.input.bytes().len() == end
            && let Poll::Ready(read) = self.input.poll_fill(io, cx)?
            && read > 0
        {
            verdict = self.check(end, has_bare_line_feed);
        }
        self.follow(end, verdict);
        Ok(())
    }

    fn check(&self, end: usize, has_bare_line_feed: bool) -> Result<Checked, Flaw> {
        let (head, behind) = self.input.bytes().split_at_checked(end).unwrap_or_default();
        check(head, behind, has_bare_line_feed)
    }

    fn follow(&mut self, end: usize, verdict: Result<Checked, Flaw>) {
        match verdict {
            // Also where hyper is set up for them, because of an earlier head.
            Ok(Checked { fields, .. }) if Self::counted(end, fields) > self.max => {
                self.end_with(Rejection::HeadTooLong);
            }
            Ok(Checked { fields, .. }) if fields > self.most_fields => {
                self.wanted_fields = Some(fields);
                self.position = ReadPosition::Over;
            }
            Ok(Checked {
                escaped: Some(head), ..
            }) if head.len() > self.max => self.end_with(Rejection::HeadTooLong),
            Ok(Checked { escaped, framing, .. }) => {
                self.handed_over.put(None);
                self.cleared = escaped.as_ref().map_or(end, Vec::len);
                if let Some(head) = escaped {
                    self.input.replace_first(end, &head);
                }
                self.position = framing.map_or(ReadPosition::Head, ReadPosition::Body);
                self.clear_body();
            }
            Err(Flaw::Ambiguous(found, substitute)) => {
                self.handed_over.put(Some(found));
                self.input.clear();
                self.input.append(&substitute);
                self.cleared = substitute.len();
                self.position = ReadPosition::Rejected;
            }
            Err(Flaw::Malformed(malformed)) => self.end_with(malformed),
        }
    }

    /// What a head of so many bytes and fields counts.
    fn counted(bytes: usize, fields: usize) -> usize {
        bytes.saturating_add(fields.saturating_sub(FEW_FIELDS).saturating_mul(Self::FIELD_BYTES))
    }

    fn end_with(&mut self, malformed: Rejection) {
        self.malformed = Some((malformed, HeadStart::of(self.input.bytes())));
        self.input.clear();
        self.position = ReadPosition::Over;
    }

    /// Clears what of the held bytes behind the cleared ones belongs to the body.
    fn clear_body(&mut self) {
        let ReadPosition::Body(framing) = &mut self.position else {
            return;
        };
        match framing.advance(self.input.bytes().get(self.cleared..).unwrap_or_default()) {
            Ok(advanced) => {
                self.cleared += advanced.used;
                if advanced.is_over {
                    self.position = ReadPosition::Head;
                }
            }
            Err(why) => self.position = ReadPosition::Broken(why),
        }
    }

    /// Reads the body from the socket straight into hyper's buffer; what does not belong to it is kept back.
    fn poll_body<T: AsyncRead + Unpin>(
        &mut self,
        io: &mut T,
        activity: &Activity,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ReadPosition::Body(framing) = &mut self.position else {
            return Poll::Ready(Ok(()));
        };
        let before = buf.filled().len();
        ready!(Pin::new(io).poll_read(cx, buf))?;
        let read = buf.filled().get(before..).unwrap_or_default();
        if read.is_empty() {
            activity.received_end_of_body();
            return Poll::Ready(Ok(()));
        }
        match framing.advance(read) {
            Ok(advanced) => {
                self.input.append(read.get(advanced.used..).unwrap_or_default());
                if advanced.is_over {
                    self.position = ReadPosition::Head;
                }
                buf.set_filled(before + advanced.used);
                Poll::Ready(Ok(()))
            }
            Err(why) => {
                buf.set_filled(before);
                self.position = ReadPosition::Broken(why);
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)))
            }
        }
    }
}

impl Scan {
    /// Where the head ends that `bytes` begin with: behind its first empty line. What was looked at before is not
    /// looked at again.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(found) = bytes.get(self.at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let line_feed = self.at + found;
            let line = bytes.get(self.line..line_feed).unwrap_or_default();
            self.at = line_feed + 1;
            self.line = self.at;
            self.has_bare_line_feed |= line.last() != Some(&b'\r');
            if matches!(line, [] | [b'\r']) {
                return Some(self.at);
            }
        }
        self.at = bytes.len();
        None
    }
}
