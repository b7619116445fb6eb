//! Secrets are kept where their own credentials do not come from, and can be fetched with what fetches them.

use std::collections::BTreeSet;

use auth_model::{AssetOrigin, AssetReference, AuthMethod, ConnectionName, Region};
use aws_endpoints::partition_of;

use crate::key_path::KeyPath;
use crate::report::Report;
use crate::{Config, Environment};

/// Checks that no connection's credentials come from a secret that is fetched with themselves, however far round, and
/// that every secret is in the partition of the credentials that fetch it.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    for (kind, store) in &config.assets.stores {
        let key = KeyPath::of("assets").child(kind).child("connection");
        if let Some(ring) = store
            .connection
            .as_ref()
            .and_then(|first| ring(config, report.environment, kind, first))
        {
            let message = format!(
                "leads back to itself: {ring}; use a connection whose credentials are kept elsewhere, or none for the \
                 default chain"
            );
            report.refuse(&key, message);
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
                report.refuse(&KeyPath::of("connections").entry(name.as_str()).child("auth"), message);
            }
        }
    }
}

fn are_apart(a: &Region, b: &Region) -> bool {
    matches!((partition_of(a), partition_of(b)), (Some(a), Some(b)) if a != b)
}

/// The way from a store back to itself, in words; `None` where there is none.
fn ring(config: &Config, environment: &Environment, kind: &str, first: &ConnectionName) -> Option<String> {
    let mut way = Vec::new();
    let mut seen = BTreeSet::new();
    leads_to(config, environment, kind, first, &mut seen, &mut way).then(|| way.join(", "))
}

/// Whether the connection's credentials need this store; `way` says how.
fn leads_to(
    config: &Config,
    environment: &Environment,
    kind: &str,
    name: &ConnectionName,
    seen: &mut BTreeSet<ConnectionName>,
    way: &mut Vec<String>,
) -> bool {
    let Some(connection) = config.connections.get(name).filter(|_| seen.insert(name.clone())) else {
        return false;
    };
    let stored = stored_secrets(&connection.connection.auth, environment);
    let needed: BTreeSet<&'static str> = stored.map(|(table, _, _)| table).collect();
    for next in needed {
        way.push(format!("connections.{name} has credentials of {next}:"));
        if next == kind {
            return true;
        }
        let asked_with = config
            .assets
            .stores
            .get(next)
            .and_then(|store| store.connection.as_ref());
        if let Some(asked_with) = asked_with {
            way.push(format!("which is asked with connections.{asked_with}"));
            if leads_to(config, environment, kind, asked_with, seen, way) {
                return true;
            }
            way.pop();
        }
        way.pop();
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
