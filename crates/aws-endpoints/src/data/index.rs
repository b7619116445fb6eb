//! What a host name may mean, put together from the services' rules.

use std::collections::HashMap;

use auth_model::Partition;

use super::rows::{ServiceRow, fill, homes};
use crate::partition::{PARTITIONS, PartitionFacts, PartitionSet, facts_of_region};
use crate::variant::EndpointVariant;

/// A reading of a whole host name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FixedHost {
    pub(crate) service: &'static str,
    pub(crate) partition: Partition,
    pub(crate) signing_region: String,
    pub(crate) variant: EndpointVariant,
}

/// A reading of what stands left of `.REGION.SUFFIX`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub(crate) service: &'static str,
    pub(crate) fips: bool,
    /// Partitions where it stands before the IPv4 suffix.
    pub(crate) ipv4: PartitionSet,
    /// Partitions where it stands before the dual-stack suffix.
    pub(crate) dualstack: PartitionSet,
    /// Signed for the partition's home region, whatever region the name says.
    pub(crate) is_signed_at_home: bool,
}

/// Names that documentation gives and no model: `data.iot` is the older certificate's host of `data-ats.iot`.
const DOCUMENTED_NAMES: &[(&str, &str)] = &[("data.iot", "data-ats.iot"), ("greengrass-ats.iot", "greengrass")];

/// S3 and its siblings have a grammar of their own; the pattern would misread their names.
const S3_FAMILY: &[&str] = &["s3", "s3-control", "s3-object-lambda", "s3-outposts", "s3express"];

/// Every host name that does not follow `LEFT.REGION.SUFFIX`, with its readings.
pub(super) fn fixed_hosts(services: &HashMap<&'static str, ServiceRow>) -> HashMap<String, Vec<FixedHost>> {
    let mut hosts: HashMap<String, Vec<FixedHost>> = HashMap::new();
    let mut add = |host: String, reading: FixedHost| {
        let readings = hosts.entry(host).or_default();
        let is_known = readings.iter().any(|known| {
            // Several variants may share a host; the plainest comes first and stands for all.
            let is_variant = known.signing_region == reading.signing_region;
            // What the rules of `aws` and `aws-us-gov` both make, endpoints.json lists for `aws` alone: for GovCloud
            // it is what the rules give for any region of a global service, and no endpoint.
            let is_leftover = (known.partition, reading.partition) == (Partition::Aws, Partition::AwsUsGov);
            known.service == reading.service && (is_variant || is_leftover)
        });
        if !is_known {
            readings.push(reading);
        }
    };
    for service in services.values().filter(|service| !S3_FAMILY.contains(&service.prefix)) {
        for (facts, variant) in places() {
            let by_region = service.region_rules().filter_map(|(region, rule)| {
                let is_here = facts_of_region(region).is_some_and(|own| own.partition == facts.partition);
                (is_here && rule.variant() == variant).then_some((region, rule))
            });
            let by_partition = service
                .partition_rule(facts, variant)
                .map(|rule| (facts.home_region, rule));
            for (region, rule) in by_partition.into_iter().chain(by_region) {
                let Some(host) = rule.host.filter(|host| !host.contains("{R}")) else {
                    continue;
                };
                let reading = FixedHost {
                    service: service.prefix,
                    partition: facts.partition,
                    signing_region: fill(rule.signing_region, region, facts),
                    variant,
                };
                add(fill(host, region, facts), reading);
            }
        }
    }
    for home in homes() {
        if let Some(facts) = facts_of_region(home.signing_region) {
            let reading = FixedHost {
                service: home.prefix,
                partition: facts.partition,
                signing_region: home.signing_region.to_owned(),
                variant: home.variant,
            };
            add(home.host.to_owned(), reading);
        }
    }
    hosts
}

/// Everything that may stand left of `.REGION.SUFFIX`, with its readings: at most one per service.
pub(super) fn names(services: &HashMap<&'static str, ServiceRow>) -> HashMap<String, Vec<Name>> {
    let mut names = NameIndex::default();
    for service in services.values().filter(|service| !S3_FAMILY.contains(&service.prefix)) {
        for variant in EndpointVariant::ALL {
            names.add_variant(service, variant);
        }
        for (region, rule) in service.region_rules() {
            if let (Some(facts), Some(host)) = (facts_of_region(region), rule.host) {
                names.add_template(service, facts, rule.variant().fips, host, rule.signing_region);
            }
        }
    }
    for (left, service) in DOCUMENTED_NAMES {
        names.add_left((*left).to_owned(), Name::everywhere(service));
    }
    names.0
}

