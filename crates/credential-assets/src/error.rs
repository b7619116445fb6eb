//! Why an asset cannot be used. No variant holds anything of the value.

use std::io;

use auth_model::{InvalidAccessKeyId, InvalidSecretAccessKey, InvalidSessionToken};

use crate::command::CommandProblem;
use crate::denied::DeniedFile;
use crate::shelf::Passing as _;
use crate::store::StoreProblem;
use crate::vault::VaultProblem;

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
    #[error("{asset} cannot be read: {reason}{}", denied.map(|denied| format!(": {denied}")).unwrap_or_default())]
    Unreadable {
        /// The reference.
        asset: String,
        /// What the system says, such as "permission denied".
        reason: io::ErrorKind,
        /// Who may read it and who cannot, where that is why.
        denied: Option<DeniedFile>,
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
    /// A pointer was given and the text is not JSON.
    #[error("{asset} is not JSON (line {line}, column {column})")]
    NotJson {
        /// The reference.
        asset: String,
        /// Line of the first error, from 1.
        line: usize,
        /// Column of the first error, from 1; 0 where the text ends too early.
        column: usize,
    },
    /// The JSON has nothing at the pointer.
    #[error("{asset}: there is no value at the pointer")]
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
    /// The program gave no secret.
    #[error("{asset} gives no secret")]
    Command {
        /// The reference, without the program's arguments.
        asset: String,
        /// What is wrong.
        #[source]
        problem: CommandProblem,
    },
    /// The vault gave no secret.
    #[error("{asset} cannot be had")]
    Vault {
        /// The reference.
        asset: String,
        /// What is wrong.
        #[source]
        problem: VaultProblem,
    },
    /// The store gave no secret.
    #[error("{asset} cannot be had")]
    Store {
        /// The reference.
        asset: String,
        /// What is wrong.
        #[source]
        problem: StoreProblem,
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

/// What may help where an asset cannot be used, and thus how soon to ask again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outlook {
    /// Somebody has to mend something nearby; asking costs nothing, and the repair should show at once.
    Local,
    /// It may pass by itself.
    Passing,
    /// Somebody has to mend something, and asking in vain costs something.
    Permanent,
}

impl AssetError {
    /// What may help.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        match self {
            Self::Command { problem, .. } if problem.is_passing() => Outlook::Passing,
            Self::Vault { problem, .. } => problem.outlook(),
            Self::Store { problem, .. } => problem.outlook(),
            Self::Missing { .. }
            | Self::Unreadable { .. }
            | Self::NotAFile { .. }
            | Self::TooLarge { .. }
            | Self::NotUtf8 { .. }
            | Self::Empty { .. }
            | Self::NotJson { .. }
            | Self::NothingAtPointer { .. }
            | Self::NotAString { .. }
            | Self::Command { .. }
            | Self::Unsupported { .. }
            | Self::AccessKeyId { .. }
            | Self::SecretAccessKey { .. }
            | Self::SessionToken { .. } => Outlook::Local,
        }
    }
}
