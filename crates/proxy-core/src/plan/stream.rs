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

use http::Method;
use policy_gen::mapping::BodyFraming;
use proxy_config::{ChecksumMode, PayloadMode, Scheme};
use request_body::{BodyErrorKind, ChecksumAlgorithm, ChunkIntegrity, ChunkLayout, PayloadFraming, has_checksum};
use signer::Payload;

use crate::error::ProxyError;
use crate::normalize::{Normalized, RequestedPayload, SignatureOwner};
use crate::route::SignatureVersion;

/// How a body goes out while it comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StreamPlan {
    /// As it is, `UNSIGNED-PAYLOAD`: so many bytes.
    Plain(u64),
    /// As it is, `UNSIGNED-PAYLOAD`: nobody knows how many bytes.
    Open,
    /// In chunks.
    Chunked(ChunkLayout),
}

impl StreamPlan {
    /// Bytes on the wire; `None` where nobody knows.
    ///
    /// # Errors
    ///
    /// The body itself has more than `max` bytes.
    pub(crate) fn framed_length(&self, max: u64) -> Result<Option<u64>, ProxyError> {
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
    pub(crate) fn payload(&self) -> Payload {
        match self {
            Self::Plain(_) | Self::Open => Payload::Unsigned,
            Self::Chunked(layout) => layout.payload(),
        }
    }
}

/// The framings that a service, its connection and the signature version allow.
struct Framings {
    /// Chunks with signatures: version 4 only.
    signed: bool,
    /// No signature on the body: TLS protects it.
    unsigned: bool,
}

/// How the body is passed on; `None` for one that is hashed first, and can then be sent again.
pub(super) fn choose(request: &Normalized, operation: Option<&str>) -> Option<StreamPlan> {
    let (route, config) = (request.route(), &request.route().config);
    let SignatureOwner::Proxy(version) = request.signature() else {
        return None;
    };
    if route.traits.payload_must_be_unsigned {
        return choose_unsigned(request);
    }
    let (length, kept) = known(request.framing())?;
    let is_tls = route.scheme == Scheme::Https;
    let takes_unsigned = is_tls && route.traits.unsigned_payload_allowed;
    let is_part = operation == Some("UploadPart");
    let is_upload = route.traits.is_s3_family && (is_part || operation == Some("PutObject"));
    let computed = || {
        let default = match config.checksum {
            ChecksumMode::Crc64Nvme => ChecksumAlgorithm::Crc64Nvme,
            ChecksumMode::Crc32c => ChecksumAlgorithm::Crc32c,
        };
        (!is_part && !has_checksum(&request.head().headers)).then_some(default)
    };
    // A single chunk would have to be here whole before its signature is known: hashed, it can be sent again as well.
    let is_large = length > config.chunk_size;
    let allowed = Framings {
        signed: is_upload && version == SignatureVersion::V4,
        unsigned: is_upload && is_tls,
    };
    let chunked = |integrity| {
        StreamPlan::Chunked(ChunkLayout {
            length,
            chunk: config.chunk_size,
            integrity,
        })
    };
    let unsigned = |checksum: Option<_>| match checksum {
        Some(algorithm) => chunked(ChunkIntegrity::UnsignedTrailer(algorithm)),
        None => StreamPlan::Plain(length),
    };
    let signed = |checksum: Option<_>| chunked(checksum.map_or(ChunkIntegrity::Signed, ChunkIntegrity::SignedTrailer));
    match config.payload {
        PayloadMode::Unsigned if takes_unsigned && kept.is_none() => Some(StreamPlan::Plain(length)),
        PayloadMode::Unsigned if allowed.unsigned => Some(unsigned(kept)),
        PayloadMode::Auto
            if takes_unsigned && request.requested_payload() == RequestedPayload::Unsigned && kept.is_none() =>
        {
            Some(StreamPlan::Plain(length))
        }
        PayloadMode::Auto if is_large && length > config.limits.memory_body && is_plain_s3(request) => {
            let checksum = kept.or_else(computed);
            let is_aws = route.endpoint().is_none();
            // What neither a signature nor a checksum vouches for is signed, where that can be.
            let goes_unsigned = allowed.unsigned && is_aws && (checksum.is_some() || !is_part || !allowed.signed);
            if goes_unsigned {
                Some(unsigned(checksum))
            } else {
                allowed.signed.then(|| signed(kept))
            }
        }
        PayloadMode::Streaming if is_large && allowed.signed => Some(signed(kept)),
        PayloadMode::StreamingTrailer if is_large && allowed.signed => Some(signed(kept.or_else(computed))),
        PayloadMode::UnsignedTrailer if is_large && allowed.unsigned => Some(unsigned(kept.or_else(computed))),
        PayloadMode::Auto
        | PayloadMode::Signed
        | PayloadMode::Unsigned
        | PayloadMode::Streaming
        | PayloadMode::StreamingTrailer
        | PayloadMode::UnsignedTrailer => None,
    }
}

/// How a body goes to a service that takes none with a signature. What fits into memory waits there, and can be sent again.
fn choose_unsigned(request: &Normalized) -> Option<StreamPlan> {
    let length = match request.framing() {
        PayloadFraming::Plain { length } => *length,
        PayloadFraming::AwsChunked { length, trailers } if trailers.is_empty() => *length,
        // The checksum behind the body becomes a header.
        PayloadFraming::AwsChunked { .. } => return None,
    };
    let config = &request.route().config;
    match length {
        Some(0) => None,
        Some(length) => {
            let passes = config.payload == PayloadMode::Unsigned || length > config.limits.memory_body;
            passes.then_some(StreamPlan::Plain(length))
        }
        // There is none, or hyper would send none without a length.
        None if request.body() == BodyFraming::Empty || matches!(request.head().method, Method::GET | Method::HEAD) => {
            None
        }
        None => Some(StreamPlan::Open),
    }
}

/// S3 itself, not what only speaks like it: Outposts and the others are not known to take the newer framings.
fn is_plain_s3(request: &Normalized) -> bool {
    request.route().config.connection.service.as_str() == "s3"
}

/// The body's length and the checksum that its client brings behind it; `None` where the length is not known, or the
/// checksum is one whose length is not.
fn known(framing: &PayloadFraming) -> Option<(u64, Option<ChecksumAlgorithm>)> {
    let (length, trailers) = match framing {
        PayloadFraming::Plain { length } => ((*length)?, [].as_slice()),
        PayloadFraming::AwsChunked { length, trailers } => ((*length)?, trailers.as_slice()),
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
