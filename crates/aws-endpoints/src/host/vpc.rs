//! VPC endpoints: `vpce-ID.SERVICE.REGION.vpce.SUFFIX`; for S3 with more labels before.
//!
//! Source: Amazon S3 User Guide, "AWS `PrivateLink` for Amazon S3".

use super::name::Stem;
use super::{AwsHost, HostError, HostReading, named, s3};

/// `None`: not a VPC endpoint's name.
pub(super) fn read(stem: &Stem<'_>) -> Result<Option<AwsHost>, HostError> {
    let labels: Vec<&str> = stem.rest.split('.').collect();
    let [labels @ .., region, "vpce"] = labels.as_slice() else {
        return Ok(None);
    };
    let facts = stem.facts_of(region).ok_or(HostError::UnknownService)?;
    // A bucket's name may begin with `vpce-`: the id is the last label that does.
    let at = labels.iter().rposition(|label| label.starts_with("vpce-"));
    let (Some((before, [id, service @ ..])), false) = (at.map(|at| labels.split_at(at)), labels.is_empty()) else {
        return Err(HostError::UnknownService);
    };
    let service = service.join(".");
    let host = match s3::Kind::of(&service) {
        Some((kind, fips)) => {
            let (service, resource) = kind.in_vpc(before)?;
            let reading = HostReading::new(facts, service, Some(region), stem.variant(fips));
            reading.with_resource(resource).host()?
        }
        None if before.is_empty() => named(stem, facts, &service, region)?.ok_or(HostError::UnknownService)?,
        None => return Err(HostError::UnknownService),
    };
    Ok(Some(AwsHost {
        vpc_endpoint: Some((*id).to_owned()),
        ..host
    }))
}
