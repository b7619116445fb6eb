//! From a host name to partition, service, region and what else the name says.
//!
//! Read top down: names that stand whole in the tables, VPC endpoints, S3's own grammar, the pattern
//! `NAME.REGION.SUFFIX`, and resources with a host name of their own.

mod error;
mod instance;
mod name;
mod s3;
mod vpc;

use auth_model::{AccountId, Partition, Region, ServiceId};

pub use error::HostError;

use crate::data::{Name, TABLES};
use crate::partition::PartitionFacts;
use crate::services::traits_of;
use crate::variant::EndpointVariant;
use name::{HostName, Stem};

/// What an AWS host name says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AwsHost {
    /// The partition the host belongs to.
    pub partition: Partition,
    /// The service, by endpoint prefix.
    ///
    /// S3's siblings are services of their own, for they sign under other names or speak another API: `s3-control`,
    /// `s3express`, `s3-object-lambda`, `s3-outposts`. Access points of buckets are `s3`.
    pub service: ServiceId,
    /// The region to sign for; `None` where the name does not say it.
    ///
    /// `None` for S3 Transfer Acceleration (sign for the bucket's region) and for what needs `SigV4a` (signed for
    /// every region). Global services have their partition's home region here, whatever region the caller is in;
    /// [`endpoint`](crate::endpoint()) says the same region for them.
    pub region: Option<Region>,
    /// Whether the name is a FIPS or dual-stack one, as far as it says so. Where AWS gives several variants the same
    /// name, the plainest.
    pub variant: EndpointVariant,
    /// What of the service the name addresses.
    pub resource: HostResource,
    /// The VPC endpoint's id, such as `vpce-0123-abcd` or `vpce-0123-abcd-us-east-1a`.
    pub vpc_endpoint: Option<String>,
}

/// The part of a service that its host name addresses.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HostResource {
    /// The service itself; for S3, the path's first segment is the bucket.
    None,
    /// An S3 bucket (or an access point's alias), virtual-hosted: the whole path is the key.
    Bucket(String),
    /// An S3 directory bucket, or its zone when the bucket stands in the path.
    DirectoryBucket {
        /// The whole bucket name, such as `logs--use1-az4--x-s3`; `None` when it stands in the path.
        bucket: Option<String>,
        /// The zone, such as `use1-az4`.
        zone: String,
    },
    /// An S3 access point.
    AccessPoint {
        /// Its name.
        name: String,
        /// Its owner.
        account: AccountId,
    },
    /// An S3 Object Lambda access point.
    ObjectLambda {
        /// Its name.
        name: String,
        /// Its owner.
        account: AccountId,
    },
    /// An S3 multi-region access point.
    MultiRegionAccessPoint {
        /// Its alias without `.mrap`.
        alias: String,
    },
    /// An S3 access point on an Outpost.
    Outpost {
        /// The access point's name.
        name: String,
        /// Its owner.
        account: AccountId,
        /// The Outpost, such as `op-0123`.
        outpost: String,
    },
    /// The account whose resources are meant: S3 Control, DynamoDB's account-based endpoints.
    Account(AccountId),
    /// A resource with a host name of its own: a search domain, a REST API, a function URL, ….
    Instance(String),
    /// An endpoint over several regions, of `EventBridge` or SES.
    MultiRegionEndpoint(String),
}

impl AwsHost {
    /// Whether only a `SigV4a` signature is accepted here.
    #[must_use]
    pub fn needs_sigv4a(&self) -> bool {
        let is_multi_region = matches!(
            self.resource,
            HostResource::MultiRegionAccessPoint { .. } | HostResource::MultiRegionEndpoint(_)
        );
        is_multi_region || traits_of(&self.service).needs_sigv4a
    }
}

