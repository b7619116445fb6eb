//! Where the vault is and how one gets in.

use std::time::Duration;

use auth_model::VaultLogin;

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
    pub auth: VaultLogin,
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
