//! Signatures for the messages of an event stream, each in an envelope of its own and over the one before it.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use auth_model::Credentials;
use crc_fast::{CrcAlgorithm, Digest};

use crate::chunk::ChunkSigner;
use crate::error::SignError;
use crate::hash::{Hex, sha256};
use crate::key::{KeyCache, SigningKey};
use crate::scope::SigningScope;
use crate::time::AmzTime;

/// Total length, length of the headers, and the CRC-32 of these two.
const PRELUDE: usize = 12;

/// `:chunk-signature`, of type 6 (bytes), and the length of its value, 32.
const SIGNATURE_HEADER: &[u8] = b"\x10:chunk-signature\x06\x00\x20";

/// `:date`, of type 8 (milliseconds since 1970).
const DATE_HEADER: &[u8] = b"\x05:date\x08";

const DATE: usize = DATE_HEADER.len() + 8;
const HEADERS: usize = SIGNATURE_HEADER.len() + 32 + DATE;

/// Signs the messages of one event stream in their order, from the signature of its head on.
///
/// Each is wrapped into a message with the headers `:chunk-signature` and `:date`, whose payload it is. The last envelope
/// is one around nothing. A message is signed at its own time, with the key of its own day.
///
/// Source: Amazon Transcribe Developer Guide, "Event stream encoding"; the order of the headers is that of the AWS SDKs.
///
/// ```
/// # use std::time::{Duration, UNIX_EPOCH};
/// # use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
/// # use aws_endpoints::PathEncoding;
/// # use signer::{Payload, SignInput, Signer, SigningScope};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let credentials = Credentials::new(
/// #     AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE")?,
/// #     SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))?,
/// # );
/// # let scope = SigningScope { region: Region::parse("us-east-1")?, name: SigningName::parse("bedrock")? };
/// let uri = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-sonic-v1%3A0/invoke-with-bidirectional-stream";
/// let (head, ()) = http::Request::post(uri).body(())?.into_parts();
/// let input = SignInput {
///     scope: &scope,
///     path_encoding: PathEncoding::Double,
///     credentials: &credentials,
///     payload: Payload::StreamingEvents,
///     time: UNIX_EPOCH + Duration::from_secs(1_369_353_600), // 2013-05-24
/// };
/// let signed = Signer::new().sign(&head, &input)?;
/// let mut events = signed.event_seed().ok_or("the payload is an event stream")?;
/// let message = b"an encoded message";
/// let around = events.sign(message, input.time)?;
/// let sent = [around.head().as_slice(), message, around.tail()].concat();
/// // It begins with its own length.
/// assert_eq!(u32::from_be_bytes([sent[0], sent[1], sent[2], sent[3]]) as usize, sent.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EventSigner {
    keys: Arc<KeyCache<SigningKey>>,
    credentials: Credentials,
    scope: SigningScope,
    time: AmzTime,
    chain: ChunkSigner,
}

impl EventSigner {
    pub(crate) fn new(
        keys: Arc<KeyCache<SigningKey>>,
        credentials: &Credentials,
        time: AmzTime,
        scope: &SigningScope,
        chain: ChunkSigner,
    ) -> Self {
        Self {
            keys,
            credentials: credentials.clone(),
            scope: scope.clone(),
            time,
            chain,
        }
    }

    /// The envelope of the next message, which is encoded already. An empty one ends the stream.
    ///
    /// # Errors
    ///
    /// [`SignError::TimeOutOfRange`], and [`SignError::MessageTooLong`] beyond 4 GiB; the chain of signatures is where
    /// it was.
    pub fn sign(&mut self, message: &[u8], time: SystemTime) -> Result<Envelope, SignError> {
        let (amz_time, milliseconds) = whole_seconds(time).ok_or(SignError::TimeOutOfRange)?;
        let total = u32::try_from(Envelope::HEAD + message.len() + Envelope::TAIL);
        let total = total.map_err(|_| SignError::MessageTooLong)?;
        self.move_to(amz_time);

        let mut date = [0; DATE];
        fill(&mut date, &[DATE_HEADER, &milliseconds.to_be_bytes()]);
        let hashes = [sha256(&date), sha256(message)].map(|hash| Hex::of(&hash));
        let signature = self.chain.sign_event(hashes.each_ref().map(Hex::as_str));
        Ok(Envelope::new(total, &signature, &date, message))
    }

    fn move_to(&mut self, time: AmzTime) {
        if time == self.time {
            return;
        }
        if time.date() != self.time.date() {
            let key = self.keys.signing_key(&self.credentials, time.date(), &self.scope);
            self.chain.use_key(key);
        }
        self.chain.set_time(&time, &self.scope);
        self.time = time;
    }
}

impl fmt::Debug for EventSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSigner").finish_non_exhaustive()
    }
}

/// What stands around a signed message: bytes before it and bytes behind it.
///
/// The message itself is not held: whoever sends it puts it between the two.
#[derive(Clone)]
pub struct Envelope {
    head: [u8; Self::HEAD],
    tail: [u8; Self::TAIL],
}

impl Envelope {
    /// Bytes before the message.
    pub const HEAD: usize = PRELUDE + HEADERS;
    /// Bytes behind the message.
    pub const TAIL: usize = 4;

    fn new(total: u32, signature: &[u8; 32], date: &[u8; DATE], message: &[u8]) -> Self {
        let mut lengths = [0; 8];
        #[expect(clippy::cast_possible_truncation, reason = "a constant of 67")]
        let headers = (HEADERS as u32).to_be_bytes();
        fill(&mut lengths, &[&total.to_be_bytes(), &headers]);
        let mut crc = Crc::new();
        crc.update(&lengths);
        let prelude_crc = crc.value();
        let mut head = [0; Self::HEAD];
        fill(&mut head, &[&lengths, &prelude_crc, SIGNATURE_HEADER, signature, date]);

        let mut crc = Crc::new();
        crc.update(&head);
        crc.update(message);
        Self {
            head,
            tail: crc.value(),
        }
    }

    /// What comes before the message: lengths, their checksum, the time and the signature.
    #[must_use]
    pub fn head(&self) -> &[u8; Self::HEAD] {
        &self.head
    }

    /// What comes behind the message: the checksum of all before.
    #[must_use]
    pub fn tail(&self) -> &[u8; Self::TAIL] {
        &self.tail
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").finish_non_exhaustive()
    }
}

/// CRC-32 of ISO-HDLC, the one of gzip.
struct Crc(Digest);

impl Crc {
    fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc32IsoHdlc))
    }

    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn value(&self) -> [u8; 4] {
        #[expect(clippy::cast_possible_truncation, reason = "a CRC-32 in 64 bits")]
        let value = self.0.finalize() as u32;
        value.to_be_bytes()
    }
}

/// The time without its fractions, as it is signed and as the header says it.
fn whole_seconds(time: SystemTime) -> Option<(AmzTime, i64)> {
    let amz_time = AmzTime::at(time)?;
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some((amz_time, i64::try_from(seconds).ok()?.checked_mul(1000)?))
}

/// Puts the parts, which are as long as it together, one behind the other.
fn fill(to: &mut [u8], parts: &[&[u8]]) {
    let bytes = parts.iter().copied().flatten();
    for (to, from) in to.iter_mut().zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests;