/// Reads a host name: any case, no port, one trailing dot allowed.
///
/// ```
/// use aws_endpoints::{HostResource, parse_host};
///
/// let host = parse_host("reports.s3.dualstack.eu-west-1.amazonaws.com")?;
/// assert_eq!(host.service.as_str(), "s3");
/// assert_eq!(host.region.unwrap().as_str(), "eu-west-1");
/// assert_eq!(host.resource, HostResource::Bucket("reports".to_owned()));
/// assert!(host.variant.dualstack);
/// # Ok::<(), aws_endpoints::HostError>(())
/// ```
///
/// # Errors
///
/// See [`HostError`]; a name with several readings is an error that carries them.
pub fn parse_host(host: &str) -> Result<AwsHost, HostError> {
    let name = HostName::parse(host)?;
    if let Some(found) = fixed(name.as_str())? {
        return Ok(found);
    }
    let Some(stem) = Stem::of(name.as_str()) else {
        return instance::read_on_aws(name.as_str())?.ok_or(HostError::NotAws)?.host();
    };
    if let Some(found) = vpc::read(&stem)? {
        return Ok(found);
    }
    if let Some(found) = s3::read(&stem)? {
        return found.host();
    }
    if let Some(found) = regional(&stem)? {
        return Ok(found);
    }
    instance::read(&stem)?.ok_or(HostError::UnknownService)?.host()
}

/// A reading of a host name, its texts not yet owned.
struct HostReading<'a> {
    partition: Partition,
    service: &'a str,
    region: Option<&'a str>,
    variant: EndpointVariant,
    resource: HostResource,
}

impl<'a> HostReading<'a> {
    fn new(facts: &PartitionFacts, service: &'a str, region: Option<&'a str>, variant: EndpointVariant) -> Self {
        Self {
            partition: facts.partition,
            service,
            region,
            variant,
            resource: HostResource::None,
        }
    }

    fn with_resource(self, resource: HostResource) -> Self {
        Self { resource, ..self }
    }

    fn host(self) -> Result<AwsHost, HostError> {
        let malformed = |reason| move |()| HostError::Malformed { reason };
        let region = self.region.map(Region::parse).transpose().map_err(|_| ());
        Ok(AwsHost {
            partition: self.partition,
            service: ServiceId::parse(self.service)
                .map_err(|_| ())
                .map_err(malformed("no service has such a name"))?,
            region: region.map_err(malformed("no region has such a name"))?,
            variant: self.variant,
            resource: self.resource,
            vpc_endpoint: None,
        })
    }
}

/// A name that stands whole in the tables.
fn fixed(name: &str) -> Result<Option<AwsHost>, HostError> {
    one_of(TABLES.fixed_host(name).iter().map(|fixed| {
        HostReading {
            partition: fixed.partition,
            service: fixed.service,
            region: Some(&fixed.signing_region),
            variant: fixed.variant,
            resource: HostResource::None,
        }
        .host()
    }))
}

/// `NAME.REGION.SUFFIX`.
fn regional(stem: &Stem<'_>) -> Result<Option<AwsHost>, HostError> {
    let Some((left, region)) = stem.rest.rsplit_once('.') else {
        return Ok(None);
    };
    let Some(facts) = stem.facts_of(region) else {
        return Ok(None);
    };
    named(stem, facts, left, region)
}

/// The service that the name left of a region stands for.
fn named(stem: &Stem<'_>, facts: &PartitionFacts, left: &str, region: &str) -> Result<Option<AwsHost>, HostError> {
    let is_here = |name: &&Name| {
        let partitions = if stem.is_dualstack { name.dualstack } else { name.ipv4 };
        partitions.contains(facts.partition)
    };
    let reading = |name: &Name| {
        let signed_for = if name.is_signed_at_home {
            facts.home_region
        } else {
            region
        };
        HostReading::new(facts, name.service, Some(signed_for), stem.variant(name.fips)).host()
    };
    let readings = TABLES.name(left);
    // A service's own prefix is a better reading than another service's name for some of its operations.
    let prefix = left.strip_suffix("-fips").unwrap_or(left);
    if let Some(own) = readings.iter().filter(is_here).find(|name| name.service == prefix) {
        return reading(own).map(Some);
    }
    one_of(readings.iter().filter(is_here).map(reading))
}

/// The only reading, if there is one; several are an error.
fn one_of(mut readings: impl Iterator<Item = Result<AwsHost, HostError>>) -> Result<Option<AwsHost>, HostError> {
    let Some(first) = readings.next().transpose()? else {
        return Ok(None);
    };
    let mut others = readings.collect::<Result<Vec<_>, _>>()?;
    if others.is_empty() {
        return Ok(Some(first));
    }
    others.push(first);
    others.sort_by(|a, b| (&a.service, &a.region).cmp(&(&b.service, &b.region)));
    Err(HostError::Ambiguous { readings: others })
}
