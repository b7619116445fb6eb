//! No secret is stored where its own credentials come from, and each can be fetched with the credentials that fetch it.

use std::collections::BTreeSet;

use auth_model::{AssetOrigin, AssetReference, AuthMethod, ConnectionName, Region};
use aws_endpoints::partition_of;

use crate::key_path::KeyPath;
use crate::report::Report;
use crate::{Config, Environment};

/// Checks that no connection's credentials come from a secret that is fetched with themselves, directly or through others, and
/// that every secret is in the partition of the credentials that fetch it.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    for (kind, store) in &config.assets.stores {
        let key = KeyPath::of("assets").child(kind).child("connection");
        if let Some(cycle) = store
            .connection
            .as_ref()
            .and_then(|first| cycle(config, report.environment, kind, first))
        {
            let message = format!(
                "leads back to itself: {cycle}; use a connection whose credentials are stored elsewhere, or none for the \
                 default chain"
            );
            report.reject(&key, message);
        }
        for (name, connection) in &config.connections {
            let mut stored = stored_secrets(&connection.connection.auth, report.environment);
            let foreign = stored.find(|(table, region, _)| {
                table == kind && region.as_ref().is_some_and(|region| are_apart(region, &store.region))
            });
            if let Some((_, _, secret)) = foreign {
                let message = format!(
                    "{secret} is in another partition than assets.{kind}'s region, {}: credentials do not cross \
                     partitions",
                    store.region
                );
                report.reject(&KeyPath::of("connections").entry(name.as_str()).child("auth"), message);
            }
        }
    }
}

fn are_apart(a: &Region, b: &Region) -> bool {
    matches!((partition_of(a), partition_of(b)), (Some(a), Some(b)) if a != b)
}

/// The path from a store back to itself, in words; `None` where there is none.
fn cycle(config: &Config, environment: &Environment, kind: &str, first: &ConnectionName) -> Option<String> {
    let mut path = Vec::new();
    let mut seen = BTreeSet::new();
    leads_to(config, environment, kind, first, &mut seen, &mut path).then(|| path.join(", "))
}

/// Whether the connection's credentials need this store; `path` gets the steps.
fn leads_to(
    config: &Config,
    environment: &Environment,
    kind: &str,
    name: &ConnectionName,
    seen: &mut BTreeSet<ConnectionName>,
    path: &mut Vec<String>,
) -> bool {
    let Some(connection) = config.connections.get(name).filter(|_| seen.insert(name.clone())) else {
        return false;
    };
    let stored = stored_secrets(&connection.connection.auth, environment);
    let needed: BTreeSet<&'static str> = stored.map(|(table, _, _)| table).collect();
    for next in needed {
        path.push(format!("connections.{name} has credentials of {next}:"));
        if next == kind {
            return true;
        }
        let called_with = config
            .assets
            .stores
            .get(next)
            .and_then(|store| store.connection.as_ref());
        if let Some(called_with) = called_with {
            path.push(format!("which is called with connections.{called_with}"));
            if leads_to(config, environment, kind, called_with, seen, path) {
                return true;
            }
            path.pop();
        }
        path.pop();
    }
    false
}

/// What a method's references lead to in AWS's secret stores: the store's table, the secret's region where an ARN has
/// it, and the reference.
fn stored_secrets<'a>(
    auth: &'a AuthMethod,
    environment: &'a Environment,
) -> impl Iterator<Item = (&'static str, Option<Region>, AssetReference)> {
    auth.references().filter_map(|reference| {
        let (reference, origin) = environment.check_asset(reference.clone()).ok()?;
        match origin? {
            AssetOrigin::AwsStore { settings, region } => Some((settings.table, region, reference)),
            AssetOrigin::Process | AssetOrigin::File(_) | AssetOrigin::Program(_) | AssetOrigin::Server(_) => None,
        }
    })
}
