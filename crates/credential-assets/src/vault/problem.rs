//! Why a vault gave no secret.

use crate::asset_cache::Passing;
use crate::error::{AssetError, AssetProblem, Outlook};

/// Why a vault gave no secret. Nothing of a response's body is in any of them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultProblem {
    /// The vault is sealed, or not set up yet: status 503.
    #[error("the vault is sealed")]
    Sealed,
    /// The token is good, its policies do not allow this: status 403.
    #[error("the vault's policies do not allow it")]
    Denied,
    /// The login, or the token that was given, is rejected.
    #[error("the vault rejects the login with status {status}")]
    LoginRejected {
        /// The HTTP status.
        status: u16,
    },
    /// What the login needs cannot be read.
    #[error("what the login to the vault needs cannot be read")]
    LoginAsset(#[source] Box<AssetError>),
    /// There is no such secret, or no such version of it.
    #[error("there is no such secret or version")]
    Missing,
    /// The secret has no such field.
    #[error("the secret has no such field")]
    NoField,
    /// The path belongs to something other than a key/value engine.
    #[error("the path is not one of a key/value engine")]
    NotKeyValue,
    /// A version is named, and the engine keeps none.
    #[error("the key/value engine has version 1, which keeps no versions of a secret")]
    NotVersioned,
    /// The AWS engine makes no keys: there is no such role, or AWS rejects what the engine requests.
    #[error("the vault's AWS engine makes no keys (status {status}): there is no such role, or AWS rejects the engine")]
    NotMade {
        /// The HTTP status.
        status: u16,
    },
    /// No connection: DNS, TCP or TLS.
    #[error("the vault cannot be reached: {reason}")]
    Unreachable {
        /// What the network stack says.
        reason: String,
    },
    /// No response in time.
    #[error("the vault did not respond in time")]
    TimedOut,
    /// A response with another status.
    #[error("the vault responded with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A response that is none of a vault's, or one over 1 MiB.
    #[error("the response with status {status} is not one of a vault's")]
    UnreadableResponse {
        /// The HTTP status.
        status: u16,
    },
}

impl AssetProblem for VaultProblem {
    fn outlook(&self) -> Outlook {
        match self {
            Self::LoginAsset(error) => error.outlook(),
            // Vaults lock a login out that fails time and again.
            Self::LoginRejected { .. } => Outlook::Permanent,
            Self::Status { status } if *status < 500 && *status != 429 => Outlook::Local,
            Self::Sealed
            | Self::NotMade { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut
            | Self::Status { .. }
            | Self::UnreadableResponse { .. } => Outlook::Passing,
            Self::Denied | Self::Missing | Self::NoField | Self::NotKeyValue | Self::NotVersioned => Outlook::Local,
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::NoField => "the secret has no field of this name: look after the # of the reference.",
            Self::Sealed => "have the vault unsealed.",
            Self::Denied => "a policy of the vault has to grant the login `read` on this path.",
            Self::LoginRejected { .. } | Self::LoginAsset(_) => {
                "correct [assets.vault.auth]: the vault does not take that login."
            }
            Self::Missing => "write the secret, or correct mount and path in the reference.",
            Self::Unreachable { .. } | Self::TimedOut => {
                "start the vault, or correct assets.vault.address, the network in between or assets.vault.ca_file."
            }
            Self::NotKeyValue
            | Self::NotVersioned
            | Self::NotMade { .. }
            | Self::Status { .. }
            | Self::UnreadableResponse { .. } => {
                "look at what responds at assets.vault.address, and at the vault's own log."
            }
        }
    }

    fn is_of_server(&self) -> bool {
        true
    }
}

impl Passing for VaultProblem {
    fn is_passing(&self) -> bool {
        self.outlook() == Outlook::Passing
    }
}
