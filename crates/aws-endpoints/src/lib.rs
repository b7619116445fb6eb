//! AWS endpoint tables: host names to partition, service and region, and back.
//!
//! - [`parse_host`] reads a host name. It gives exactly one reading or an error, never a guess: the reading
//!   decides under which scope a request is signed.
//! - [`endpoint()`] makes the host name of a service in a region; [`parse_host`] reads it back.
//! - [`traits_of`] says how a service wants to be signed and spoken to.
//! - [`AwsHost::owner`] says whose a host is, and [`AddressRules`] at which addresses AWS's names may be.
//! - [`partition_of`] finds a region's partition by AWS's own patterns, so that new regions need no new release.
//!
//! ```
//! use aws_endpoints::{EndpointVariant, HostResource, endpoint, parse_host, traits_of};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let host = parse_host("reports.s3.eu-west-1.amazonaws.com")?;
//! assert_eq!(host.service.as_str(), "s3");
//! assert_eq!(host.resource, HostResource::Bucket("reports".to_owned()));
//! assert_eq!(traits_of(&host.service).signing_name.as_str(), "s3");
//! let region = host.region.ok_or("the name says the region")?;
//! let regional = endpoint(&host.service, &region, EndpointVariant::default())?;
//! assert_eq!(regional.host, "s3.eu-west-1.amazonaws.com");
//! # Ok(())
//! # }
//! ```
//!
//! - [`percent`] decodes what is percent-encoded in a target or form.
//!
//! Invariant: no I/O, no credentials, nothing of a request beyond its host name and how text in it is encoded.

mod address;
mod data;
mod endpoint;
mod host;
mod owner;
mod partition;
mod path_encoding;
pub mod percent;
mod protocol;
mod services;
mod variant;

pub use address::{AddressBlock, AddressRejected, AddressRules, InvalidAddressBlock};
pub use endpoint::{Endpoint, EndpointError, endpoint};
pub use host::{AwsHost, HostError, HostResource, parse_host};
pub use owner::{HostOwner, names_resources_by_host};
pub use partition::{known_regions, partition_of};
pub use path_encoding::PathEncoding;
pub use protocol::Protocol;
pub use services::{
    ServiceTraits, endpoint_prefix_of, is_known_service, known_service_names, known_services, traits_of,
};
pub use variant::EndpointVariant;
