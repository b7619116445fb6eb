//! Where the vault is and how one gets in.

use std::path::PathBuf;
use std::time::Duration;

use auth_model::AssetReference;

/// A Vault or OpenBao server, and how to log in to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VaultSettings {
    /// `http(s)://host[:port]`, without a path.
    pub address: http::Uri,
    /// The namespace of every request, the login's included.
    pub namespace: Option<String>,
    /// PEM certificates trusted besides the platform's roots; may be empty.
    pub extra_roots_pem: Vec<u8>,
    /// For one request, connecting included.
    pub timeout: Duration,
    /// How long a secret is used before it is read again; zero reads it each time.
    pub cache: Duration,
    /// How to log in.
    pub auth: VaultAuth,
}

/// How to log in. References are read at each login; they cannot be `vault:` assets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VaultAuth {
    /// A token made by somebody else; it is renewed as far as it can be.
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

/// The settings cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVaultSettings {
    /// The address is no `http(s)://host[:port]`.
    #[error("the vault's address is not http(s)://HOST[:PORT]")]
    Address,
    /// The namespace cannot stand in a header.
    #[error("the vault's namespace is not visible ASCII")]
    Namespace,
    /// The extra roots are no PEM certificates.
    #[error("the vault's extra root certificates are no usable PEM certificates")]
    Roots,
    /// The TLS library rejects its own defaults.
    #[error("TLS cannot be set up")]
    Tls,
}
