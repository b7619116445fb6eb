//! Secrets are kept where their own credentials do not come from, and can be fetched with what fetches them.

use std::collections::BTreeSet;

use auth_model::{ConnectionName, Region, StoreKind, StoredSecret};
use aws_endpoints::partition_of;

use crate::Config;
use crate::key_path::KeyPath;
use crate::table::Report;

/// Checks that no connection's credentials come from a secret that is fetched with themselves, however far round, and
/// that every secret is in the partition of the credentials that fetch it.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    for (kind, store) in &config.assets.stores {
        let key = KeyPath::of("assets").child(kind.as_str()).child("connection");
        if let Some(ring) = store.connection.as_ref().and_then(|first| ring(config, *kind, first)) {
            let message = format!(
                "leads back to itself: {ring}; use a connection whose credentials are kept elsewhere, or none for the \
                 default chain"
            );
            report.refuse(&key, message);
        }
        for (name, connection) in &config.connections {
            let foreign = connection.connection.auth.stored_secrets().find(|secret| {
                secret.kind() == *kind && secret.region().is_some_and(|region| are_apart(&region, &store.region))
            });
            if let Some(secret) = foreign {
                let message = format!(
                    "{secret} is in another partition than assets.{kind}'s region, {}: credentials do not cross \
                     partitions",
                    store.region
                );
                report.refuse(&KeyPath::of("connections").entry(name.as_str()).child("auth"), message);
            }
        }
    }
}

fn are_apart(a: &Region, b: &Region) -> bool {
    matches!((partition_of(a), partition_of(b)), (Some(a), Some(b)) if a != b)
}

/// The way from a store back to itself, in words; `None` where there is none.
fn ring(config: &Config, kind: StoreKind, first: &ConnectionName) -> Option<String> {
    let mut way = Vec::new();
    let mut seen = BTreeSet::new();
    leads_to(config, kind, first, &mut seen, &mut way).then(|| way.join(", "))
}

/// Whether the connection's credentials need this store; `way` says how.
fn leads_to(
    config: &Config,
    kind: StoreKind,
    name: &ConnectionName,
    seen: &mut BTreeSet<ConnectionName>,
    way: &mut Vec<String>,
) -> bool {
    let Some(connection) = config.connections.get(name).filter(|_| seen.insert(name.clone())) else {
        return false;
    };
    let needed: BTreeSet<StoreKind> = connection
        .connection
        .auth
        .stored_secrets()
        .map(StoredSecret::kind)
        .collect();
    for next in needed {
        way.push(format!("connections.{name} has credentials of {next}:"));
        if next == kind {
            return true;
        }
        let asked_with = config
            .assets
            .stores
            .get(&next)
            .and_then(|store| store.connection.as_ref());
        if let Some(asked_with) = asked_with {
            way.push(format!("which is asked with connections.{asked_with}"));
            if leads_to(config, kind, asked_with, seen, way) {
                return true;
            }
            way.pop();
        }
        way.pop();
    }
    false
}
