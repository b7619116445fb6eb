//! `vault:` and `vault-aws:` assets: key/value secrets, and keys that the AWS engine makes, of a Vault or an OpenBao.
//!
//! One client for one server: [`http`] talks, [`session`] holds the token, [`kv`] knows the two key/value engines,
//! [`lease`] the AWS engine. What was read is kept by path and version, so that the fields of one secret are of the same
//! reading.

mod http;
mod kv;
mod lease;
mod problem;
mod session;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetReference, Credentials, Secret, VaultAwsRole, VaultSecret};
use tokio::time::Instant;

use crate::call::CallObserver;
use crate::error::AssetError;
use crate::local::Local;
use crate::shelf::Shelf;
use http::Http;
use kv::KeyValue;
use lease::Leases;
use session::Sessions;

pub use problem::VaultProblem;
pub use settings::{InvalidVaultSettings, VaultAuth, VaultSettings};

/// A secret's fields; `None` is one that is no text.
pub(crate) type Fields = BTreeMap<String, Option<Secret>>;

/// A vault and what was read from it.
#[derive(Debug)]
pub(crate) struct Vault {
    engine: KeyValue,
    secrets: Shelf<VaultSecret, Fields, VaultProblem>,
    leases: Leases,
}

impl Vault {
    /// Nothing is asked yet; `local` reads what the vault wants to see at a login.
    pub(crate) fn new(
        settings: VaultSettings,
        local: Local,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Self, InvalidVaultSettings> {
        let cache = settings.cache;
        let http = Arc::new(Http::new(&settings, observer)?);
        let sessions = Sessions::new(http, settings.auth, local);
        Ok(Self {
            engine: KeyValue::new(Arc::clone(&sessions)),
            secrets: Shelf::new(cache),
            leases: Leases::new(sessions),
        })
    }

    pub(crate) async fn read(&self, asset: &AssetReference, secret: &VaultSecret) -> Result<Arc<Fields>, AssetError> {
        let fields = self.secrets.get(secret, self.engine.read(secret)).await;
        fields.map_err(|problem| named(asset, problem))
    }

    pub(crate) fn forget(&self, secret: &VaultSecret) {
        self.secrets.forget(secret);
    }

    pub(crate) fn stale_for(&self, secret: &VaultSecret) -> Option<Duration> {
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
        VaultProblem::Missing => AssetError::Missing { asset },
        problem => AssetError::Vault { asset, problem },
    }
}

#[cfg(test)]
mod tests;
