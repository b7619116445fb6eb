//! A client's event stream while it passes: each message goes on in an envelope with our signature.
//!
//! One message is held at a time, since its signature comes before it; nothing more is read before it was taken. The
//! stream ends with an envelope around nothing, made once the client has ended where it should: at the end of a
//! message. Anything else breaks it off, which the service sees as a reset.

use std::fmt;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use resource_limits::Grant;
use signer::{Envelope, EventSigner};

use super::bidirectional::BidirectionalStream;
use super::client_stream::ClientStream;
use super::error::{BodyErrorKind, BoxError, EventStreamError};
use super::event_message::{EventMessage, EventReader};

/// Puts messages into signed envelopes, each at its own time.
pub struct EventStreamSigner {
    signer: EventSigner,
    now: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

/// A client's messages before anything of them was taken.
#[derive(Debug)]
pub struct EventStream {
    /// Where they come from.
    pub stream: ClientStream,
    /// What they belong to.
    pub exchange: BidirectionalStream,
    /// Bytes that the message that is being read may take; grows with it.
    pub memory: Grant,
    /// Bytes that may come.
    pub max: u64,
}

/// A client's messages while they are sent, in envelopes.
#[derive(Debug)]
pub(super) struct EventUpload {
    source: EventStream,
    signer: EventStreamSigner,
    reader: EventReader,
    /// Off the wire, but in no message yet.
    unread: Bytes,
    received: u64,
    state: EventUploadState,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum EventUploadState {
    /// Messages come.
    Open,
    /// The last envelope went out; the client has not closed its direction yet.
    Ended,
    /// Nothing more will go out.
    Over,
}

impl EventStreamSigner {
    /// Signs from the head's signature on, with the time that `now` returns: the time where signatures are verified.
    pub fn new(signer: EventSigner, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            signer,
            now: Box::new(now),
        }
    }

    /// Completes the envelope of a message that has room for its head before it.
    fn sign(&mut self, mut buffer: BytesMut) -> Result<Bytes, BoxError> {
        let (head, message) = buffer
            .split_first_chunk_mut::<{ Envelope::HEAD }>()
            .ok_or("there is no room for an envelope")?;
        let envelope = self.signer.sign(message, (self.now)())?;
        *head = *envelope.head();
        buffer.extend_from_slice(envelope.tail());
        Ok(buffer.freeze())
    }

    /// The envelope around nothing.
    fn end(&mut self) -> Result<Bytes, BoxError> {
        self.sign(BytesMut::zeroed(Envelope::HEAD))
    }
}

impl fmt::Debug for EventStreamSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStreamSigner").finish_non_exhaustive()
    }
}

impl EventUpload {
    pub(super) fn new(source: EventStream, signer: EventStreamSigner) -> Self {
        Self {
            source,
            signer,
            reader: EventReader::default(),
            unread: Bytes::new(),
            received: 0,
            state: EventUploadState::Open,
        }
    }

    /// The next envelope. After an error there is none: the one that ends the stream never comes.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if self.state == EventUploadState::Over {
            return Poll::Ready(None);
        }
        let envelope = ready!(self.poll_envelope(cx));
        if envelope.is_err() {
            self.state = EventUploadState::Over;
        }
        Poll::Ready(envelope.transpose())
    }

    fn poll_envelope(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BoxError>> {
        loop {
            if self.source.exchange.is_response_ended(cx) {
                return Poll::Ready(Err("the response has ended".into()));
            }
            match self.reader.take(&mut self.unread) {
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

    /// Takes memory for what has been read of a message, or gives it back once the message was taken.
    fn account(&mut self) -> Result<(), BoxError> {
        let memory = &mut self.source.memory;
        let held = u64::try_from(self.reader.room()).unwrap_or(u64::MAX);
        let Some(more) = held.checked_sub(memory.units()) else {
            let surplus = memory.units() - held;
            memory.shrink(surplus);
            return Ok(());
        };
        let grown = memory.grow(more);
        grown.map_err(|exhausted| self.source.stream.fail(BodyErrorKind::MemoryExhausted(exhausted)))
    }

    fn pass(&mut self, message: EventMessage) -> Result<Bytes, BoxError> {
        let signed = match message {
            _ if self.state != EventUploadState::Open => {
                return Err(self.source.stream.fail(EventStreamError::Surplus));
            }
            EventMessage::Plain(buffer) => self.signer.sign(buffer),
            EventMessage::End => {
                self.state = EventUploadState::Ended;
                self.signer.end()
            }
        };
        signed.map_err(|error| self.source.stream.fail(BodyErrorKind::Signing.because(error)))
    }

    /// The client has closed its direction.
    fn finish(&mut self) -> Result<Option<Bytes>, BoxError> {
        if !self.reader.is_empty() {
            return Err(self.source.stream.fail(EventStreamError::Truncated));
        }
        match std::mem::replace(&mut self.state, EventUploadState::Over) {
            EventUploadState::Open => self.signer.end().map(Some),
            EventUploadState::Ended | EventUploadState::Over => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
