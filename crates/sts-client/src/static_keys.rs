//! `access-key`: the keys themselves.

use std::time::Duration;

use crate::cache::Obtained;
use crate::error::CredentialFailure;
use crate::own_keys::OwnKeys;

/// A file of keys is read again this often, on demand: cheap enough for a rotated file to be
/// picked up while its predecessor is still valid.
const REREAD_AFTER: Duration = Duration::from_secs(10);

/// Keys that sign requests.
#[derive(Debug)]
pub(crate) struct StaticKeys(pub(crate) OwnKeys);

impl StaticKeys {
    pub(crate) async fn obtain(&self) -> Result<Obtained, CredentialFailure> {
        let outcome = self.0.read().await;
        if let Err(CredentialFailure::KeysRejected { .. }) = outcome {
            self.0.distrust();
        }
        Ok(Obtained {
            credentials: outcome?,
            refresh_after: self.0.can_change().then_some(REREAD_AFTER),
            session_space_percent: None,
        })
    }
}
