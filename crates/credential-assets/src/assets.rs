//! Reading assets.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{
    AccessKeyId, AssetReference, Clock, Credentials, KeyAssets, KeyParts, Secret, SecretAccessKey, SessionToken,
    StoreKind, StoredSecret, SystemClock, VaultAwsRole, VaultSecret,
};
use tokio::time::Instant;

use crate::call::CallObserver;
use crate::command::CommandSettings;
use crate::environment::Environment;
use crate::error::AssetError;
use crate::local::{Local, Round};
use crate::store::{SecretStore, Stores};
use crate::value;
use crate::vault::{self, InvalidVaultSettings, Vault, VaultProblem, VaultSettings};

/// Reads credential assets. Cheap to clone; clones share what was read and what has been warned about.
///
/// Needs a tokio runtime with time and I/O when it is used, not when it is made.
#[derive(Clone, Debug)]
pub struct Assets {
    local: Local,
    vault: Option<Arc<Vault>>,
    stores: Stores,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn CallObserver>>,
}

impl Assets {
    /// Reads `env:` assets from this environment, runs programs by the default settings, and knows no vault and no
    /// store.
    #[must_use]
    pub fn new(environment: impl Environment) -> Self {
        Self {
            local: Local::new(environment),
            vault: None,
            stores: Stores::default(),
            clock: Arc::new(SystemClock),
            observer: None,
        }
    }

    /// Has every exchange measured that is made for these assets, and with them for keys and sessions. Vaults that are
    /// given later are measured as well.
    #[must_use]
    pub fn with_observer(self, observer: Option<Arc<dyn CallObserver>>) -> Self {
        Self { observer, ..self }
    }

    /// Who measures the exchanges.
    #[must_use]
    pub fn observer(&self) -> Option<&Arc<dyn CallObserver>> {
        self.observer.as_ref()
    }

    /// Says by this clock when a leased key ends.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
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
        let vault = Vault::new(settings, self.local.clone(), self.observer.clone())?;
        Ok(Self {
            vault: Some(Arc::new(vault)),
            ..self
        })
    }

    /// Reads the assets of one of AWS's stores through this, each again when it is older than `cache`; zero reads them
    /// each time. Nothing is asked yet.
    #[must_use]
    pub fn with_store(self, kind: StoreKind, store: Arc<dyn SecretStore>, cache: Duration) -> Self {
        Self {
            stores: self.stores.with(kind, store, cache),
            ..self
        }
    }

    /// Whether the asset is a file that has been read and that every user of the machine may read.
    #[must_use]
    pub fn is_open_to_all(&self, asset: &AssetReference) -> bool {
        matches!(asset, AssetReference::File { path, .. } if self.local.has_warned_of(path))
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
    ///
    /// A key that a vault made seconds ago is kept: AWS may not know it everywhere yet, as it would not know another.
    pub fn invalidate(&self, keys: &KeyAssets) {
        for asset in keys.references() {
            self.forget(asset);
        }
        if let (KeyAssets::Leased(role), Some(vault)) = (keys, &self.vault) {
            vault.forget_keys(role);
        }
    }

    fn forget(&self, asset: &AssetReference) {
        match (asset, &self.vault) {
            (AssetReference::Exec { command, .. }, _) => self.local.forget(command),
            (AssetReference::Vault { secret, .. }, Some(vault)) => vault.forget(secret),
            (AssetReference::Stored { secret, .. }, _) => self.stores.forget(secret),
            // Never cached.
            _ => {}
        }
    }

    /// For how long a part of this key has not been confirmed, where what keeps it fails and its last value serves on;
    /// `None` where all parts are as they were last read. Asks nobody.
    #[must_use]
    pub fn stale_for(&self, keys: &KeyAssets) -> Option<Duration> {
        let of_parts = keys.references().filter_map(|asset| match (asset, &self.vault) {
            (AssetReference::Exec { command, .. }, _) => self.local.stale_for(command),
            (AssetReference::Vault { secret, .. }, Some(vault)) => vault.stale_for(secret),
            (AssetReference::Stored { secret, .. }, _) => self.stores.stale_for(secret),
            // Never cached.
            _ => None,
        });
        let of_whole = match (keys, &self.vault) {
            (KeyAssets::Leased(role), Some(vault)) => vault.keys_stale_for(role),
            (KeyAssets::Leased(_), None) | (KeyAssets::Parts(_), _) => None,
        };
        of_parts.chain(of_whole).max()
    }

    /// Reads an access key and checks it. The set has an expiry where a vault leased it.
    ///
    /// # Errors
    ///
    /// [`AssetError`] of the first part that cannot be read or used.
    pub async fn keys(&self, keys: &KeyAssets) -> Result<Credentials, AssetError> {
        match keys {
            KeyAssets::Parts(parts) => self.parts(parts).await,
            KeyAssets::Leased(role) => self.leased(role).await,
        }
    }

    async fn leased(&self, role: &VaultAwsRole) -> Result<Credentials, AssetError> {
        let vault = self.vault.as_ref();
        let vault = vault.ok_or_else(|| vault::named(role, VaultProblem::NotConfigured))?;
        let (credentials, ends_at) = vault.keys(role).await?;
        let remaining = ends_at.saturating_duration_since(Instant::now());
        Ok(credentials.with_expiry(self.clock.now() + remaining))
    }

    async fn parts(&self, keys: &KeyParts) -> Result<Credentials, AssetError> {
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
            AssetReference::Stored { secret, pointer } => {
                let text = self.stored(round, asset, secret).await?;
                value::select(asset, text.expose(), pointer.as_deref())
            }
            asset => self.local.read(round, asset).await,
        }
    }

    async fn stored(
        &self,
        round: &mut Round,
        asset: &AssetReference,
        secret: &StoredSecret,
    ) -> Result<Arc<Secret>, AssetError> {
        let text = match round.stored.get(secret) {
            Some(text) => Arc::clone(text),
            None => self.stores.read(asset, secret).await?,
        };
        round.stored.insert(secret.clone(), Arc::clone(&text));
        Ok(text)
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

#[cfg(test)]
mod tests;
