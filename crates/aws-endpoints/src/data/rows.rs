//! The rows of the generated files.

use std::collections::HashMap;

use crate::partition::{PARTITIONS, PartitionFacts, PartitionSet};
use crate::protocol::Protocol;
use crate::variant::EndpointVariant;

const SERVICES: &str = include_str!("services.tsv");
const RULES: &str = include_str!("rules.tsv");
const HOSTS: &str = include_str!("hosts.tsv");

/// What the tables know about a service.
#[derive(Debug)]
pub(crate) struct ServiceRow {
    pub(crate) prefix: &'static str,
    pub(crate) signing_name: &'static str,
    pub(crate) protocol: Protocol,
    /// Whether it takes no signed payload.
    pub(crate) payload_must_be_unsigned: bool,
    operation_prefixes: &'static str,
    sdk_names: &'static str,
    rules: Vec<Rule>,
}

/// Where a service's endpoint leaves the standard pattern `PREFIX.REGION.SUFFIX`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    variant: EndpointVariant,
    scope: Scope,
    /// The host name with `{R}` for the region, `{G}` for the partition's home region, `{S}` and `{D}` for its
    /// suffixes; `None` where there is no such endpoint.
    pub(crate) host: Option<&'static str>,
    /// The region signed for, as such a template.
    pub(crate) signing_region: &'static str,
}

/// What a rule holds for.
#[derive(Clone, Copy, Debug)]
enum Scope {
    Partitions(PartitionSet),
    Region(&'static str),
}

/// A host name of `hosts.tsv`: service, region signed for, variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownHost {
    pub(crate) host: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) signing_region: &'static str,
    pub(crate) variant: EndpointVariant,
}

impl ServiceRow {
    /// What SDKs put before the host name for some operations, such as `data-` or `api.`.
    pub(crate) fn operation_prefixes(&self) -> impl Iterator<Item = &'static str> {
        listed(self.operation_prefixes)
    }

    /// What SDKs call the service, where that is not its prefix.
    pub(crate) fn sdk_names(&self) -> impl Iterator<Item = &'static str> {
        listed(self.sdk_names)
    }

    /// The rule for a region, the region's own before its partition's; `None`: the standard pattern.
    pub(crate) fn rule(&self, facts: &PartitionFacts, region: &str, variant: EndpointVariant) -> Option<&Rule> {
        let mut rules = self.rules.iter().filter(|rule| rule.variant == variant);
        let own = rules
            .clone()
            .find(|rule| matches!(rule.scope, Scope::Region(own) if own == region));
        own.or_else(|| rules.find(|rule| matches!(rule.scope, Scope::Partitions(set) if set.contains(facts.partition))))
    }

    /// The rule of a whole partition; `None`: the standard pattern.
    pub(crate) fn partition_rule(&self, facts: &PartitionFacts, variant: EndpointVariant) -> Option<&Rule> {
        self.rule(facts, "", variant)
    }

    /// The rules of single regions, with the region.
    pub(crate) fn region_rules(&self) -> impl Iterator<Item = (&'static str, &Rule)> {
        self.rules.iter().filter_map(|rule| match rule.scope {
            Scope::Region(region) => Some((region, rule)),
            Scope::Partitions(_) => None,
        })
    }
}

impl Rule {
    pub(crate) fn variant(&self) -> EndpointVariant {
        self.variant
    }
}

/// Fills a template in; source of the letters: the generator.
pub(crate) fn fill(template: &str, region: &str, facts: &PartitionFacts) -> String {
    template
        .replace("{R}", region)
        .replace("{G}", facts.home_region)
        .replace("{S}", facts.suffix)
        .replace("{D}", facts.dualstack_suffix)
}

/// The services with their rules, by prefix.
pub(super) fn services() -> HashMap<&'static str, ServiceRow> {
    let mut services: HashMap<_, _> = rows(SERVICES).filter_map(service).collect();
    for (prefix, rule) in rows(RULES).filter_map(rule) {
        if let Some(service) = services.get_mut(prefix) {
            service.rules.push(rule);
        }
    }
    services
}

/// The rows of `hosts.tsv`.
pub(super) fn homes() -> impl Iterator<Item = KnownHost> {
    rows(HOSTS).filter_map(|[host, prefix, signing_region, variant, ..]| {
        Some(KnownHost {
            host,
            prefix,
            signing_region,
            variant: variant_of(variant)?,
        })
    })
}

/// The cells of each line that is no comment, at most six; missing ones are empty.
fn rows(text: &'static str) -> impl Iterator<Item = [&'static str; 6]> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut cells = line.split('\t');
        std::array::from_fn(|_| cells.next().unwrap_or(""))
    })
}

fn service(
    [prefix, signing_name, protocol, operations, sdk_names, payload]: [&'static str; 6],
) -> Option<(&'static str, ServiceRow)> {
    let protocol = match protocol {
        "rest-xml" => Protocol::RestXml,
        "ec2" => Protocol::Ec2,
        "query" => Protocol::Query,
        "json" => Protocol::Json,
        "rest-json" => Protocol::RestJson,
        "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
        _ => return None,
    };
    let service = ServiceRow {
        prefix,
        signing_name,
        protocol,
        payload_must_be_unsigned: payload == "unsigned",
        operation_prefixes: operations,
        sdk_names,
        rules: Vec::new(),
    };
    Some((prefix, service))
}

fn rule([prefix, variant, scope, host, signing_region, _]: [&'static str; 6]) -> Option<(&'static str, Rule)> {
    let scope = match scope {
        "*" => Scope::Partitions(PartitionSet::ALL),
        names
            if PARTITIONS
                .iter()
                .any(|facts| names.split(',').any(|name| name == facts.partition.as_str())) =>
        {
            Scope::Partitions(names.split(',').filter_map(|name| name.parse().ok()).collect())
        }
        region => Scope::Region(region),
    };
    let rule = Rule {
        variant: variant_of(variant)?,
        scope,
        host: Some(host).filter(|host| *host != "-"),
        signing_region,
    };
    Some((prefix, rule))
}

fn variant_of(name: &str) -> Option<EndpointVariant> {
    let (fips, dualstack) = match name {
        "-" => (false, false),
        "fips" => (true, false),
        "dual" => (false, true),
        "fips+dual" => (true, true),
        _ => return None,
    };
    Some(EndpointVariant { fips, dualstack })
}

fn listed(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split(',').filter(|name| *name != "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        let lines = |text: &'static str| text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(services().len(), lines(SERVICES));
        assert_eq!(
            services().values().map(|service| service.rules.len()).sum::<usize>(),
            lines(RULES)
        );
        assert_eq!(homes().count(), lines(HOSTS));
        assert!(lines(SERVICES) > 400 && lines(RULES) > 400 && lines(HOSTS) > 200);
    }

    #[test]
    fn every_host_belongs_to_a_known_service() {
        let services = services();
        for home in homes() {
            assert!(services.contains_key(home.prefix), "{home:?}");
        }
    }
}
