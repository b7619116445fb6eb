//! Why an asset cannot be used. No variant holds anything of the value.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use auth_model::{
    InvalidAccessKeyId, InvalidAssetReference, InvalidLocation, InvalidSecretAccessKey, InvalidSessionToken,
};

use crate::denied::DeniedFile;

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
        /// What helps, in a sentence.
        remedy: &'static str,
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
    /// What keeps the secret gave none.
    #[error("{asset} cannot be fetched")]
    Source {
        /// The reference, without the arguments of a program.
        asset: String,
        /// What is wrong.
        #[source]
        problem: SourceProblem,
    },
    /// Nothing says where the server is that keeps the secret.
    #[error("{asset} cannot be fetched: [assets.{table}] is not set up")]
    NotConfigured {
        /// The reference.
        asset: String,
        /// The table below `[assets]`.
        table: &'static str,
    },
    /// The reference cannot be used at all.
    #[error(transparent)]
    Reference(#[from] InvalidAssetReference),
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

/// What may help where an asset cannot be used, and thus how soon to try again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outlook {
    /// Somebody has to fix something nearby; reading again costs nothing, and the fix should show at once.
    Local,
    /// It may pass by itself.
    Passing,
    /// Somebody has to fix something, and a request in vain costs something.
    Permanent,
}

/// Why what keeps a secret gave none: each scheme has its own.
pub trait AssetProblem: Error + Send + Sync + 'static {
    /// What may help.
    fn outlook(&self) -> Outlook;

    /// What helps, in a sentence for the operator.
    fn remedy(&self) -> &'static str;

    /// Whether to look at the server that keeps the secret, rather than at the reference.
    fn is_of_server(&self) -> bool;
}

/// Any scheme's [`AssetProblem`].
#[derive(Clone)]
pub struct SourceProblem(Arc<dyn AssetProblem>);

impl SourceProblem {
    /// The problem of a scheme.
    #[must_use]
    pub fn new(problem: impl AssetProblem) -> Self {
        Self(Arc::new(problem))
    }

    /// What may help.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        self.0.outlook()
    }

    /// What helps, in a sentence for the operator.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        self.0.remedy()
    }

    /// Whether to look at the server that keeps the secret, rather than at the reference.
    #[must_use]
    pub fn is_of_server(&self) -> bool {
        self.0.is_of_server()
    }

    /// The problem, where it is of this type.
    #[must_use]
    pub fn downcast_ref<P: AssetProblem>(&self) -> Option<&P> {
        let problem: &(dyn Error + 'static) = &*self.0;
        problem.downcast_ref()
    }
}

impl PartialEq for SourceProblem {
    /// Whether both say the same.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for SourceProblem {}

impl fmt::Display for SourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for SourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for SourceProblem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<InvalidLocation> for AssetError {
    fn from(invalid: InvalidLocation) -> Self {
        Self::Reference(invalid.into())
    }
}

impl AssetError {
    /// What may help.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        match self {
            Self::Source { problem, .. } => problem.outlook(),
            Self::Missing { .. }
            | Self::Unreadable { .. }
            | Self::NotAFile { .. }
            | Self::TooLarge { .. }
            | Self::NotUtf8 { .. }
            | Self::Empty { .. }
            | Self::NotJson { .. }
            | Self::NothingAtPointer { .. }
            | Self::NotAString { .. }
            | Self::NotConfigured { .. }
            | Self::Reference(_)
            | Self::AccessKeyId { .. }
            | Self::SecretAccessKey { .. }
            | Self::SessionToken { .. } => Outlook::Local,
        }
    }
}
