//! Why a request cannot be signed.

use http::header::HeaderName;

use crate::target::TargetPart;

/// Why a request cannot be signed. Nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Neither a `Host` header nor an authority in the URI.
    #[error("the request names no host")]
    NoHost,
    /// Two `Host` headers: which one would count is anybody's guess.
    #[error("the request has more than one Host header")]
    RepeatedHost,
    /// The host has a user name, white space or other characters that no host has.
    #[error("the request's host is not a host name or address with an optional port")]
    InvalidHost,
    /// The target is not a [`WireTarget`](crate::WireTarget)'s: what is sent would not be what is signed.
    #[error("the request's {part} is not in its canonical wire form")]
    NotWireForm {
        /// Which part of it.
        part: TargetPart,
    },
    /// The query already has parameters of a signature.
    #[error("the request's query already has a signature")]
    AlreadySigned,
    /// A header that must be signed has a value that servers read in different ways.
    #[error("header {name} must be signed, but {fault}")]
    UnsignableHeader {
        /// Which one.
        name: HeaderName,
        /// What is wrong with it.
        fault: HeaderFault,
    },
    /// More than 1,000 different headers.
    #[error("the request has more than 1000 headers")]
    TooManyHeaders,
    /// Before 1970 or after 9999.
    #[error("the time of signing is not between 1970 and 9999")]
    TimeOutOfRange,
    /// A presigned request lives 1 s to 604,800 s (seven days).
    #[error("a presigned request expires after 1 to 604800 seconds")]
    ExpiryOutOfRange,
    /// Version 4a signs no chunks and no events here: the body is signed whole, or not at all.
    #[error("version 4a cannot sign a body piece by piece")]
    ChunksNotSignable,
    /// An event stream's message has no length beyond 4 GiB.
    #[error("a message of an event stream is longer than 4 GiB")]
    MessageTooLong,
    /// The cryptographic library has failed; nothing about the request is at fault.
    #[error("the signature could not be computed")]
    CryptographyFailed,
    /// The target with its signature does not fit into a URI.
    #[error("the presigned request's target is too long")]
    TargetTooLong,
}

/// What makes a header's value unfit for a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// S3 signs such bytes as Latin-1 written in UTF-8, other servers as they stand.
    #[error("its value has characters outside of ASCII; encode them as RFC 2047 says")]
    NotAscii,
    /// Some signers fold a tab into a space, some keep it. [`clean_headers`](crate::clean_headers) does the former.
    #[error("its value has a tab")]
    Tab,
}
