//! Which of AWS's hosts a connection serves: one rule for routing and for the check of `hosts`.

use auth_model::Region;
use aws_endpoints::{AwsHost, EndpointVariant, endpoint, partition_of};

use super::ConnectionConfig;

impl ConnectionConfig {
    /// The region that requests are signed for: the one of AWS's endpoint, since a global service signs for its home; where
    /// AWS has none, the connection's, since a server that is not AWS's has the region that the operator gives it.
    /// `None` where the connection leads nowhere: its region is none of AWS's, and it has no `endpoint`.
    #[must_use]
    pub fn signing_region(&self) -> Option<Region> {
        let connection = &self.connection;
        match endpoint(&connection.service, &connection.region, self.variant) {
            Ok(aws) => Some(aws.signing_region),
            Err(_) => self.endpoint.is_some().then(|| connection.region.clone()),
        }
    }

    /// Whether requests for the host are this connection's, which signs for this [region](Self::signing_region).
    #[must_use]
    pub fn serves(&self, signing_region: &Region, host: &AwsHost) -> bool {
        let EndpointVariant { fips, dualstack: _ } = self.variant;
        self.connection.service == host.service
            && match &host.region {
                Some(region) => region == signing_region,
                // A host without a region is signed for the connection's (S3 Transfer Acceleration) or for all of them
                // (multi-region access points), with credentials that are good in the host's partition.
                None => partition_of(signing_region) == Some(host.partition),
            }
            // No other server serves several regions.
            && !(host.needs_sigv4a() && self.endpoint.is_some())
            // Whoever configured FIPS must not leave it because of a client's host name.
            && (!fips || host.variant.fips)
    }
}
