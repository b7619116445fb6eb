//! A Vault or an OpenBao: key/value secrets for `vault:`, and keys that the AWS engine makes for `vault-aws:`.
//!
//! [`kv_scheme`] and [`aws_scheme`] are the two schemes. One client for one server: [`http`] sends requests, [`session`] holds the token, [`kv`] knows the two key/value engines,
//! [`lease`] the AWS engine. What was read is kept by path and version, so that the fields of one secret are of the same
//! reading.

mod aws_scheme;
mod http;
mod kv;
mod kv_scheme;
mod lease;
mod problem;
mod session;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetLocation, Credentials, Secret};
use tokio::time::Instant;

use crate::asset_cache::AssetCache;
use crate::call::CallObserver;
use crate::error::{AssetError, SourceProblem};
use crate::readers::Readers;
use aws_scheme::VaultAwsRole;
use http::Http;
use kv::KeyValue;
use kv_scheme::VaultSecret;
use lease::Leases;
use session::Sessions;

pub(crate) use aws_scheme::VaultAwsScheme;
pub(crate) use kv_scheme::VaultScheme;
pub use problem::VaultProblem;
pub use settings::{InvalidVaultSettings, VaultSettings};

/// A secret's fields; `None` is one that is no text.
pub(crate) type Fields = BTreeMap<String, Option<Secret>>;

/// A vault and what was read from it.
#[derive(Debug)]
pub(crate) struct Vault {
    engine: KeyValue,
    secrets: AssetCache<VaultSecret, Fields, VaultProblem>,
    leases: Leases,
}

impl Vault {
    /// Nothing is requested yet; `readers` read what the vault wants to see at a login.
    pub(crate) fn new(
        settings: VaultSettings,
        readers: Readers,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Self, InvalidVaultSettings> {
        let cache = settings.cache;
        let http = Arc::new(Http::new(&settings, observer)?);
        let sessions = Sessions::new(http, settings.auth, readers);
        Ok(Self {
            engine: KeyValue::new(Arc::clone(&sessions)),
            secrets: AssetCache::new(cache),
            leases: Leases::new(sessions),
        })
    }

    pub(crate) async fn fields(&self, asset: &AssetLocation, secret: &VaultSecret) -> Result<Arc<Fields>, AssetError> {
        let fields = self.secrets.get(secret, self.engine.read(secret)).await;
        fields.map_err(|problem| named(asset, problem))
    }

    pub(crate) fn forget_secret(&self, secret: &VaultSecret) {
        self.secrets.forget(secret);
    }

    pub(crate) fn secret_stale_for(&self, secret: &VaultSecret) -> Option<Duration> {
        self.secrets.stale_for(secret)
    }

    /// A set that the AWS engine made, and when it ends.
    pub(crate) async fn keys(&self, role: &VaultAwsRole) -> Result<(Credentials, Instant), AssetError> {
        self.leases.get(role).await.map_err(|problem| named(role, problem))
    }

    pub(crate) fn forget_keys(&self, role: &VaultAwsRole) {
        self.leases.forget(role);
    }

    pub(crate) fn keys_stale_for(&self, role: &VaultAwsRole) -> Option<Duration> {
        self.leases.stale_for(role)
    }
}

/// The error of an asset that could not be read.
pub(crate) fn named(asset: &impl ToString, problem: VaultProblem) -> AssetError {
    let asset = asset.to_string();
    match problem {
        VaultProblem::Missing => AssetError::Missing {
            asset,
            remedy: "write the secret, or correct mount and path in the reference.",
        },
        problem => AssetError::Source {
            asset,
            problem: SourceProblem::new(problem),
        },
    }
}

#[cfg(test)]
mod tests;
