//! `vault:` assets: key/value secrets of a Vault or an OpenBao.
//!
//! One client for one server: [`http`] talks, [`session`] holds the token, [`kv`] knows the two key/value engines.
//! What was read is kept by path and version, so that the fields of one secret are of the same reading.

mod http;
mod kv;
mod problem;
mod session;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{AssetReference, Secret, VaultSecret};

use crate::error::AssetError;
use crate::local::Local;
use crate::shelf::Shelf;
use http::Http;
use kv::KeyValue;
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
}

impl Vault {
    /// Nothing is asked yet; `local` reads what the vault wants to see at a login.
    pub(crate) fn new(settings: VaultSettings, local: Local) -> Result<Self, InvalidVaultSettings> {
        let cache = settings.cache;
        let http = Arc::new(Http::new(&settings)?);
        let sessions = Sessions::new(Arc::clone(&http), settings.auth, local);
        Ok(Self {
            engine: KeyValue::new(http, sessions),
            secrets: Shelf::new(cache),
        })
    }

    pub(crate) async fn read(&self, asset: &AssetReference, secret: &VaultSecret) -> Result<Arc<Fields>, AssetError> {
        let fields = self.secrets.get(secret, self.engine.read(secret)).await;
        fields.map_err(|problem| named(asset, problem))
    }

    pub(crate) fn forget(&self, secret: &VaultSecret) {
        self.secrets.forget(secret);
    }
}

/// The error of an asset whose secret could not be read.
pub(crate) fn named(asset: &AssetReference, problem: VaultProblem) -> AssetError {
    let asset = asset.to_string();
    match problem {
        VaultProblem::Missing => AssetError::Missing { asset },
        problem => AssetError::Vault { asset, problem },
    }
}

#[cfg(test)]
mod tests;
