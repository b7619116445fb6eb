//! Secrets that cannot be keys of AWS's.

use auth_model::{AssetReference, AuthMethod, BaseKeys, KeyAssets, ManagedIdentity, VaultLogin};

use crate::{Config, ConnectionConfig, EndpointUrl};

/// How many characters a secret access key of AWS's has. Source: AWS Security Token Service API reference, examples of
/// `Credentials`; every key that AWS issues.
pub const SECRET_LENGTH: usize = 40;

/// Secrets that are written in full, and are not as long as AWS's are.
pub(super) fn of_another_length(config: &Config) -> Vec<String> {
    let literal = |keys: &KeyAssets| match keys {
        KeyAssets::Parts(parts) => match &parts.secret_access_key {
            AssetReference::Literal(secret) => Some(secret.expose().chars().count()),
            AssetReference::Kept(_) => None,
        },
        KeyAssets::Leased(_) => None,
    };
    let places = config.key_places().into_iter().filter(|place| place.is_for_aws);
    places
        .filter_map(|place| Some((place.path, literal(place.keys)?)))
        .filter(|(_, length)| *length != SECRET_LENGTH)
        .map(|(path, length)| of_length(&path, length))
        .collect()
}

/// What is said of one: of the table with this path, whose secret has so many characters.
#[must_use]
pub fn of_length(path: &str, length: usize) -> String {
    format!(
        "{path}.secret_access_key: has {length} characters, and those of AWS have {SECRET_LENGTH}: look for a cut or padded \
         copy, or for a reference that is misspelt"
    )
}

/// Keys that the configuration has.
#[derive(Debug)]
pub struct KeyPlace<'a> {
    /// The table: `connections.NAME.auth` or `identities.NAME`.
    pub path: String,
    /// Where they are stored.
    pub keys: &'a KeyAssets,
    /// Whether they are used with AWS itself: not an S3-compatible server, nor an STS of one's own.
    pub is_for_aws: bool,
}

impl Config {
    /// All keys that are stored somewhere, and with whom they are used.
    #[must_use]
    pub fn key_places(&self) -> Vec<KeyPlace<'_>> {
        let of_connection = |connection| self.of_connection(connection);
        let connections = self.connections.values().filter_map(of_connection);
        let identities = self.identities.values().map(|identity| self.of_identity(identity));
        connections.chain(identities).collect()
    }

    /// What the login to the vault is read from, by key.
    #[must_use]
    pub fn vault_assets(&self) -> Vec<(String, &AssetReference)> {
        let auth = self.assets.vault.as_ref().map(|vault| &vault.auth);
        let parts = match auth {
            Some(VaultLogin::Token { token }) => vec![("token", Some(token))],
            Some(VaultLogin::AppRole { role_id, secret_id, .. }) => {
                vec![("role_id", Some(role_id)), ("secret_id", secret_id.as_ref())]
            }
            Some(VaultLogin::Kubernetes { .. }) | None => Vec::new(),
        };
        let parts = parts.into_iter().filter_map(|(name, asset)| Some((name, asset?)));
        parts
            .map(|(name, asset)| (format!("assets.vault.auth.{name}"), asset))
            .collect()
    }

    fn of_connection<'a>(&self, config: &'a ConnectionConfig) -> Option<KeyPlace<'a>> {
        let (keys, at) = match &config.connection.auth {
            AuthMethod::AccessKey { keys } => (keys, config.endpoint.as_ref()),
            AuthMethod::AccessKeyAssumeRole {
                base: BaseKeys::Assets(keys),
                ..
            } => (keys, self.sts_of(config)),
            AuthMethod::AccessKeyAssumeRole {
                base: BaseKeys::DefaultChain { .. },
                ..
            }
            | AuthMethod::ManagedCrossAccount { .. }
            | AuthMethod::DefaultChain { .. } => return None,
        };
        Some(KeyPlace {
            path: format!("connections.{}.auth", config.connection.name),
            keys,
            is_for_aws: super::is_at_aws(at),
        })
    }

    fn of_identity<'a>(&self, identity: &'a ManagedIdentity) -> KeyPlace<'a> {
        let uses = |config: &&ConnectionConfig| {
            matches!(&config.connection.auth, AuthMethod::ManagedCrossAccount { identity: used, .. }
                if used.name == identity.name)
        };
        let mut at = self.connections.values().filter(uses).map(|config| self.sts_of(config));
        KeyPlace {
            path: format!("identities.{}", identity.name),
            keys: &identity.keys,
            is_for_aws: at.all(super::is_at_aws),
        }
    }

    fn sts_of<'a>(&'a self, config: &'a ConnectionConfig) -> Option<&'a EndpointUrl> {
        config.sts_endpoint.as_ref().or(self.sts.endpoint.as_ref())
    }
}
