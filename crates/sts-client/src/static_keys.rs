//! `access-key`: the keys themselves.

use std::time::Duration;

use auth_model::{AssetReference, KeyAssets};
use credential_assets::Assets;

use crate::cache::Obtained;
use crate::error::CredentialFailure;

/// A file of keys is read again this often, on demand: cheap enough for a rotated file to be
/// picked up while its predecessor is still valid.
const REREAD_AFTER: Duration = Duration::from_secs(10);

/// Keys as the configuration names them.
#[derive(Debug)]
pub(crate) struct StaticKeys {
    keys: KeyAssets,
    assets: Assets,
}

impl StaticKeys {
    pub(crate) fn new(keys: KeyAssets, assets: Assets) -> Self {
        Self { keys, assets }
    }

    /// Has the keys read anew, wherever they are cached.
    pub(crate) fn distrust(&self) {
        self.assets.invalidate(&self.keys);
    }

    pub(crate) async fn obtain(&self) -> Result<Obtained, CredentialFailure> {
        let credentials = self.assets.keys(&self.keys).await?;
        let parts = [
            Some(&self.keys.access_key_id),
            Some(&self.keys.secret_access_key),
            self.keys.session_token.as_ref(),
        ];
        let can_change = parts.into_iter().flatten().any(|part| {
            // A process's environment is fixed once it runs; what a later version adds may change.
            !matches!(part, AssetReference::Literal(_) | AssetReference::Env { .. })
        });
        Ok(Obtained {
            credentials,
            ask_again_after: can_change.then_some(REREAD_AFTER),
            session_space_percent: None,
        })
    }
}
