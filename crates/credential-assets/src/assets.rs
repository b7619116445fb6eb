//! Reading assets.

use std::sync::Arc;

use auth_model::{
    AccessKeyId, AssetReference, Credentials, KeyAssets, Secret, SecretAccessKey, SessionToken, VaultSecret,
};

use crate::command::CommandSettings;
use crate::environment::Environment;
use crate::error::AssetError;
use crate::local::{Local, Round};
use crate::value;
use crate::vault::{self, InvalidVaultSettings, Vault, VaultProblem, VaultSettings};

/// Reads credential assets. Cheap to clone; clones share what was read and what has been warned about.
///
/// Needs a tokio runtime with time and I/O when it is used, not when it is made.
#[derive(Clone, Debug)]
pub struct Assets {
    local: Local,
    vault: Option<Arc<Vault>>,
}

impl Assets {
    /// Reads `env:` assets from this environment, runs programs by the default settings, and knows no vault.
    #[must_use]
    pub fn new(environment: impl Environment) -> Self {
        Self {
            local: Local::new(environment),
            vault: None,
        }
    }

    /// Runs the programs of `exec:` assets by these settings.
    #[must_use]
    pub fn with_commands(self, settings: CommandSettings) -> Self {
        Self {
            local: self.local.with_commands(settings),
            ..self
        }
    }

    /// Reads `vault:` assets from this vault. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`InvalidVaultSettings`] where it cannot be asked at all.
    pub fn with_vault(self, settings: VaultSettings) -> Result<Self, InvalidVaultSettings> {
        let vault = Vault::new(settings, self.local.clone())?;
        Ok(Self {
            vault: Some(Arc::new(vault)),
            ..self
        })
    }

    /// Reads one asset. Files and variables are read now; see the crate's page for what is cached.
    ///
    /// # Errors
    ///
    /// [`AssetError`] where there is no such text; it names the asset and shows nothing of its value.
    pub async fn read(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        self.read_in(&mut Round::default(), asset).await
    }

    /// Reads one asset from where it is kept, past what is cached: for what is good once.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn read_anew(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        self.forget(asset);
        self.read(asset).await
    }

    /// Has the assets of this key read anew the next time: AWS refused what they gave.
    pub fn invalidate(&self, keys: &KeyAssets) {
        for asset in parts(keys) {
            self.forget(asset);
        }
    }

    fn forget(&self, asset: &AssetReference) {
        match (asset, &self.vault) {
            (AssetReference::Exec { command, .. }, _) => self.local.forget(command),
            (AssetReference::Vault { secret, .. }, Some(vault)) => vault.forget(secret),
            // Never cached.
            _ => {}
        }
    }

    /// Reads the parts of an access key and checks them. The set has no expiry.
    ///
    /// # Errors
    ///
    /// [`AssetError`] of the first part that cannot be read or used.
    pub async fn keys(&self, keys: &KeyAssets) -> Result<Credentials, AssetError> {
        let round = &mut Round::default();
        let id = self.read_in(round, &keys.access_key_id).await?;
        let id = AccessKeyId::parse(id.expose()).map_err(|source| AssetError::AccessKeyId {
            asset: keys.access_key_id.to_string(),
            source,
        })?;
        let secret = self.read_in(round, &keys.secret_access_key).await?;
        let secret = SecretAccessKey::parse(secret).map_err(|source| AssetError::SecretAccessKey {
            asset: keys.secret_access_key.to_string(),
            source,
        })?;
        let credentials = Credentials::new(id, secret);
        let Some(asset) = &keys.session_token else {
            return Ok(credentials);
        };
        let token = self.read_in(round, asset).await?;
        let token = SessionToken::parse(token).map_err(|source| AssetError::SessionToken {
            asset: asset.to_string(),
            source,
        })?;
        Ok(credentials.with_session_token(token))
    }

    async fn read_in(&self, round: &mut Round, asset: &AssetReference) -> Result<Secret, AssetError> {
        match asset {
            AssetReference::Vault { secret, field } => self.field(round, asset, secret, field).await,
            asset => self.local.read(round, asset).await,
        }
    }

    async fn field(
        &self,
        round: &mut Round,
        asset: &AssetReference,
        secret: &VaultSecret,
        field: &str,
    ) -> Result<Secret, AssetError> {
        let fields = match (round.vault.get(secret), &self.vault) {
            (Some(fields), _) => Arc::clone(fields),
            (None, Some(vault)) => vault.read(asset, secret).await?,
            (None, None) => return Err(vault::named(asset, VaultProblem::NotConfigured)),
        };
        round.vault.insert(secret.clone(), Arc::clone(&fields));
        match fields.get(field) {
            Some(Some(text)) => value::finish(asset, text.expose()),
            Some(None) => Err(AssetError::NotAString {
                asset: asset.to_string(),
            }),
            None => Err(vault::named(asset, VaultProblem::NoField)),
        }
    }
}

fn parts(keys: &KeyAssets) -> impl Iterator<Item = &AssetReference> {
    let always = [&keys.access_key_id, &keys.secret_access_key];
    always.into_iter().chain(&keys.session_token)
}

#[cfg(test)]
mod tests;
