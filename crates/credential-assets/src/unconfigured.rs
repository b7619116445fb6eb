//! What takes the place of a reader while its settings are missing.

use std::time::Duration;

use auth_model::{AssetLocation, AssetSettings, Secret};

use crate::error::AssetError;
use crate::reading::AssetReading;
use crate::scheme::{KeyReader, LeasedKey, Pending, SecretReader};

/// Reads nothing: says which settings are missing.
#[derive(Clone, Copy, Debug)]
pub struct Unconfigured(pub AssetSettings);

impl Unconfigured {
    fn error(self, location: &AssetLocation) -> AssetError {
        AssetError::NotConfigured {
            asset: location.to_string(),
            table: self.0.table,
        }
    }
}

impl SecretReader for Unconfigured {
    fn read<'a>(&'a self, location: &'a AssetLocation, _: &'a mut AssetReading) -> Pending<'a, Secret> {
        Box::pin(async { Err(self.error(location)) })
    }

    fn forget(&self, _: &AssetLocation) {}

    fn stale_for(&self, _: &AssetLocation) -> Option<Duration> {
        None
    }
}

impl KeyReader for Unconfigured {
    fn key<'a>(&'a self, location: &'a AssetLocation) -> Pending<'a, LeasedKey> {
        Box::pin(async { Err(self.error(location)) })
    }

    fn forget(&self, _: &AssetLocation) {}

    fn stale_for(&self, _: &AssetLocation) -> Option<Duration> {
        None
    }
}
