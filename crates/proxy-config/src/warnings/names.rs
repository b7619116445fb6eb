//! Names that AWS may not have, and names that are nearly the same.

use std::collections::BTreeMap;

use auth_model::{Connection, ConnectionName};
use aws_endpoints::{is_known_service, known_regions, known_service_names};

use crate::suggest::nearest;
use crate::{Config, ConnectionConfig};

/// A region of AWS's that this version does not know: new, or mistyped.
pub(super) fn region(config: &ConnectionConfig) -> Option<String> {
    let Connection { name, region, .. } = &config.connection;
    let is_known = known_regions().any(|known| known == region.as_str()) || region.as_str().ends_with("-global");
    if is_known || !super::is_at_aws(config.endpoint.as_ref()) {
        return None;
    }
    let meant = did_you_mean(region.as_str(), known_regions());
    Some(format!(
        "connections.{name}.region: {region} is none of the regions of AWS that this version knows{meant}"
    ))
}

/// A service that this version does not know: new, or mistyped.
pub(super) fn service(config: &ConnectionConfig) -> Option<String> {
    let Connection { name, service, .. } = &config.connection;
    if is_known_service(service) {
        return None;
    }
    let meant = did_you_mean(service.as_str(), known_service_names());
    // A server of one's own may have a service of its own.
    if meant.is_empty() && !super::is_at_aws(config.endpoint.as_ref()) {
        return None;
    }
    Some(format!(
        "connections.{name}.service: {service} is none of the services of AWS that this version knows{meant}"
    ))
}

fn did_you_mean<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(written, known)
        .map(|meant| format!("; did you mean {meant}?"))
        .unwrap_or_default()
}

/// Tables whose names differ in case alone. Variables do not tell them apart, and neither do people.
pub(super) fn alike(config: &Config) -> Vec<String> {
    let connections = config.connections.keys().map(ConnectionName::as_str);
    let identities = config.identities.keys().map(auth_model::IdentityName::as_str);
    let of = |table: &str, names: &mut dyn Iterator<Item = &str>| {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        let mut found = Vec::new();
        for name in names {
            // As the names of variables are made.
            let folded = name.to_ascii_lowercase().replace('-', "_");
            match seen.get(&folded) {
                Some(other) => found.push(format!(
                    "{table}.{name}: differs from {table}.{other} in case or in - and _ alone: is it meant to be another one?"
                )),
                None => drop(seen.insert(folded, name)),
            }
        }
        found
    };
    let mut found = of("connections", &mut { connections });
    found.extend(of("identities", &mut { identities }));
    found
}

/// Connections that sign for the same: on the shared listener a request has to name one of them.
pub(super) fn ambiguous(config: &Config) -> Vec<String> {
    let mut groups: BTreeMap<_, Vec<&ConnectionConfig>> = BTreeMap::new();
    // One with a listener of its own is reached by that.
    for connection in config
        .connections
        .values()
        .filter(|connection| connection.listen.is_none())
    {
        let Connection { service, region, .. } = &connection.connection;
        let endpoint = connection.endpoint.as_ref().map(ToString::to_string);
        groups.entry((service, region, endpoint)).or_default().push(connection);
    }
    let groups = groups.into_iter().filter(|(_, connections)| connections.len() > 1);
    groups
        .map(|((service, region, _), connections)| {
            let names: Vec<_> = connections.iter().map(|one| one.connection.name.as_str()).collect();
            let names = names.join(", ");
            format!(
                "connections: {names} all sign for {service} in {region}: requests on the shared listener that name none \
                 (/@NAME/ or x-signing-proxy-connection) are rejected; a listener of its own (listen) tells one apart, too"
            )
        })
        .collect()
}
