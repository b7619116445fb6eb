//! Resources that have a host name of their own: APIs, search domains, function URLs, accounts' endpoints.
//!
//! Source: each service's "Endpoints and quotas" and connection pages; botocore's rule sets for accounts' endpoints.

use auth_model::AccountId;

use super::name::Stem;
use super::{HostError, HostReading, HostResource};
use crate::partition::{PartitionFacts, facts_of_real_region};
use crate::variant::EndpointVariant;

/// What stands before a service's label.
enum Before {
    /// One label that names the resource.
    Label,
    /// One label or more.
    Labels,
    /// An account's 12 digits.
    Account,
    /// An account's 12 digits, or labels that name the resource.
    AccountOrLabels,
}

/// `None`: no known kind of resource.
pub(super) fn read<'a>(stem: &Stem<'a>) -> Result<Option<HostReading<'a>>, HostError> {
    let Some((rest, last)) = stem.rest.rsplit_once('.') else {
        return Ok(None);
    };
    if let Some(facts) = stem.facts_of(last) {
        return before_region(stem, facts, rest, last);
    }
    if let Some(found) = multi_region(stem) {
        return Ok(Some(found));
    }
    let Some((before, region)) = rest.rsplit_once('.') else {
        return Ok(None);
    };
    let Some(facts) = stem.facts_of(region) else {
        return Ok(None);
    };
    let (name, fips) = without_fips(last);
    let (service, shape) = match name {
        "es" => ("es", Before::Label),
        "aoss" => ("aoss", Before::Label),
        "cloudsearch" => ("cloudsearchdomain", Before::Label),
        "neptune" => ("neptune-db", Before::Labels),
        "elb" => return Err(LOAD_BALANCER),
        "rds" => {
            return Err(HostError::NotSignable {
                what: "database servers",
            });
        }
        "compute" => return Err(HostError::NotSignable { what: "EC2 instances" }),
        _ => return Ok(None),
    };
    let reading = HostReading::new(facts, service, Some(region), stem.variant(fips));
    Ok(resource(&shape, before).map(|resource| reading.with_resource(resource)))
}

/// `RESOURCE.KIND.REGION.on.aws`: dual-stack names outside the partitions' suffixes.
pub(super) fn read_on_aws(name: &str) -> Result<Option<HostReading<'_>>, HostError> {
    let Some(rest) = name.strip_suffix(".on.aws") else {
        return Ok(None);
    };
    let parts = rest.rsplit_once('.').and_then(|(rest, region)| {
        let (before, kind) = rest.rsplit_once('.')?;
        Some((before, kind, region, facts_of_real_region(region)?))
    });
    let (before, kind, region, facts) = parts.ok_or(HostError::UnknownService)?;
    let (kind, fips) = without_fips(kind);
    let (service, shape) = match kind {
        "lambda-url" => ("lambda", Before::Label),
        "vpc-lattice-svcs" => ("vpc-lattice-svcs", Before::Labels),
        "aos" => ("es", Before::Label),
        "aoss" => ("aoss", Before::AccountOrLabels),
        "osm" => ("osm", Before::Label),
        "dkr-ecr" => return Err(REGISTRY),
        _ => return Err(HostError::UnknownService),
    };
    let variant = EndpointVariant { fips, dualstack: true };
    let resource = resource(&shape, before).ok_or(HostError::UnknownService)?;
    Ok(Some(
        HostReading::new(facts, service, Some(region), variant).with_resource(resource),
    ))
}

const LOAD_BALANCER: HostError = HostError::NotSignable { what: "load balancers" };
const REGISTRY: HostError = HostError::NotSignable {
    what: "container registries",
};