/// Every partition with every variant, the plainest variant first.
fn places() -> impl Iterator<Item = (&'static PartitionFacts, EndpointVariant)> {
    EndpointVariant::ALL
        .into_iter()
        .flat_map(|variant| PARTITIONS.iter().map(move |facts| (facts, variant)))
}

impl Name {
    fn everywhere(service: &'static str) -> Self {
        Self {
            service,
            fips: false,
            ipv4: PartitionSet::ALL,
            dualstack: PartitionSet::ALL,
            is_signed_at_home: false,
        }
    }
}

#[derive(Default)]
struct NameIndex(HashMap<String, Vec<Name>>);

impl NameIndex {
    fn add_variant(&mut self, service: &ServiceRow, variant: EndpointVariant) {
        let mut standard = PartitionSet::NONE;
        for facts in PARTITIONS {
            match service.partition_rule(facts, variant) {
                Some(rule) => {
                    if let Some(host) = rule.host {
                        self.add_template(service, facts, variant.fips, host, rule.signing_region);
                    }
                }
                None => standard = standard.union(PartitionSet::from_iter([facts.partition])),
            }
        }
        if standard == PartitionSet::NONE {
            return;
        }
        let (ipv4, dualstack) = if variant.dualstack {
            (PartitionSet::NONE, standard)
        } else {
            (standard, PartitionSet::NONE)
        };
        // `-fips` after a regional prefix is FIPS, also where the rules name another host for it.
        for fips in [variant.fips, true] {
            let left = format!("{}{}", service.prefix, if fips { "-fips" } else { "" });
            let name = Name {
                service: service.prefix,
                fips,
                ipv4,
                dualstack,
                is_signed_at_home: false,
            };
            self.add(service, left, name);
        }
    }

    /// Adds the left part of a template that follows the pattern.
    fn add_template(
        &mut self,
        service: &ServiceRow,
        facts: &PartitionFacts,
        fips: bool,
        host: &str,
        signing_region: &str,
    ) {
        let Some((left, suffix)) = host.split_once(".{R}.") else {
            return;
        };
        let here = PartitionSet::from_iter([facts.partition]);
        let (ipv4, dualstack) = match suffix {
            "{S}" => (here, PartitionSet::NONE),
            "{D}" => (PartitionSet::NONE, here),
            _ => return,
        };
        let name = Name {
            service: service.prefix,
            fips,
            ipv4,
            dualstack,
            is_signed_at_home: signing_region == "{G}",
        };
        self.add(service, left.to_owned(), name);
    }

    /// Adds a left part, alone and behind the operations' prefixes.
    fn add(&mut self, service: &ServiceRow, left: String, name: Name) {
        for operation in service.operation_prefixes() {
            self.add_left(format!("{operation}{left}"), name);
        }
        self.add_left(left, name);
    }

    fn add_left(&mut self, left: String, name: Name) {
        let readings = self.0.entry(left).or_default();
        match readings.iter_mut().find(|known| known.service == name.service) {
            Some(known) => {
                known.ipv4 = known.ipv4.union(name.ipv4);
                known.dualstack = known.dualstack.union(name.dualstack);
                // GovCloud's FIPS hosts are often the plain ones.
                known.fips &= name.fips;
            }
            None => readings.push(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::services;
    use super::*;

    /// AWS gave the newer services of Amazon Location names that the older one uses too.
    #[test]
    fn names_of_two_services_are_these() {
        let mut shared: Vec<_> = names(&services())
            .into_iter()
            .filter(|(_, readings)| readings.len() > 1)
            .map(|(left, readings)| {
                let mut services: Vec<_> = readings.iter().map(|name| name.service).collect();
                services.sort_unstable();
                format!("{left}: {}", services.join(" "))
            })
            .collect();
        shared.sort();
        let want = [
            // The first is a service's own prefix, so it wins.
            "data-signer-fips: data-signer signer",
            "data-signer: data-signer signer",
            "maps.geo-fips: geo geo-maps",
            "maps.geo: geo geo-maps",
            "places.geo-fips: geo geo-places",
            "places.geo: geo geo-places",
            "routes.geo-fips: geo geo-routes",
            "routes.geo: geo geo-routes",
        ];
        assert_eq!(shared, want);
    }

    #[test]
    fn no_fixed_host_has_two_readings() {
        let shared: Vec<_> = fixed_hosts(&services())
            .into_iter()
            .filter(|(_, readings)| readings.len() > 1)
            .collect();
        assert_eq!(shared, []);
    }
}
