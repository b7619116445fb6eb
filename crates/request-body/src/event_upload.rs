//! A client's event stream while it passes: each message goes on in an envelope with our signature.
//!
//! One message is held at a time, since its signature stands before it; nothing more is read before it was taken. The
//! stream ends with an envelope around nothing, made once the client has ended where it should: at the end of a
//! message. Anything else breaks it off, which the service sees as a reset.

use std::fmt;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use resource_limits::Grant;
use signer::{Envelope, EventSigner};

use super::client_stream::ClientStream;
use super::conversation::Conversation;
use super::error::{BodyErrorKind, BoxError, EventStreamError};
use super::event_message::{Gatherer, Message};

/// Puts messages into signed envelopes, each at its own time.
pub struct Sealer {
    signer: EventSigner,
    now: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

/// A client's messages before anything of them was taken.
#[derive(Debug)]
pub struct EventStream {
    /// Where they come from.
    pub stream: ClientStream,
    /// What they belong to.
    pub conversation: Conversation,
    /// Bytes that the message that is being gathered may take; grows with it.
    pub memory: Grant,
    /// Bytes that may come.
    pub max: u64,
}

/// A client's messages on their way, in envelopes.
#[derive(Debug)]
pub(super) struct EventUpload {
    source: EventStream,
    sealer: Sealer,
    gatherer: Gatherer,
    /// Off the wire, but in no message yet.
    unread: Bytes,
    received: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Messages come.
    Open,
    /// The last envelope went out; the client has not closed its side yet.
    Ended,
    /// Nothing more will go out.
    Over,
}

impl Sealer {
    /// Signs from the head's signature on, at the time that `now` says it is where signatures are verified.
    pub fn new(signer: EventSigner, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            signer,
            now: Box::new(now),
        }
    }

    /// Completes the envelope of a message that stands behind room for its head.
    fn seal(&mut self, mut gathered: BytesMut) -> Result<Bytes, BoxError> {
        let (head, message) = gathered
            .split_first_chunk_mut::<{ Envelope::HEAD }>()
            .ok_or("there is no room for an envelope")?;
        let envelope = self.signer.sign(message, (self.now)())?;
        *head = *envelope.head();
        gathered.extend_from_slice(envelope.tail());
        Ok(gathered.freeze())
    }

    /// The envelope around nothing.
    fn end(&mut self) -> Result<Bytes, BoxError> {
        self.seal(BytesMut::zeroed(Envelope::HEAD))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl EventUpload {
    pub(super) fn new(source: EventStream, sealer: Sealer) -> Self {
        Self {
            source,
            sealer,
            gatherer: Gatherer::default(),
            unread: Bytes::new(),
            received: 0,
            state: State::Open,
        }
    }

    /// The next envelope. After an error there is none: the one that ends the stream never comes.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if self.state == State::Over {
            return Poll::Ready(None);
        }
        let envelope = ready!(self.poll_envelope(cx));
        if envelope.is_err() {
            self.state = State::Over;
        }
        Poll::Ready(envelope.transpose())
    }

    fn poll_envelope(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BoxError>> {
        loop {
            if self.source.conversation.is_over(cx) {
                return Poll::Ready(Err("the answer has ended".into()));
            }
            match self.gatherer.take(&mut self.unread) {
                Ok(None) => self.account()?,
                Ok(Some(message)) => return Poll::Ready(self.pass(message).map(Some)),
                Err(malformed) => return Poll::Ready(Err(self.source.stream.fail(malformed))),
            }
            // Nothing is unread now.
            match ready!(self.source.stream.poll_data(cx)) {
                None => return Poll::Ready(self.finish()),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                Some(Ok(data)) => {
                    self.received = self.received.saturating_add(data.len() as u64);
                    if self.received > self.source.max {
                        let max = self.source.max;
                        return Poll::Ready(Err(self.source.stream.fail(BodyErrorKind::TooLarge { max })));
                    }
                    self.unread = data;
                }
            }
        }
    }

    /// Takes memory for what has been gathered of a message, or gives it back once the message was taken.
    fn account(&mut self) -> Result<(), BoxError> {
        let memory = &mut self.source.memory;
        let held = u64::try_from(self.gatherer.room()).unwrap_or(u64::MAX);
        let Some(more) = held.checked_sub(memory.units()) else {
            let surplus = memory.units() - held;
            memory.shrink(surplus);
            return Ok(());
        };
        let grown = memory.grow(more);
        grown.map_err(|exhausted| self.source.stream.fail(BodyErrorKind::MemoryExhausted(exhausted)))
    }

    fn pass(&mut self, message: Message) -> Result<Bytes, BoxError> {
        let sealed = match message {
            _ if self.state != State::Open => return Err(self.source.stream.fail(EventStreamError::Surplus)),
            Message::Plain(gathered) => self.sealer.seal(gathered),
            Message::End => {
                self.state = State::Ended;
                self.sealer.end()
            }
        };
        sealed.map_err(|error| self.source.stream.fail(BodyErrorKind::Signing.because(error)))
    }

    /// The client has closed its side.
    fn finish(&mut self) -> Result<Option<Bytes>, BoxError> {
        if !self.gatherer.is_empty() {
            return Err(self.source.stream.fail(EventStreamError::Truncated));
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Open => self.sealer.end().map(Some),
            State::Ended | State::Over => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
