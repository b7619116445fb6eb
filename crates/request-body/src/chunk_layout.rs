//! How an upload is laid out in aws-chunked: decided before its head is signed.
//!
//! `HEX[;chunk-signature=SIGNATURE] CRLF data CRLF` for each chunk, an empty one, the trailer, and an empty line.
//!
//! Source: Amazon S3, "Signature calculations for the Authorization header: transferring a payload in multiple chunks",
//! and the same page "including trailing headers".

use http::{HeaderMap, HeaderValue};
use signer::Payload;

use super::checksum::ChecksumAlgorithm;
use super::framing::{DECODED_LENGTH, TRAILER};

/// Between a chunk's size and its signature.
pub(super) const SIGNATURE_MARK: &str = ";chunk-signature=";

/// Before the trailer's own signature.
pub(super) const TRAILER_SIGNATURE_MARK: &str = "x-amz-trailer-signature:";

/// Digits of a signature.
const SIGNATURE_LENGTH: u64 = 64;

/// How the integrity of the bytes is proved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChunkIntegrity {
    /// A signature for each chunk.
    Signed,
    /// The same, and a signed checksum of the whole.
    SignedTrailer(ChecksumAlgorithm),
    /// A checksum of the whole, signed by nobody: over TLS only.
    UnsignedTrailer(ChecksumAlgorithm),
}

/// The layout of one upload.
///
/// ```
/// use request_body::{ChecksumAlgorithm, ChunkIntegrity, ChunkLayout};
///
/// let layout = ChunkLayout {
///     length: 5,
///     chunk: 65_536,
///     integrity: ChunkIntegrity::UnsignedTrailer(ChecksumAlgorithm::Crc32),
/// };
/// let framed = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
/// assert_eq!(layout.framed_length(), Some(framed.len() as u64));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChunkLayout {
    /// Bytes of the object.
    pub length: u64,
    /// Bytes of it in a chunk; the last one may have less.
    pub chunk: u64,
    /// How their integrity is proved.
    pub integrity: ChunkIntegrity,
}

impl ChunkLayout {
    /// The payload hash that the head is signed with.
    #[must_use]
    pub fn payload(&self) -> Payload {
        match self.integrity {
            ChunkIntegrity::Signed => Payload::StreamingSigned,
            ChunkIntegrity::SignedTrailer(_) => Payload::StreamingSignedTrailer,
            ChunkIntegrity::UnsignedTrailer(_) => Payload::StreamingUnsignedTrailer,
        }
    }

    /// The checksum in the trailer.
    pub(super) fn trailer(&self) -> Option<ChecksumAlgorithm> {
        match self.integrity {
            ChunkIntegrity::Signed => None,
            ChunkIntegrity::SignedTrailer(algorithm) | ChunkIntegrity::UnsignedTrailer(algorithm) => Some(algorithm),
        }
    }

    pub(super) fn is_signed(&self) -> bool {
        match self.integrity {
            ChunkIntegrity::Signed | ChunkIntegrity::SignedTrailer(_) => true,
            ChunkIntegrity::UnsignedTrailer(_) => false,
        }
    }

    /// How long the framed body is; `None` where that fits into no number.
    #[must_use]
    pub fn framed_length(&self) -> Option<u64> {
        let whole = self.length.checked_div(self.chunk)?;
        let whole = whole.checked_mul(self.framed_chunk_length(self.chunk))?;
        let rest = match self.length % self.chunk {
            0 => 0,
            rest => self.framed_chunk_length(rest),
        };
        // The empty chunk has no data to end: its second line end is the body's.
        let last = self.framed_chunk_length(0) + self.trailer_length();
        whole.checked_add(rest)?.checked_add(last)
    }

    fn framed_chunk_length(&self, size: u64) -> u64 {
        let digits = u64::from(size.checked_ilog(16).unwrap_or(0)) + 1;
        let signature = if self.is_signed() {
            length_of(SIGNATURE_MARK) + SIGNATURE_LENGTH
        } else {
            0
        };
        digits + signature + 2 + size + 2
    }

    fn trailer_length(&self) -> u64 {
        let Some(algorithm) = self.trailer() else { return 0 };
        let line = length_of(algorithm.header().as_str()) + 1 + algorithm.value_length() + 2;
        if self.is_signed() {
            line + length_of(TRAILER_SIGNATURE_MARK) + SIGNATURE_LENGTH + 2
        } else {
            line
        }
    }

    /// Announces in signed headers what follows. The payload hash says the same, and every server relies on that one.
    pub fn announce(&self, headers: &mut HeaderMap) {
        headers.insert(DECODED_LENGTH, HeaderValue::from(self.length));
        if let Some(algorithm) = self.trailer() {
            headers.insert(TRAILER, HeaderValue::from(algorithm.header()));
        }
    }
}

fn length_of(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
