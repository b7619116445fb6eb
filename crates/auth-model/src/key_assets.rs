//! Access keys that are kept elsewhere.

use crate::asset::AssetReference;

/// Where an access key is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyAssets {
    /// Each part by itself.
    Parts(KeyParts),
    /// Nowhere: a server makes it when it is requested, whole and with a lease.
    Leased(AssetReference),
}

impl KeyAssets {
    /// The references of its parts; none where it is leased.
    pub fn references(&self) -> impl Iterator<Item = &AssetReference> {
        let parts = match self {
            Self::Parts(parts) => Some(parts),
            Self::Leased(_) => None,
        };
        parts.into_iter().flat_map(KeyParts::references)
    }
}

impl From<KeyParts> for KeyAssets {
    fn from(parts: KeyParts) -> Self {
        Self::Parts(parts)
    }
}

/// An access key whose parts may be kept elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyParts {
    /// The access key id. Public, but rotated together with the secret, so it may be an asset too.
    pub access_key_id: AssetReference,
    /// The secret access key.
    pub secret_access_key: AssetReference,
    /// The session token of temporary credentials.
    pub session_token: Option<AssetReference>,
}

impl KeyParts {
    /// The references of its parts, the access key id's first.
    pub fn references(&self) -> impl Iterator<Item = &AssetReference> {
        let always = [&self.access_key_id, &self.secret_access_key];
        always.into_iter().chain(&self.session_token)
    }
}
