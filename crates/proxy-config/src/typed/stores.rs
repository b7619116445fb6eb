//! `[assets.secretsmanager]` and `[assets.ssm]`: where AWS's secret stores are, and with whose credentials they are called.

use std::collections::BTreeMap;

use auth_model::{ConnectionName, Region};
use aws_endpoints::partition_of;

use super::cleartext;
use crate::keys::{RawAssets, RawStore};
use crate::suggest::nearest;
use crate::table::Table;
use crate::{ConnectionConfig, StoreConfig};

/// The stores that are set up; those with a problem are left out.
pub(super) fn stores(
    table: &Table<'_>,
    raw: &RawAssets,
    connections: &BTreeMap<ConnectionName, ConnectionConfig>,
) -> BTreeMap<&'static str, StoreConfig> {
    let stores = [("secretsmanager", &raw.secretsmanager), ("ssm", &raw.ssm)].into_iter();
    stores
        .filter_map(|(kind, raw)| Some((kind, store(&table.table(kind), raw, connections)?)))
        .collect()
}

fn store(
    table: &Table<'_>,
    raw: &RawStore,
    connections: &BTreeMap<ConnectionName, ConnectionConfig>,
) -> Option<StoreConfig> {
    let timeout = table.duration("timeout", &raw.timeout);
    let cache = table.duration("cache", &raw.cache);
    let endpoint = cleartext::endpoint(table, "endpoint", raw.endpoint.as_deref(), raw.allow_cleartext);
    let own_region: Option<Region> = table.parse("region", raw.region.as_deref());
    let connection = match raw.connection.as_deref() {
        Some(name) => Some(connection(table, name, connections)?),
        None => None,
    };
    if raw.region.is_none() && connection.is_none() {
        if raw.endpoint.is_some() {
            table.missing("region", "requests to the store are signed for it");
        }
        return None;
    }
    let region = own_region.or_else(|| Some(connection?.connection.region.clone()))?;
    if partition_of(&region).is_none() && raw.endpoint.is_none() {
        let name = if raw.region.is_some() { "region" } else { "connection" };
        let message = "leads to a region that is none of AWS's: set the store's region, or its endpoint for a server \
                       that is not AWS's";
        table.reject(name, message);
        return None;
    }
    Some(StoreConfig {
        connection: connection.map(|config| config.connection.name.clone()),
        region,
        endpoint,
        timeout,
        cache,
    })
}

/// The connection of this name; `None` where there is none, or where it has problems of its own.
fn connection<'a>(
    table: &Table<'_>,
    name: &str,
    connections: &'a BTreeMap<ConnectionName, ConnectionConfig>,
) -> Option<&'a ConnectionConfig> {
    let found = connections.iter().find(|(known, _)| known.as_str() == name);
    let has_problems = table.report.knows(&crate::key_path::KeyPath::of("connections"));
    if found.is_none() && !has_problems {
        let hint = nearest(name, connections.keys().map(ConnectionName::as_str))
            .map(|meant| format!("; did you mean {meant}?"))
            .unwrap_or_default();
        table.reject(
            "connection",
            format!("must be the name of one of the [connections.NAME]{hint}"),
        );
    }
    found.map(|(_, config)| config)
}
