//! Which bodies are passed on as they arrive, and what vouches for their bytes.
//!
//! | `payload` | from | with the client's checksum in the trailer | with one in the head, or an `UploadPart` | else |
//! |---|---|---|---|---|
//! | `auto`, AWS's S3 over TLS | beyond `memory_body` and a chunk | unsigned, kept | unsigned or signed chunks | unsigned, computed |
//! | `auto`, other S3 servers | the same | signed chunks, kept | signed chunks | signed chunks |
//! | `streaming` | beyond a chunk | signed chunks, kept | signed chunks | signed chunks |
//! | `streaming-trailer` | beyond a chunk | signed chunks, kept | signed chunks | signed chunks, computed |
//! | `unsigned-trailer` | beyond a chunk | unsigned, kept | unsigned | unsigned, computed |
//!
//! A service whose payload must be unsigned takes them plainly: beyond `memory_body`, with `unsigned` from the first byte on, and
//! always where the length is not known.
//!
//! A part gets no checksum that its client did not think of: S3 refuses one that the upload was not begun with.

use signer::Payload;

use http::Method;
use policy_gen::mapping::BodyFraming;

use super::Ready;
use crate::body::{BodyErrorKind, ChecksumAlgorithm, ChunkLayout, Framing, Seal, has_checksum};
use crate::config::{ChecksumMode, PayloadMode, Scheme};
use crate::error::ProxyError;
use crate::pipeline::steps::AskedPayload;
use crate::route::SignatureVersion;

/// How a body goes out while it comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Passage {
    /// As it is, `UNSIGNED-PAYLOAD`: so many bytes.
    Plain(u64),
    /// As it is, `UNSIGNED-PAYLOAD`: nobody knows how many bytes.
    Open,
    /// In chunks.
    Chunked(ChunkLayout),
}

impl Passage {
    /// Bytes on the wire; `None` where nobody knows.
    ///
    /// # Errors
    ///
    /// The body itself has more than `max` bytes.
    pub(super) fn framed_length(&self, max: u64) -> Result<Option<u64>, ProxyError> {
        let (length, framed) = match self {
            Self::Open => return Ok(None),
            Self::Plain(length) => (*length, Some(*length)),
            Self::Chunked(layout) => (layout.length, layout.framed_length()),
        };
        match framed.filter(|_| length <= max) {
            None => Err(BodyErrorKind::TooLarge { max }.into()),
            known => Ok(known),
        }
    }

    /// What the head's signature says of the body.
    pub(super) fn payload(&self) -> Payload {
        match self {
            Self::Plain(_) | Self::Open => Payload::Unsigned,
            Self::Chunked(layout) => layout.payload(),
        }
    }
}

/// The ways that a service, its connection and the signature leave open.
struct Ways {
    /// Chunks with signatures: version 4 only.
    signed: bool,
    /// No signature on the body: TLS protects it.
    unsigned: bool,
}

