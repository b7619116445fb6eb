//! What a signature says about the body.

/// What the signature covers of the body: the last line of the canonical request, and `x-amz-content-sha256`.
///
/// Source: Amazon S3, "Authenticating requests (AWS Signature Version 4)"; the other services know the first two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Payload {
    /// No body.
    Empty,
    /// The SHA-256 of the whole body.
    Sha256([u8; 32]),
    /// Nothing: `UNSIGNED-PAYLOAD`. For services that allow it, over TLS.
    Unsigned,
    /// Each chunk is signed: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`.
    StreamingSigned,
    /// Each chunk and the trailer are signed: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`.
    StreamingSignedTrailer,
    /// Chunks and a trailer with a checksum, none of them signed: `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    StreamingUnsignedTrailer,
    /// Each message of an event stream is signed: `STREAMING-AWS4-HMAC-SHA256-EVENTS`. For Bedrock's and other
    /// services' operations that stream in both directions.
    StreamingEvents,
}

/// The signatures behind that of the head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FollowUp {
    None,
    Chunks,
    Events,
}

/// SHA-256 of nothing.
pub(crate) const EMPTY_SHA256_HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl Payload {
    /// The text, where it is always the same.
    pub(crate) fn fixed_text(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some(EMPTY_SHA256_HEX),
            Self::Sha256(_) => None,
            Self::Unsigned => Some("UNSIGNED-PAYLOAD"),
            Self::StreamingSigned => Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            Self::StreamingSignedTrailer => Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            Self::StreamingUnsignedTrailer => Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            Self::StreamingEvents => Some("STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        }
    }

    /// What further signatures follow that of the head.
    pub(crate) fn follow_up(&self) -> FollowUp {
        match self {
            Self::StreamingSigned | Self::StreamingSignedTrailer => FollowUp::Chunks,
            Self::StreamingEvents => FollowUp::Events,
            Self::Empty | Self::Sha256(_) | Self::Unsigned | Self::StreamingUnsignedTrailer => FollowUp::None,
        }
    }
}
