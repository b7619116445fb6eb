//! Reading assets.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{
    AccessKeyId, AssetOrigin, AssetReference, Clock, Credentials, InvalidAssetReference, KeyAssets, KeyParts, Secret,
    SecretAccessKey, SessionToken, SystemClock,
};

use crate::call::CallObserver;
use crate::environment::Environment;
use crate::error::AssetError;
use crate::exec::{self, CommandSettings};
use crate::readers::{CheckedReference, Readers};
use crate::reading::AssetReading;
use crate::scheme::{AssetReader, ReadableScheme};
use crate::schemes::SCHEMES;
use crate::vault::{InvalidVaultSettings, Vault, VaultSettings};

/// Reads credential assets. Cheap to clone; clones share what was read and what has been warned about.
///
/// Needs a tokio runtime with time and I/O when it is used, not when it is made.
#[derive(Clone, Debug)]
pub struct Assets {
    environment: Arc<dyn Environment>,
    readers: Readers,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn CallObserver>>,
}

impl Assets {
    /// Reads the schemes of this crate: `env:` assets from this environment, programs by the default settings, and no
    /// vault yet.
    #[must_use]
    pub fn new(environment: impl Environment) -> Self {
        let environment: Arc<dyn Environment> = Arc::new(environment);
        Self {
            readers: Readers::default().with(SCHEMES, &environment),
            environment,
            clock: Arc::new(SystemClock),
            observer: None,
        }
    }

    /// Reads these schemes too.
    #[must_use]
    pub fn with_schemes(self, schemes: impl IntoIterator<Item = &'static dyn ReadableScheme>) -> Self {
        Self {
            readers: self.readers.with(schemes, &self.environment),
            ..self
        }
    }

    /// Reads the assets of one scheme through this, where its settings are known.
    #[must_use]
    pub fn with_reader(self, scheme: &'static str, reader: AssetReader) -> Self {
        Self {
            readers: self.readers.with_reader(scheme, reader),
            ..self
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
        let reader = exec::reader(&self.environment, settings);
        self.with_reader("exec", reader)
    }

    /// Reads `vault:` and `vault-aws:` assets from this vault. Nothing is requested yet.
    ///
    /// # Errors
    ///
    /// [`InvalidVaultSettings`] where no request can be sent to it.
    pub fn with_vault(self, settings: VaultSettings) -> Result<Self, InvalidVaultSettings> {
        let vault = Vault::new(settings, self.readers.clone(), self.observer.clone())?;
        let vault = Arc::new(vault);
        let secrets = AssetReader::Secret(Arc::<Vault>::clone(&vault));
        Ok(self
            .with_reader("vault", secrets)
            .with_reader("vault-aws", AssetReader::Key(vault)))
    }

    /// Where an asset leads.
    ///
    /// # Errors
    ///
    /// [`InvalidAssetReference`] where no scheme takes the reference.
    pub fn origin(&self, asset: &AssetReference) -> Result<AssetOrigin, InvalidAssetReference> {
        self.readers.origin(asset)
    }

    /// What an operator should look at although the asset was read.
    #[must_use]
    pub fn warning(&self, asset: &AssetReference) -> Option<&'static str> {
        match self.readers.check(asset) {
            Ok(CheckedReference::Kept(location, reader)) => reader.warning(&location),
            Ok(CheckedReference::Literal(_)) | Err(_) => None,
        }
    }

    /// Reads one asset. Files and variables are read now; see the crate's page for what is cached.
    ///
    /// # Errors
    ///
    /// [`AssetError`] where there is no such text; it names the asset and shows nothing of its value.
    pub async fn read(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        self.readers.read(asset).await
    }

    /// Reads one asset from where it is kept, past what is cached: for what is good once.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn read_uncached(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        self.forget(asset);
        self.read(asset).await
    }

    /// Has the assets of this key read again the next time: AWS rejected what they gave.
    ///
    /// A key that a vault made seconds ago is kept: AWS may not know it everywhere yet, as it would not know another.
    pub fn invalidate(&self, keys: &KeyAssets) {
        for asset in keys.references() {
            self.forget(asset);
        }
        if let KeyAssets::Leased(reference) = keys
            && let Ok((location, reader)) = self.readers.check_key(reference)
        {
            reader.forget(&location);
        }
    }

    fn forget(&self, asset: &AssetReference) {
        if let Ok(CheckedReference::Kept(location, reader)) = self.readers.check(asset) {
            reader.forget(&location);
        }
    }

    /// For how long a part of this key has not been confirmed, where fetching it fails and the stale value is served;
    /// `None` where all parts are as they were last read. Requests nothing.
    #[must_use]
    pub fn stale_for(&self, keys: &KeyAssets) -> Option<Duration> {
        let of_parts = keys.references().filter_map(|asset| match self.readers.check(asset) {
            Ok(CheckedReference::Kept(location, reader)) => reader.stale_for(&location),
            Ok(CheckedReference::Literal(_)) | Err(_) => None,
        });
        let of_whole = match keys {
            KeyAssets::Leased(reference) => {
                let checked = self.readers.check_key(reference).ok();
                checked.and_then(|(location, reader)| reader.stale_for(&location))
            }
            KeyAssets::Parts(_) => None,
        };
        of_parts.chain(of_whole).max()
    }

    /// Reads an access key and checks it. The set has an expiry where it is leased.
    ///
    /// # Errors
    ///
    /// [`AssetError`] of the first part that cannot be read or used.
    pub async fn keys(&self, keys: &KeyAssets) -> Result<Credentials, AssetError> {
        match keys {
            KeyAssets::Parts(parts) => self.parts(parts).await,
            KeyAssets::Leased(reference) => self.leased(reference).await,
        }
    }

    async fn leased(&self, reference: &AssetReference) -> Result<Credentials, AssetError> {
        let (location, reader) = self.readers.check_key(reference)?;
        let key = reader.key(&location).await?;
        Ok(key.credentials.with_expiry(self.clock.now() + key.remaining))
    }

    async fn parts(&self, keys: &KeyParts) -> Result<Credentials, AssetError> {
        let reading = &mut AssetReading::default();
        let id = self.readers.read_in(reading, &keys.access_key_id).await?;
        let id = AccessKeyId::parse(id.expose()).map_err(|source| AssetError::AccessKeyId {
            asset: self.shown(&keys.access_key_id),
            source,
        })?;
        let secret = self.readers.read_in(reading, &keys.secret_access_key).await?;
        let secret = SecretAccessKey::parse(secret).map_err(|source| AssetError::SecretAccessKey {
            asset: self.shown(&keys.secret_access_key),
            source,
        })?;
        let credentials = Credentials::new(id, secret);
        let Some(asset) = &keys.session_token else {
            return Ok(credentials);
        };
        let token = self.readers.read_in(reading, asset).await?;
        let token = SessionToken::parse(token).map_err(|source| AssetError::SessionToken {
            asset: self.shown(asset),
            source,
        })?;
        Ok(credentials.with_session_token(token))
    }

    /// The asset as it is shown in logs and errors: as its scheme shows it, be it checked already or not.
    #[must_use]
    pub fn shown(&self, asset: &AssetReference) -> String {
        match (self.readers.check(asset), self.readers.check_key(asset)) {
            (Ok(CheckedReference::Kept(location, _)), _) | (_, Ok((location, _))) => location.to_string(),
            (Ok(CheckedReference::Literal(_)) | Err(_), Err(_)) => asset.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
