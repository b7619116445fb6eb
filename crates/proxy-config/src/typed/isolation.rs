//! Customers are isolated: each organisation has a user and an External ID of its own.

use auth_model::{AssetReference, AuthMethod, ConnectionName, ExternalId, KeyAssets, Organisation};

use crate::Config;
use crate::key_path::KeyPath;
use crate::report::Report;

/// Checks what organisations must not share.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    check_keys(config, report);
    check_external_ids(config, report);
}

/// One key for two organisations would be one IAM user for both.
fn check_keys(config: &Config, report: &Report<'_>) {
    let identities: Vec<_> = config.identities.values().collect();
    for (index, identity) in identities.iter().enumerate() {
        let shared = identities.iter().take(index).find(|other| {
            other.organisation != identity.organisation && IamUser::of(&other.keys) == IamUser::of(&identity.keys)
        });
        if let Some(other) = shared {
            let name = match identity.keys {
                KeyAssets::Parts(_) => "access_key_id",
                KeyAssets::Leased(_) => "credentials",
            };
            let key = KeyPath::of("identities").entry(identity.name.as_str()).entry(name);
            let message = format!(
                "is also the key of identities.{}, of another organisation: each organisation needs an IAM user of \
                 its own",
                other.name
            );
            report.reject(&key, message);
        }
    }
}

/// One External ID for two organisations would let one of them be reached in the other's name.
fn check_external_ids(config: &Config, report: &Report<'_>) {
    let mut seen: Vec<(&ConnectionName, &ExternalId, &Organisation)> = Vec::new();
    for (name, connection) in &config.connections {
        let AuthMethod::ManagedCrossAccount {
            identity, external_id, ..
        } = &connection.connection.auth
        else {
            continue;
        };
        let organisation = &identity.organisation;
        let shared = seen
            .iter()
            .find(|(_, id, other)| *id == external_id && *other != organisation);
        if let Some((other, ..)) = shared {
            let key = KeyPath::of("connections")
                .entry(name.as_str())
                .child("auth.external_id");
            let message = format!(
                "is also that of connections.{other}, of another organisation: each organisation needs an External \
                 ID of its own"
            );
            report.reject(&key, message);
        }
        seen.push((name, external_id, organisation));
    }
}

/// What the configuration shows of whose keys they are: the same of two is one user, or users that one role makes.
#[derive(Eq, PartialEq)]
enum IamUser<'a> {
    OfAccessKey(&'a AssetReference),
    OfRole(&'a AssetReference),
}

impl<'a> IamUser<'a> {
    fn of(keys: &'a KeyAssets) -> Self {
        match keys {
            KeyAssets::Parts(parts) => Self::OfAccessKey(&parts.access_key_id),
            KeyAssets::Leased(role) => Self::OfRole(role),
        }
    }
}
