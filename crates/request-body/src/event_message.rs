//! Taking a client's event stream apart into its messages.
//!
//! A message is its total length, the length of its headers, the CRC-32 of these two (all `u32`, big endian), headers,
//! payload, and the CRC-32 of all before. A header is the length of its name (`u8`), its name, a type and a value. A
//! signed message is the payload of another one, its envelope, which has the header `:chunk-signature`.
//!
//! Source: the Smithy specification, "Amazon Event Stream Specification"; Amazon Transcribe Developer Guide, "Event
//! stream encoding".

use bytes::{Buf, Bytes, BytesMut};
use crc_fast::{CrcAlgorithm, checksum};
use signer::Envelope;

use super::error::{EventStreamError, MAX_MESSAGE};

/// Total length, length of the headers, CRC-32.
const PRELUDE: usize = 12;

/// CRC-32 of all before.
const TRAILER: usize = 4;

/// Room that is made at once for a message: more only as it comes, for lengths are easily announced.
const FIRST_ROOM: usize = 16 * 1024;

/// The header of an envelope, and its type: bytes.
const CHUNK_SIGNATURE: (&[u8], u8) = (b":chunk-signature", 6);

/// A whole message whose checksums are right.
#[derive(Debug, Eq, PartialEq)]
pub enum EventMessage {
    /// To be signed: behind as much room as an [`Envelope`] has before a message.
    Plain(BytesMut),
    /// The client's own end of a stream that it signs: an envelope around nothing.
    End,
}

/// Reads messages from pieces of any size; holds one of them at most.
///
/// ```
/// use bytes::Bytes;
/// use request_body::{EventMessage, EventReader};
/// use signer::Envelope;
///
/// // Total length, length of the headers, their CRC-32; no headers and no payload; CRC-32 of all before.
/// let message = [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
/// let mut reader = EventReader::default();
/// assert_eq!(reader.take(&mut Bytes::copy_from_slice(&message[..10]))?, None);
/// let Some(EventMessage::Plain(behind_room)) = reader.take(&mut Bytes::copy_from_slice(&message[10..]))? else {
///     panic!("the message is complete");
/// };
/// assert_eq!(&behind_room[Envelope::HEAD..], message);
/// # Ok::<_, request_body::EventStreamError>(())
/// ```
#[derive(Debug, Default)]
pub struct EventReader {
    /// Room for the head of an envelope, and the message as far as it has come.
    buffer: BytesMut,
}

impl EventReader {
    /// Takes from the piece what belongs to the next message; `None` where there is more of it to come.
    ///
    /// # Errors
    ///
    /// [`EventStreamError`]: nothing behind it can be read.
    pub fn take(&mut self, piece: &mut Bytes) -> Result<Option<EventMessage>, EventStreamError> {
        if self.buffer.is_empty() && !piece.is_empty() {
            self.buffer.reserve(Envelope::HEAD + piece.len().min(FIRST_ROOM));
            self.buffer.extend_from_slice(&[0; Envelope::HEAD]);
        }
        self.fill(PRELUDE, piece);
        let Some(prelude) = self.message().first_chunk() else {
            return Ok(None);
        };
        let prelude = Prelude::read(prelude)?;
        self.fill(prelude.total, piece);
        if self.message().len() < prelude.total {
            return Ok(None);
        }
        check_whole(self.message())?;
        let message = std::mem::take(&mut self.buffer);
        unwrapped(message, &prelude).map(Some)
    }

    /// Whether there is nothing of a message that is not whole.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn room(&self) -> usize {
        self.buffer.capacity()
    }

    fn message(&self) -> &[u8] {
        self.buffer.get(Envelope::HEAD..).unwrap_or_default()
    }

    /// Takes from the piece until the message has so many bytes.
    fn fill(&mut self, length: usize, piece: &mut Bytes) {
        let missing = length.saturating_sub(self.message().len());
        let taken = piece.split_to(missing.min(piece.len()));
        self.buffer.extend_from_slice(&taken);
    }
}