/// `RESOURCE.KIND.REGION.SUFFIX`; a kind has one label or two.
fn before_region<'a>(
    stem: &Stem<'a>,
    facts: &PartitionFacts,
    left: &'a str,
    region: &'a str,
) -> Result<Option<HostReading<'a>>, HostError> {
    let mut dots = left.rmatch_indices('.').map(|(at, _)| left.split_at(at));
    let (one, two) = (dots.next(), dots.next());
    for (before, kind) in [two, one].into_iter().flatten() {
        let (kind, fips) = without_fips(kind.trim_start_matches('.'));
        if let Some((service, shape)) = kind_of(kind)? {
            let reading = HostReading::new(facts, service, Some(region), stem.variant(fips));
            return Ok(resource(&shape, before).map(|resource| reading.with_resource(resource)));
        }
    }
    // Endpoint discovery returns cells: `ingest-cell1.timestream`.
    if let Some((cell, "timestream")) = one.map(|(before, kind)| (before, kind.trim_start_matches('.'))) {
        let service = match cell.split_once("-cell") {
            Some(("ingest", _)) => "ingest.timestream",
            Some(("query", _)) => "query.timestream",
            _ => return Ok(None),
        };
        let reading = HostReading::new(facts, service, Some(region), stem.variant(false));
        return Ok(Some(reading.with_resource(HostResource::Instance(cell.to_owned()))));
    }
    Ok(None)
}

/// The service behind a kind of resource, and what names the resource.
fn kind_of(kind: &str) -> Result<Option<(&'static str, Before)>, HostError> {
    let found = match kind {
        "execute-api" => ("execute-api", Before::Label),
        "appsync-api" | "appsync-realtime-api" => ("appsync", Before::Label),
        "ddb" | "search-ddb" => ("dynamodb", Before::Account),
        "streams-ddb" => ("streams.dynamodb", Before::Account),
        "eventsv2" => ("eventsv2", Before::Account),
        "data-kinesis" | "control-kinesis" | "data-kinesis-queues" | "control-kinesis-queues" => {
            ("kinesis", Before::AccountOrLabels)
        }
        // HTTP requests; MQTT over WebSocket (`/mqtt`) signs as iotdevicegateway, which the host does not say.
        "iot" => ("data-ats.iot", Before::Label),
        "jobs.iot" => ("data.jobs.iot", Before::Label),
        "credentials.iot" => {
            return Err(HostError::NotSignable {
                what: "IoT credential providers",
            });
        }
        "data.mediastore" => ("data.mediastore", Before::Label),
        "mediaconvert" => ("mediaconvert", Before::Label),
        "kinesisvideo" => ("kinesisvideo", Before::Label),
        "neptune-graph" => ("neptune-graph", Before::Label),
        "gateway.bedrock-agentcore" => ("bedrock-agentcore", Before::Label),
        "dkr.ecr" => return Err(REGISTRY),
        "d.codeartifact" => {
            return Err(HostError::NotSignable {
                what: "CodeArtifact repositories",
            });
        }
        "elb" => return Err(LOAD_BALANCER),
        _ => return Ok(None),
    };
    Ok(Some(found))
}

/// Endpoints over several regions: signed by `SigV4a`.
fn multi_region<'a>(stem: &Stem<'a>) -> Option<HostReading<'a>> {
    let labels: Vec<&str> = stem.rest.split('.').collect();
    let (service, id) = match labels.as_slice() {
        [id @ .., "endpoint", "events"] => ("events", id),
        [id @ .., "endpoints", "email"] | [id @ .., "endpoints", "email", "global" | "us-gov"] => ("email", id),
        [id @ .., "cloudfront-kvs", "global"] if stem.is_dualstack => ("cloudfront-keyvaluestore", id),
        _ => return None,
    };
    let resource = match (service, id) {
        (_, []) => return None,
        ("cloudfront-keyvaluestore", id) => HostResource::Account(AccountId::parse(id.join(".")).ok()?),
        (_, id) => HostResource::MultiRegionEndpoint(id.join(".")),
    };
    let facts = stem.first_facts()?;
    Some(HostReading::new(facts, service, None, stem.variant(false)).with_resource(resource))
}

fn resource(shape: &Before, before: &str) -> Option<HostResource> {
    let account = AccountId::parse(before).ok();
    match shape {
        Before::Label if before.contains('.') => None,
        Before::Label | Before::Labels => Some(HostResource::Instance(before.to_owned())),
        Before::Account => account.map(HostResource::Account),
        Before::AccountOrLabels => {
            Some(account.map_or_else(|| HostResource::Instance(before.to_owned()), HostResource::Account))
        }
    }
}

fn without_fips(name: &str) -> (&str, bool) {
    name.strip_suffix("-fips").map_or((name, false), |name| (name, true))
}
