//! Why an asset cannot be used. No variant holds anything of the value.

use std::io;

use auth_model::{InvalidAccessKeyId, InvalidSecretAccessKey, InvalidSessionToken};

/// An asset that cannot be used; `asset` is the reference as [`AssetReference`] displays it.
///
/// [`AssetReference`]: auth_model::AssetReference
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AssetError {
    /// The variable is not set, the file does not exist.
    #[error("{asset} does not exist")]
    Missing {
        /// The reference.
        asset: String,
    },
    /// The system does not let us read the file.
    #[error("{asset} cannot be read: {reason}")]
    Unreadable {
        /// The reference.
        asset: String,
        /// What the system says, such as "permission denied".
        reason: io::ErrorKind,
    },
    /// A directory, a pipe, a socket or a device: only regular files can be read again.
    #[error("{asset} is not a regular file")]
    NotAFile {
        /// The reference.
        asset: String,
    },
    /// Over [`MAX_FILE_BYTES`](crate::MAX_FILE_BYTES): hardly a secret.
    #[error("{asset} is larger than {limit} bytes")]
    TooLarge {
        /// The reference.
        asset: String,
        /// The most that is read.
        limit: u64,
    },
    /// The bytes are no text.
    #[error("{asset} is not UTF-8")]
    NotUtf8 {
        /// The reference.
        asset: String,
    },
    /// Nothing there, or nothing but line ends.
    #[error("{asset} is empty")]
    Empty {
        /// The reference.
        asset: String,
    },
    /// A pointer was given and the file is not JSON.
    #[error("{asset} is not JSON (line {line}, column {column})")]
    NotJson {
        /// The reference.
        asset: String,
        /// Line of the first error, from 1.
        line: usize,
        /// Column of the first error, from 1; 0 where the text ends too early.
        column: usize,
    },
    /// The JSON file has nothing at the pointer.
    #[error("{asset}: the file has no value there")]
    NothingAtPointer {
        /// The reference.
        asset: String,
    },
    /// The JSON value at the pointer is a number, a list, ...
    #[error("{asset}: the value there is not a string")]
    NotAString {
        /// The reference.
        asset: String,
    },
    /// A kind of reference that this version cannot resolve.
    #[error("{asset} is of a kind that this version cannot read")]
    Unsupported {
        /// The reference.
        asset: String,
    },
    /// The value cannot be an access key id.
    #[error("{asset} cannot be used as an access key id")]
    AccessKeyId {
        /// The reference.
        asset: String,
        /// What is allowed.
        #[source]
        source: InvalidAccessKeyId,
    },
    /// The value cannot be a secret access key.
    #[error("{asset} cannot be used as a secret access key")]
    SecretAccessKey {
        /// The reference.
        asset: String,
        /// What is allowed.
        #[source]
        source: InvalidSecretAccessKey,
    },
    /// The value cannot be a session token.
    #[error("{asset} cannot be used as a session token")]
    SessionToken {
        /// The reference.
        asset: String,
        /// What is allowed.
        #[source]
        source: InvalidSessionToken,
    },
}