/// The first bytes of a message.
struct Prelude {
    total: usize,
    headers: usize,
}

impl Prelude {
    fn read(bytes: &[u8; PRELUDE]) -> Result<Self, EventStreamError> {
        let (lengths, sum) = bytes.split_at(PRELUDE - 4);
        if crc(lengths) != sum {
            return Err(EventStreamError::PreludeChecksum);
        }
        let mut lengths = lengths;
        let (total, headers) = (lengths.get_u32() as usize, lengths.get_u32() as usize);
        if total > MAX_MESSAGE {
            return Err(EventStreamError::TooLong);
        }
        if total < PRELUDE + TRAILER || headers > total - PRELUDE - TRAILER {
            return Err(EventStreamError::TooShort);
        }
        Ok(Self { total, headers })
    }

    fn payload(&self) -> std::ops::Range<usize> {
        PRELUDE + self.headers..self.total - TRAILER
    }
}

/// Whether a message that has all its bytes has the right ones.
fn check_whole(message: &[u8]) -> Result<(), EventStreamError> {
    match message.split_last_chunk::<TRAILER>() {
        Some((all_before, sum)) if crc(all_before) == *sum => Ok(()),
        _ => Err(EventStreamError::MessageChecksum),
    }
}

/// The message itself where this is one, or the one that its envelope holds.
fn unwrapped(mut buffer: BytesMut, prelude: &Prelude) -> Result<EventMessage, EventStreamError> {
    let message = buffer.get(Envelope::HEAD..).unwrap_or_default();
    let headers = message.get(PRELUDE..PRELUDE + prelude.headers);
    if !has_signature(headers.ok_or(EventStreamError::TooShort)?)? {
        return Ok(EventMessage::Plain(buffer));
    }
    let payload = prelude.payload();
    if payload.is_empty() {
        return Ok(EventMessage::End);
    }
    check_alone(message.get(payload.clone()).unwrap_or_default())?;
    // What comes before the inner message makes way; the room before it stays as long as it was.
    buffer.advance(payload.start);
    buffer.truncate(Envelope::HEAD + payload.len());
    Ok(EventMessage::Plain(buffer))
}

/// Whether an envelope's payload is one message and nothing else.
fn check_alone(payload: &[u8]) -> Result<(), EventStreamError> {
    let prelude = Prelude::read(payload.first_chunk().ok_or(EventStreamError::Envelope)?)?;
    if prelude.total != payload.len() {
        return Err(EventStreamError::Envelope);
    }
    check_whole(payload)
}

/// Whether the headers are those of an envelope. Reads all of them.
fn has_signature(mut headers: &[u8]) -> Result<bool, EventStreamError> {
    let mut is_envelope = false;
    while !headers.is_empty() {
        let name_length = usize::from(headers.try_get_u8().unwrap_or_default());
        let (name, rest) = headers.split_at_checked(name_length).ok_or(EventStreamError::Headers)?;
        headers = rest;
        let kind = headers.try_get_u8().map_err(|_| EventStreamError::Headers)?;
        let value_length = match kind {
            // True and false.
            0 | 1 => 0,
            // Numbers of 8, 16, 32 and 64 bits; a time is of 64 as well.
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            // Bytes and text.
            6 | 7 => usize::from(headers.try_get_u16().map_err(|_| EventStreamError::Headers)?),
            // A UUID.
            9 => 16,
            _ => return Err(EventStreamError::Headers),
        };
        headers = headers.get(value_length..).ok_or(EventStreamError::Headers)?;
        is_envelope |= (name, kind) == CHUNK_SIGNATURE;
    }
    Ok(is_envelope)
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    #[expect(clippy::cast_possible_truncation, reason = "a CRC-32 in 64 bits")]
    let sum = checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32;
    sum.to_be_bytes()
}

#[cfg(test)]
pub(crate) mod tests;
