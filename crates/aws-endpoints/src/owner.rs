//! Whose a host is.
//!
//! Most names are AWS's own, and what a request there may do is decided by the policies of the credentials alone. Some name
//! the resource of one customer, who may read whatever is sent there, its session token included: a function URL, a REST
//! API, a Lattice service, a search domain, a VPC endpoint.

use auth_model::{AccountId, ServiceId};

use crate::host::{AwsHost, HostResource};

/// Whose a host is, as far as its name says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostOwner<'a> {
    /// AWS's own, or a bucket's: the name says nothing of an account.
    Aws,
    /// This account's: its endpoint, or its access point.
    Account(&'a AccountId),
    /// One customer's, of an account that the name does not say.
    Somebody,
}

impl AwsHost {
    /// Whose the host is.
    ///
    /// ```
    /// use aws_endpoints::{HostOwner, parse_host};
    ///
    /// let url = parse_host("abcdefghij.lambda-url.eu-west-1.on.aws")?;
    /// assert_eq!(url.owner(), HostOwner::Somebody);
    /// assert_eq!(parse_host("lambda.eu-west-1.amazonaws.com")?.owner(), HostOwner::Aws);
    /// # Ok::<(), aws_endpoints::HostError>(())
    /// ```
    #[must_use]
    pub fn owner(&self) -> HostOwner<'_> {
        // Behind one stands whatever its owner has put there, whichever service the name says.
        if self.vpc_endpoint.is_some() {
            return HostOwner::Somebody;
        }
        match &self.resource {
            // It has no API of its own: in a VPC it leads to an endpoint there, which finds an API by a header.
            HostResource::None if self.service.as_str() == "execute-api" => HostOwner::Somebody,
            HostResource::None
            | HostResource::Bucket(_)
            | HostResource::DirectoryBucket { .. }
            | HostResource::MultiRegionAccessPoint { .. } => HostOwner::Aws,
            HostResource::AccessPoint { account, .. }
            | HostResource::ObjectLambda { account, .. }
            | HostResource::Outpost { account, .. }
            | HostResource::Account(account) => HostOwner::Account(account),
            HostResource::Instance(name) if is_cell(&self.service, name) => HostOwner::Aws,
            HostResource::Instance(_) | HostResource::MultiRegionEndpoint(_) => HostOwner::Somebody,
        }
    }
}

/// Servers of AWS's own that a response of AWS's leads a request to: the cells of Timestream, and where a function
/// sends what it has made of an object.
fn is_cell(service: &ServiceId, name: &str) -> bool {
    match service.as_str() {
        "ingest.timestream" | "query.timestream" => true,
        "s3-object-lambda" => name.starts_with("io-"),
        _ => false,
    }
}