/// How the body is passed on; `None` for one that is hashed first, and can then be sent again.
pub(super) fn choose(ready: &Ready, operation: Option<&str>) -> Option<Passage> {
    let config = &ready.route.config;
    if !config.signs && !ready.is_decided_by_body {
        return known(&ready.framing).map(|(length, _)| Passage::Plain(length));
    }
    if !ready.is_ours_to_sign() || ready.is_decided_by_body {
        return None;
    }
    if ready.route.traits.payload_must_be_unsigned {
        return choose_unsigned(ready);
    }
    let (length, kept) = known(&ready.framing)?;
    let is_tls = ready.route.scheme == Scheme::Https;
    let takes_unsigned = is_tls && ready.route.traits.unsigned_payload_allowed;
    let is_part = operation == Some("UploadPart");
    let is_upload = ready.route.traits.is_s3_family && (is_part || operation == Some("PutObject"));
    let computed = || {
        let default = match config.checksum {
            ChecksumMode::Crc64Nvme => ChecksumAlgorithm::Crc64Nvme,
            ChecksumMode::Crc32c => ChecksumAlgorithm::Crc32c,
        };
        (!is_part && !has_checksum(&ready.head.headers)).then_some(default)
    };
    // A single chunk would have to be here whole before its signature is known: hashed, it can be sent again as well.
    let is_large = length > config.chunk_size;
    let ways = Ways {
        signed: is_upload && ready.signature == SignatureVersion::V4,
        unsigned: is_upload && is_tls,
    };
    let chunked = |seal| {
        Passage::Chunked(ChunkLayout {
            length,
            chunk: config.chunk_size,
            seal,
        })
    };
    let unsigned = |checksum: Option<_>| match checksum {
        Some(algorithm) => chunked(Seal::UnsignedTrailer(algorithm)),
        None => Passage::Plain(length),
    };
    let signed = |checksum: Option<_>| chunked(checksum.map_or(Seal::Signed, Seal::SignedTrailer));
    match config.payload {
        PayloadMode::Unsigned if takes_unsigned && kept.is_none() => Some(Passage::Plain(length)),
        PayloadMode::Unsigned if ways.unsigned => Some(unsigned(kept)),
        PayloadMode::Auto if takes_unsigned && ready.asked_payload == AskedPayload::Unsigned && kept.is_none() => {
            Some(Passage::Plain(length))
        }
        PayloadMode::Auto if is_large && length > config.limits.memory_body && is_plain_s3(ready) => {
            let checksum = kept.or_else(computed);
            let is_aws = ready.route.endpoint().is_none();
            // What neither a signature nor a checksum vouches for is signed, where that can be.
            let goes_unsigned = ways.unsigned && is_aws && (checksum.is_some() || !is_part || !ways.signed);
            if goes_unsigned {
                Some(unsigned(checksum))
            } else {
                ways.signed.then(|| signed(kept))
            }
        }
        PayloadMode::Streaming if is_large && ways.signed => Some(signed(kept)),
        PayloadMode::StreamingTrailer if is_large && ways.signed => Some(signed(kept.or_else(computed))),
        PayloadMode::UnsignedTrailer if is_large && ways.unsigned => Some(unsigned(kept.or_else(computed))),
        PayloadMode::Auto
        | PayloadMode::Signed
        | PayloadMode::Unsigned
        | PayloadMode::Streaming
        | PayloadMode::StreamingTrailer
        | PayloadMode::UnsignedTrailer => None,
    }
}

/// How a body goes to a service that takes none with a signature. What fits into memory waits there, and can be sent again.
fn choose_unsigned(ready: &Ready) -> Option<Passage> {
    let length = match &ready.framing {
        Framing::Plain { length } => *length,
        Framing::AwsChunked { length, trailers } if trailers.is_empty() => *length,
        // The checksum behind the body becomes a header.
        Framing::AwsChunked { .. } => return None,
    };
    let config = &ready.route.config;
    match length {
        Some(0) => None,
        Some(length) => {
            let passes = config.payload == PayloadMode::Unsigned || length > config.limits.memory_body;
            passes.then_some(Passage::Plain(length))
        }
        // There is none, or hyper would send none without a length.
        None if ready.body == BodyFraming::Empty || matches!(ready.head.method, Method::GET | Method::HEAD) => None,
        None => Some(Passage::Open),
    }
}

/// S3 itself, not what only speaks like it: Outposts and the others are not known to take the newer framings.
fn is_plain_s3(ready: &Ready) -> bool {
    ready.route.config.connection.service.as_str() == "s3"
}

/// The body's length and the checksum that its client brings behind it; `None` where the length is not known, or the
/// checksum is one whose length is not.
fn known(framing: &Framing) -> Option<(u64, Option<ChecksumAlgorithm>)> {
    let (length, trailers) = match framing {
        Framing::Plain { length } => ((*length)?, [].as_slice()),
        Framing::AwsChunked { length, trailers } => ((*length)?, trailers.as_slice()),
    };
    let kept = match trailers {
        [] => None,
        [only] => Some(ChecksumAlgorithm::of_header(only)?),
        _ => return None,
    };
    (length > 0).then_some((length, kept))
}

#[cfg(test)]
mod tests;
