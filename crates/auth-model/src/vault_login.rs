//! How a vault that stores credential assets knows the proxy.

use std::path::PathBuf;

use crate::asset::AssetReference;

/// How to log in to a vault. References are read at each login; they cannot be `vault:` assets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VaultLogin {
    /// A token made elsewhere; it is renewed as far as it can be.
    Token {
        /// The token.
        token: AssetReference,
    },
    /// The method for machines, `approle`.
    AppRole {
        /// Where the method is mounted below `auth/`, usually `approle`.
        mount: String,
        /// The role's id.
        role_id: AssetReference,
        /// The role's secret; `None` for a role that binds none.
        secret_id: Option<AssetReference>,
    },
    /// The method for pods, `kubernetes`.
    Kubernetes {
        /// Where the method is mounted below `auth/`, usually `kubernetes`.
        mount: String,
        /// The role's name.
        role: String,
        /// The service account's token, which Kubernetes renews.
        jwt_file: PathBuf,
    },
}
