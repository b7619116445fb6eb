//! Why a body could not be read, stored or signed.

use resource_limits::Exhausted;
use std::error::Error;
use std::fmt;

/// A cause, for the log.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A body could not be read, stored or signed.
///
/// `Display` is the sentence of its kind; the cause is the `source`.
#[derive(Debug)]
pub struct BodyError {
    kind: BodyErrorKind,
    cause: Option<BoxError>,
}

/// What went wrong with a body. Says nothing about what is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BodyErrorKind {
    /// It has more bytes than allowed.
    #[error("the body has more than {max} bytes")]
    TooLarge {
        /// Bytes that are allowed.
        max: u64,
    },
    /// Nothing arrived within the read timeout.
    #[error("the body stopped arriving")]
    Timeout,
    /// It arrived below the least rate for longer than the read timeout.
    #[error("the body arrives too slowly")]
    TooSlow,
    /// It broke off, or is not as long as announced.
    #[error("the body is incomplete")]
    Incomplete,
    /// The head announces an aws-chunked body that cannot be.
    #[error("in the head of the aws-chunked body: {0}")]
    AwsChunkedHead(AwsChunkedHeadError),
    /// The aws-chunked framing is malformed, or a checksum does not match.
    #[error("in the aws-chunked body {0}")]
    AwsChunked(AwsChunkedError),
    /// An event stream is malformed.
    #[error("in the event stream {0}")]
    EventStream(EventStreamError),
    /// The body alone is larger than what all clients together may have on the disk, less the reserve.
    #[error("the body is larger than the spool")]
    LargerThanSpool,
    /// There is no room on the disk for one more body of this client.
    #[error("no room for the body on the disk: {0}")]
    SpoolExhausted(Exhausted),
    /// The file system of the spool is full.
    #[error("the file system for bodies is full")]
    SpoolFull,
    /// The spool cannot be written or read.
    #[error("the body could not be stored on the disk")]
    SpoolFailed,
    /// There is no memory for a message of this client.
    #[error("no memory for a message: {0}")]
    MemoryExhausted(Exhausted),
    /// A message could not be signed.
    #[error("a message could not be signed")]
    Signing,
}

/// What is wrong with the head of an aws-chunked body.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AwsChunkedHeadError {
    /// The decoded length is no decimal number of 64 bits.
    #[error("x-amz-decoded-content-length is no number")]
    DecodedLength,
    /// A trailer is announced that is no checksum.
    #[error("x-amz-trailer names more than checksums")]
    Trailer,
}

/// What is wrong with an aws-chunked body.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AwsChunkedError {
    /// No size where a chunk begins.
    #[error("a chunk's size is not a hexadecimal number on a line of its own")]
    Size,
    /// A chunk is longer or shorter than its size.
    #[error("a chunk is not followed by a line end")]
    ChunkEnd,
    /// A line of the framing is too long, or ends in LF alone.
    #[error("a line is longer than 512 bytes or does not end in CR LF")]
    Line,
    /// A trailer was not announced.
    #[error("a trailer is no checksum named in x-amz-trailer")]
    Trailer,
    /// A trailer was announced and did not come.
    #[error("a trailer named in x-amz-trailer is missing")]
    MissingTrailer,
    /// The data has another checksum.
    #[error("the checksum in the trailer is not that of the data")]
    Checksum,
    /// The framing is out of proportion to the data.
    #[error("there is more framing than data")]
    Framing,
    /// There are bytes after the end.
    #[error("the body goes on after its last chunk")]
    Surplus,
    /// There is no end.
    #[error("the body ends before its last chunk")]
    Truncated,
    /// The data has another length.
    #[error("the decoded body is not as long as x-amz-decoded-content-length says")]
    Length,
}

/// What is wrong with an event stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EventStreamError {
    /// The lengths at the beginning of a message do not have their CRC-32.
    #[error("the checksum of a message's first bytes is not theirs")]
    PreludeChecksum,
    /// A message does not have its CRC-32.
    #[error("the checksum of a message is not its own")]
    MessageChecksum,
    /// A message is longer than any that a service takes.
    #[error("a message is longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// The lengths of a message contradict each other.
    #[error("a message is shorter than its own framing and headers")]
    TooShort,
    /// The headers of a message are malformed.
    #[error("the headers of a message cannot be read")]
    Headers,
    /// A signed message does not hold exactly one message.
    #[error("a signed envelope holds something else than one message")]
    Envelope,
    /// There is a message after the signed end of the stream.
    #[error("a message follows the envelope that ends the stream")]
    Surplus,
    /// The stream ends inside a message.
    #[error("the last message is cut off")]
    Truncated,
}

/// The longest message, its framing included.
///
/// The format itself ends at 24 MiB. Bedrock takes 1,000,000 bytes for a part of a bidirectional stream, which are a third
/// more in base64; JSON and headers around them are small. Source: Amazon Bedrock API reference, `PayloadPart`.
pub(super) const MAX_MESSAGE: usize = 2 * 1024 * 1024;

impl BodyError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> BodyErrorKind {
        self.kind
    }

    /// What caused it, where something did.
    #[must_use]
    pub fn into_cause(self) -> Option<BoxError> {
        self.cause
    }
}

impl BodyErrorKind {
    /// The error of this kind with its cause.
    pub fn because(self, cause: impl Into<BoxError>) -> BodyError {
        BodyError {
            kind: self,
            cause: Some(cause.into()),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<BodyErrorKind> for BodyError {
    fn from(kind: BodyErrorKind) -> Self {
        Self { kind, cause: None }
    }
}

impl From<AwsChunkedHeadError> for BodyError {
    fn from(error: AwsChunkedHeadError) -> Self {
        BodyErrorKind::AwsChunkedHead(error).into()
    }
}

impl From<AwsChunkedError> for BodyError {
    fn from(error: AwsChunkedError) -> Self {
        BodyErrorKind::AwsChunked(error).into()
    }
}

impl From<EventStreamError> for BodyError {
    fn from(error: EventStreamError) -> Self {
        BodyErrorKind::EventStream(error).into()
    }
}
