//! From service and region to a host name.

use auth_model::{Partition, Region, ServiceId};

use crate::data::{TABLES, fill};
use crate::partition::facts_of_region;
use crate::variant::EndpointVariant;

/// Where a service listens in a region, and the region its requests are signed for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The host name, lower case, no port; always reached over HTTPS.
    pub host: String,
    /// The region of the signing scope: the requested one, or the home of a global service.
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
        /// The requested region.
        region: Region,
    },
    /// AWS's rules reject it: no FIPS endpoints of S3 in China, no `aws-global` endpoint of a regional service.
    #[error("{service} has no such endpoint in {region}")]
    Unsupported {
        /// The requested service.
        service: ServiceId,
        /// The requested region.
        region: Region,
    },
}

/// The service's endpoint in the region; the service may be named by endpoint prefix or as SDKs name it.
///
/// Regions and services that the tables do not know follow AWS's pattern, `PREFIX.REGION.SUFFIX`. AWS's rules make
/// names also for services that a region does not have yet: only DNS knows.
///
/// ```
/// use auth_model::{Region, ServiceId};
/// use aws_endpoints::{EndpointVariant, endpoint};
///
/// let (iam, paris) = (ServiceId::parse("iam")?, Region::parse("eu-west-3")?);
/// let found = endpoint(&iam, &paris, EndpointVariant::default())?;
/// assert_eq!(found.host, "iam.amazonaws.com");
/// assert_eq!(found.signing_region.as_str(), "us-east-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`EndpointError::UnknownRegion`] for a region of no partition (such a connection needs an explicit endpoint),
/// [`EndpointError::Unsupported`] where AWS's rules say that there is none.
pub fn endpoint(service: &ServiceId, region: &Region, variant: EndpointVariant) -> Result<Endpoint, EndpointError> {
    let unknown_region = || EndpointError::UnknownRegion { region: region.clone() };
    let unsupported = || EndpointError::Unsupported {
        service: service.clone(),
        region: region.clone(),
    };
    let facts = facts_of_region(region.as_str()).ok_or_else(unknown_region)?;
    let known = TABLES.service(service.as_str());
    let prefix = known.map_or(service.as_str(), |known| known.prefix);
    let (host, signing_region) = match known.and_then(|known| known.rule(facts, region.as_str(), variant)) {
        Some(rule) => {
            let host = rule.host.ok_or_else(unsupported)?;
            if region.as_str() == facts.pseudo_region && host.contains("{R}") {
                return Err(unsupported());
            }
            (
                fill(host, region.as_str(), facts),
                fill(rule.signing_region, region.as_str(), facts),
            )
        }
        None if region.as_str() == facts.pseudo_region => return Err(unsupported()),
        None => {
            let fips = if variant.fips { "-fips" } else { "" };
            let suffix = if variant.dualstack {
                facts.dualstack_suffix
            } else {
                facts.suffix
            };
            (format!("{prefix}{fips}.{region}.{suffix}"), region.as_str().to_owned())
        }
    };
    Ok(Endpoint {
        host,
        signing_region: Region::parse(signing_region).map_err(|_| unknown_region())?,
        partition: facts.partition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(service: &str, region: &str, variant: &str, want: &str) {
        let variant = EndpointVariant {
            fips: variant.contains("fips"),
            dualstack: variant.contains("dual"),
        };
        let found = endpoint(
            &ServiceId::parse(service).unwrap(),
            &Region::parse(region).unwrap(),
            variant,
        );
        let got = match found {
            Ok(found) => format!("{} {} {}", found.host, found.signing_region, found.partition),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn regional_services_follow_the_pattern() {
        check("ec2", "eu-west-1", "", "ec2.eu-west-1.amazonaws.com eu-west-1 aws");
        check(
            "ec2",
            "eu-west-1",
            "fips dual",
            "ec2-fips.eu-west-1.api.aws eu-west-1 aws",
        );
        check(
            "bedrock-runtime",
            "eusc-de-east-1",
            "",
            "bedrock-runtime.eusc-de-east-1.amazonaws.eu eusc-de-east-1 aws-eusc",
        );
    }

    #[test]
    fn global_services_are_signed_at_home() {
        check("iam", "eu-west-1", "", "iam.amazonaws.com us-east-1 aws");
        check(
            "iam",
            "cn-northwest-1",
            "",
            "iam.cn-north-1.amazonaws.com.cn cn-north-1 aws-cn",
        );
        check(
            "route53",
            "us-gov-east-1",
            "",
            "route53.us-gov.amazonaws.com us-gov-west-1 aws-us-gov",
        );
        check("sts", "aws-global", "", "sts.amazonaws.com us-east-1 aws");
    }

    #[test]
    fn s3_has_dualstack_as_a_label() {
        check("s3", "us-east-1", "", "s3.us-east-1.amazonaws.com us-east-1 aws");
        check(
            "s3",
            "us-east-1",
            "fips dual",
            "s3-fips.dualstack.us-east-1.amazonaws.com us-east-1 aws",
        );
        check(
            "s3express",
            "us-west-2",
            "",
            "s3express-control.us-west-2.amazonaws.com us-west-2 aws",
        );
        check(
            "s3-object-lambda",
            "us-west-2",
            "fips",
            "s3-object-lambda-fips.us-west-2.amazonaws.com us-west-2 aws",
        );
    }

    #[test]
    fn what_is_not_built_yet_follows_the_pattern() {
        check(
            "moon-base",
            "eu-moon-7",
            "dual",
            "moon-base.eu-moon-7.api.aws eu-moon-7 aws",
        );
    }

    #[test]
    fn names_of_sdks_are_taken_too() {
        check("sesv2", "eu-west-1", "", "email.eu-west-1.amazonaws.com eu-west-1 aws");
    }

    #[test]
    fn what_aws_does_not_have_is_an_error() {
        check("s3", "cn-north-1", "fips", "s3 has no such endpoint in cn-north-1");
        check("ec2", "aws-global", "", "ec2 has no such endpoint in aws-global");
        check("s3", "garage", "", "garage is not the name of an AWS region");
    }
}
