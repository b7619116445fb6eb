//! The host names of S3 and its siblings.
//!
//! A bucket's name may hold dots and may be `s3`, `dualstack` or a region: names are read from the right, where AWS's
//! own labels stand. Source: Amazon S3 User Guide, "Virtual hosting of buckets", "Endpoints"; botocore, S3's and S3
//! Control's endpoint rule sets.

mod kind;

pub(super) use kind::Kind;

use auth_model::Partition;

use super::name::Stem;
use super::{HostError, HostReading, HostResource};
use crate::variant::EndpointVariant;

/// `None`: not a name of S3's.
pub(super) fn read<'a>(stem: &Stem<'a>) -> Result<Option<HostReading<'a>>, HostError> {
    let labels: Vec<&'a str> = stem.rest.split('.').collect();
    match labels.as_slice() {
        [before @ .., label, "dualstack", region] if Kind::of(label).is_some() && stem.facts_of(region).is_some() => {
            regional(stem, before, label, region, true)
        }
        [before @ .., label, region] if Kind::of(label).is_some() && stem.facts_of(region).is_some() => {
            regional(stem, before, label, region, stem.is_dualstack)
        }
        [before @ .., "s3-accelerate"] => accelerated(stem, before, false),
        [before @ .., "s3-accelerate", "dualstack"] => accelerated(stem, before, true),
        [alias @ .., "mrap", "accesspoint", "s3-global"] => multi_region(stem, alias),
        [before @ .., label] => dashed(stem, before, label),
        [] => Ok(None),
    }
}

/// `LABEL[.dualstack].REGION`, with what it addresses before.
fn regional<'a>(
    stem: &Stem<'a>,
    before: &[&'a str],
    label: &'a str,
    region: &'a str,
    dualstack: bool,
) -> Result<Option<HostReading<'a>>, HostError> {
    let (Some((kind, fips)), Some(facts)) = (Kind::of(label), stem.facts_of(region)) else {
        return Ok(None);
    };
    // Only Outposts has names under the dual-stack suffix; the others say `.dualstack.`.
    if stem.is_dualstack && !matches!(kind, Kind::Outposts) {
        return Ok(None);
    }
    let (service, resource) = kind.resource(before)?;
    let variant = EndpointVariant { fips, dualstack };
    Ok(Some(
        HostReading::new(facts, service, Some(region), variant).with_resource(resource),
    ))
}

/// `BUCKET.s3-accelerate[.dualstack].amazonaws.com`: the region is the bucket's, which the name does not say.
fn accelerated<'a>(stem: &Stem<'a>, before: &[&str], dualstack: bool) -> Result<Option<HostReading<'a>>, HostError> {
    let Some(facts) = stem.first_facts().filter(|_| !stem.is_dualstack) else {
        return Ok(None);
    };
    if before.is_empty() {
        return Err(HostError::Malformed {
            reason: "a transfer acceleration name begins with the bucket",
        });
    }
    let variant = EndpointVariant { fips: false, dualstack };
    Ok(Some(
        HostReading::new(facts, "s3", None, variant).with_resource(HostResource::Bucket(before.join("."))),
    ))
}

/// `ALIAS.mrap.accesspoint.s3-global.amazonaws.com`.
fn multi_region<'a>(stem: &Stem<'a>, alias: &[&str]) -> Result<Option<HostReading<'a>>, HostError> {
    let ([alias], Some(facts)) = (alias, stem.first_facts().filter(|_| !stem.is_dualstack)) else {
        return Err(HostError::Malformed {
            reason: "a multi-region access point's name is ALIAS.mrap.accesspoint.s3-global",
        });
    };
    let resource = HostResource::MultiRegionAccessPoint {
        alias: (*alias).to_owned(),
    };
    Ok(Some(
        HostReading::new(facts, "s3", None, EndpointVariant::default()).with_resource(resource),
    ))
}

/// Names without a label for the region: `s3`, `s3-external-1` and the dashed `s3-REGION` of the older regions.
fn dashed<'a>(stem: &Stem<'a>, before: &[&str], label: &'a str) -> Result<Option<HostReading<'a>>, HostError> {
    if stem.is_dualstack {
        return Ok(None);
    }
    let is_commercial = stem
        .first_facts()
        .is_some_and(|facts| facts.partition == Partition::Aws);
    let (region, fips) = match (label, label.strip_prefix("s3-")) {
        // The names from before there were regions mean us-east-1; other partitions never had them.
        ("s3" | "s3-external-1", _) if is_commercial => ("us-east-1", false),
        (_, Some(rest)) => {
            let website = rest.strip_prefix("website-");
            if website.is_some_and(|region| stem.facts_of(region).is_some()) {
                return Err(kind::WEBSITE);
            }
            rest.strip_prefix("fips-")
                .map_or((rest, false), |region| (region, true))
        }
        _ => return Ok(None),
    };
    let Some(facts) = stem.facts_of(region) else {
        return Ok(None);
    };
    let (service, resource) = Kind::Buckets.resource(before)?;
    Ok(Some(
        HostReading::new(facts, service, Some(region), stem.variant(fips)).with_resource(resource),
    ))
}
