//! From service and region to a host name.

use auth_model::{Partition, Region, ServiceId};

use crate::partition::facts_of_region;
use crate::services::SERVICES;
use crate::variant::EndpointVariant;

/// Where a service answers in a region, and the region its requests are signed for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The host name, lower case, no port; always reached over HTTPS.
    pub host: String,
    /// The region of the signing scope: the asked one, or the home of a global service.
    pub signing_region: Region,
    /// The partition of both.
    pub partition: Partition,
}

/// There is no such endpoint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The region matches no partition's pattern, so its host suffix is unknown.
    #[error("{region} is not the name of an AWS region")]
    UnknownRegion {
        /// The region asked for.
        region: Region,
    },
}

/// The service's endpoint in the region.
///
/// Regions and services that the tables do not know follow AWS's pattern, `SERVICE.REGION.SUFFIX`.
///
/// # Errors
///
/// [`EndpointError::UnknownRegion`] for a region of no partition: such a connection needs an explicit endpoint.
pub fn endpoint(service: &ServiceId, region: &Region, variant: EndpointVariant) -> Result<Endpoint, EndpointError> {
    let facts =
        facts_of_region(region.as_str()).ok_or_else(|| EndpointError::UnknownRegion { region: region.clone() })?;
    let is_global = SERVICES
        .iter()
        .any(|known| known.prefix == service.as_str() && known.is_global);
    let place = if is_global || region.as_str() == facts.pseudo_region {
        facts.global_region
    } else {
        region.as_str()
    };
    let fips = if variant.fips { "-fips" } else { "" };
    let host = match (service.as_str(), variant.dualstack) {
        ("s3", true) => format!("s3{fips}.dualstack.{place}.{}", facts.suffix),
        (name, _) if is_global => format!("{name}{fips}.{}", facts.suffix),
        (name, false) => format!("{name}{fips}.{place}.{}", facts.suffix),
        (name, true) => format!("{name}{fips}.{place}.{}", facts.dualstack_suffix),
    };
    let signing_region = Region::parse(place).map_err(|_| EndpointError::UnknownRegion { region: region.clone() })?;
    Ok(Endpoint {
        host,
        signing_region,
        partition: facts.partition,
    })
}
