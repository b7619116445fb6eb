//! Why a host name has no single reading.

use super::AwsHost;

/// The host name has no single reading.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// No host name at all, or one whose resource part is not what its service allows.
    #[error("malformed host name: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No AWS suffix, or an IP address.
    #[error("not the name of an AWS endpoint")]
    NotAws,
    /// An AWS suffix, but no service and region that the tables know.
    ///
    /// A service newer than the tables is still reachable: a connection's own host is what
    /// [`endpoint`](crate::endpoint()) makes of its service and region.
    #[error("no AWS service is known by this host name")]
    UnknownService,
    /// AWS itself gives the name two meanings, such as `maps.geo.REGION` for `geo` and `geo-maps`.
    #[error("the host name may mean {}", list(readings))]
    Ambiguous {
        /// Every reading, at least two.
        readings: Vec<AwsHost>,
    },
    /// An AWS name that takes no requests signed by Signature Version 4.
    #[error("{what} take no signed requests")]
    NotSignable {
        /// Which kind of endpoint, in the plural.
        what: &'static str,
    },
}

fn list(readings: &[AwsHost]) -> String {
    let each: Vec<_> = readings
        .iter()
        .map(|host| match &host.region {
            Some(region) => format!("{} in {region}", host.service),
            None => host.service.to_string(),
        })
        .collect();
    each.join(" or ")
}
