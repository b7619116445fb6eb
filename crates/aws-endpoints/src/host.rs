//! From a host name to partition, service, region and what else the name says.

use auth_model::{AccountId, Partition, Region, ServiceId};

use crate::partition::{PARTITIONS, facts_of_region};
use crate::services::SERVICES;
use crate::variant::EndpointVariant;

/// What an AWS host name says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AwsHost {
    /// The partition the host belongs to.
    pub partition: Partition,
    /// The service, by endpoint prefix.
    pub service: ServiceId,
    /// The region to sign for; `None` where the name does not say it.
    ///
    /// `None` for S3 Transfer Acceleration (sign for the bucket's region) and for multi-region access points
    /// (signed by `SigV4a` for every region). Global services have their partition's home region here.
    pub region: Option<Region>,
    /// Whether the name is a FIPS or dual-stack one.
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
    /// An S3 multi-region access point: needs `SigV4a`.
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
}

/// The host name has no single answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Not a host name: empty or over-long labels, a port, characters that no host name has.
    #[error("not a host name: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No AWS suffix, or an IP address.
    #[error("not the name of an AWS endpoint")]
    NotAws,
    /// An AWS suffix, but no service that the tables know.
    #[error("no AWS service is known by this host name")]
    UnknownService,
    /// The name fits several answers.
    #[error("the host name may mean {first} or {second}")]
    Ambiguous {
        /// One reading.
        first: String,
        /// Another.
        second: String,
    },
    /// An endpoint that takes no signed requests.
    #[error("{what} do not take signed requests")]
    NotSignable {
        /// Which kind of endpoint, in the plural.
        what: &'static str,
    },
}

/// Reads a host name: any case, no port, one trailing dot allowed.
///
/// # Errors
///
/// See [`HostError`]; a name that fits two answers is an error that names both.
pub fn parse_host(host: &str) -> Result<AwsHost, HostError> {
    let host = host.to_ascii_lowercase();
    for facts in PARTITIONS {
        for (suffix, dualstack) in [(facts.suffix, false), (facts.dualstack_suffix, true)] {
            let Some(rest) = host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')) else {
                continue;
            };
            if let Some(found) = parse_rest(rest, dualstack, facts.partition)? {
                return Ok(found);
            }
        }
    }
    Err(HostError::NotAws)
}

fn parse_rest(rest: &str, mut dualstack: bool, partition: Partition) -> Result<Option<AwsHost>, HostError> {
    let (prefix, region) = match rest.rsplit_once('.') {
        Some((prefix, region)) if facts_of_region(region).is_some() => (prefix, region),
        _ => (rest, "us-east-1"),
    };
    if facts_of_region(region).map(|facts| facts.partition) != Some(partition) {
        return Ok(None);
    }
    let (prefix, fips) = match prefix.strip_suffix("-fips") {
        Some(prefix) => (prefix, true),
        None => (prefix, false),
    };
    let (left, is_dualstack) = match prefix.strip_suffix(".dualstack") {
        Some(left) => (left, true),
        None => (prefix, false),
    };
    let (prefix, resource) = match left.strip_suffix(".s3") {
        Some(bucket) => ("s3", HostResource::Bucket(bucket.to_owned())),
        None if left == "s3" => ("s3", HostResource::None),
        None => (prefix, HostResource::None),
    };
    dualstack |= is_dualstack;
    if !SERVICES.iter().any(|facts| facts.prefix == prefix) {
        return Err(HostError::UnknownService);
    }
    let malformed = HostError::Malformed {
        reason: "a label that no service or region can have",
    };
    Ok(Some(AwsHost {
        partition,
        service: ServiceId::parse(prefix).map_err(|_| malformed.clone())?,
        region: Some(Region::parse(region).map_err(|_| malformed)?),
        variant: EndpointVariant { fips, dualstack },
        resource,
        vpc_endpoint: None,
    }))
}