/// Whether the service's requests go to hosts that name somebody's resource, seldom or never to the service's own host.
#[must_use]
pub fn names_resources_by_host(service: &ServiceId) -> bool {
    matches!(
        service.as_str(),
        "aoss"
            | "appsync"
            | "cloudsearchdomain"
            | "data-ats.iot"
            | "data.jobs.iot"
            | "data.mediastore"
            | "es"
            | "execute-api"
            | "neptune-db"
            | "osm"
            | "vpc-lattice-svcs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_host;

    #[track_caller]
    fn check(host: &str, want: &str) {
        let host = parse_host(host).unwrap();
        let got = match host.owner() {
            HostOwner::Aws => "aws".to_owned(),
            HostOwner::Account(account) => account.to_string(),
            HostOwner::Somebody => "somebody".to_owned(),
        };
        assert_eq!(got, want, "{host:?}");
    }

    #[test]
    fn hosts_of_services_and_buckets_are_awss() {
        for host in [
            "s3.eu-west-1.amazonaws.com",
            "bucket.s3.eu-west-1.amazonaws.com",
            "vpce-0ab.s3.eu-west-1.amazonaws.com",
            "bucket.s3-accelerate.amazonaws.com",
            "logs--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
            "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com",
            "alias--op-s3.op-0123.s3-outposts.eu-west-1.amazonaws.com",
            "lambda.eu-west-1.amazonaws.com",
            "dynamodb.eu-west-1.amazonaws.com",
            "iam.amazonaws.com",
            "ingest-cell1.timestream.eu-west-1.amazonaws.com",
            "query-cell2.timestream.eu-west-1.amazonaws.com",
            "io-abc123.s3-object-lambda.eu-west-1.amazonaws.com",
        ] {
            check(host, "aws");
        }
    }

    #[test]
    fn hosts_and_access_points_of_an_account_are_that_accounts() {
        for host in [
            "999999999999.s3-control.eu-west-1.amazonaws.com",
            "999999999999.s3-control-fips.dualstack.us-east-1.amazonaws.com",
            "999999999999.ddb.us-east-1.amazonaws.com",
            "999999999999.streams-ddb.us-east-1.amazonaws.com",
            "999999999999.data-kinesis.us-east-1.amazonaws.com",
            "999999999999.aoss.us-east-1.on.aws",
            "999999999999.cloudfront-kvs.global.api.aws",
            "point-999999999999.s3-accesspoint.eu-west-1.amazonaws.com",
            "point-999999999999.s3-object-lambda.eu-west-1.amazonaws.com",
            "point-999999999999.op-0123.s3-outposts.eu-west-1.amazonaws.com",
        ] {
            check(host, "999999999999");
        }
    }

    #[test]
    fn hosts_that_name_a_customers_resource_are_somebodys() {
        for host in [
            "x.lambda-url.us-east-1.on.aws",
            "x.execute-api.us-east-1.amazonaws.com",
            "execute-api.us-east-1.amazonaws.com",
            "x-vpce-0ab.execute-api.us-east-1.amazonaws.com",
            "x-y.7d67968.vpc-lattice-svcs.us-east-1.on.aws",
            "x.appsync-api.us-east-1.amazonaws.com",
            "x.appsync-realtime-api.us-east-1.amazonaws.com",
            "x.gateway.bedrock-agentcore.us-east-1.amazonaws.com",
            "search-x.us-east-1.es.amazonaws.com",
            "vpc-x.us-east-1.es.amazonaws.com",
            "x.aos.us-east-1.on.aws",
            "x.us-east-1.aoss.amazonaws.com",
            "x.us-east-1.cloudsearch.amazonaws.com",
            "x.cluster-abc.us-east-1.neptune.amazonaws.com",
            "g-x.us-east-1.neptune-graph.amazonaws.com",
            "x-ats.iot.us-east-1.amazonaws.com",
            "x.jobs.iot.us-east-1.amazonaws.com",
            "x.data.mediastore.us-east-1.amazonaws.com",
            "x.mediaconvert.us-east-1.amazonaws.com",
            "s-x.kinesisvideo.us-east-1.amazonaws.com",
            "x.endpoint.events.amazonaws.com",
            "x.endpoints.email.amazonaws.com",
            "bucket.vpce-0ab-cd.s3.us-east-1.vpce.amazonaws.com",
            "999999999999.control.vpce-0ab-cd.s3.us-east-1.vpce.amazonaws.com",
            "vpce-0ab-cd.sts.us-east-1.vpce.amazonaws.com",
            "vpce-0ab-cd.dynamodb.us-east-1.vpce.amazonaws.com",
        ] {
            match parse_host(host) {
                Ok(_) => check(host, "somebody"),
                // What is not signed for at all needs no owner.
                Err(error) => assert!(host.contains("neptune-graph"), "{host}: {error}"),
            }
        }
    }

    #[test]
    fn services_whose_hosts_are_resources_are_in_the_tables_or_read_from_hosts() {
        for service in ["execute-api", "es", "data-ats.iot", "vpc-lattice-svcs"] {
            assert!(names_resources_by_host(&ServiceId::parse(service).unwrap()));
        }
        for service in ["s3", "dynamodb", "lambda", "sts"] {
            assert!(!names_resources_by_host(&ServiceId::parse(service).unwrap()));
        }
    }
}
