//! What `endpoint` makes, `parse_host` reads back; and no text makes it panic.

use auth_model::{Region, ServiceId};
use aws_endpoints::{EndpointError, EndpointVariant, HostError, endpoint, known_services, parse_host, partition_of};
use proptest::prelude::*;

const PARTITIONS: &str = include_str!("../src/data/partitions.tsv");

/// Services whose names AWS gave two meanings: `geo` uses the names of the newer ones.
const AMBIGUOUS: [&str; 3] = ["geo-maps", "geo-places", "geo-routes"];

/// Global services that `GovCloud` does not have: AWS's rules give the commercial host.
const COMMERCIAL_ONLY: [&str; 3] = ["budgets", "cloudfront", "pricingplanmanager"];

fn regions() -> Vec<Region> {
    let lists = PARTITIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit('\t').next());
    lists
        .flat_map(|list| list.split(','))
        .filter_map(|region| Region::parse(region).ok())
        .collect()
}

/// How many of the host names are read back; the others are the exceptions above.
fn check(service: &ServiceId, region: &Region, variant: EndpointVariant) -> Result<bool, String> {
    let made = match endpoint(service, region, variant) {
        Ok(made) => made,
        Err(EndpointError::Unsupported { .. }) => return Ok(false),
        Err(error) => return Err(error.to_string()),
    };
    if Some(made.partition) != partition_of(region) {
        return Err(format!("{} for {region}", made.partition));
    }
    match parse_host(&made.host) {
        Ok(read) => {
            let is_same = read.service == *service
                && read.region.as_ref() == Some(&made.signing_region)
                && read.partition == made.partition;
            let is_commercial = COMMERCIAL_ONLY.contains(&service.as_str()) && region.as_str().starts_with("us-gov-");
            if is_same || is_commercial {
                Ok(is_same)
            } else {
                Err(format!("{service} {made:?} is read as {read:?}"))
            }
        }
        Err(HostError::Ambiguous { readings }) if AMBIGUOUS.contains(&service.as_str()) => {
            let is_one = readings
                .iter()
                .any(|read| read.service == *service && read.region.as_ref() == Some(region));
            if is_one {
                Ok(false)
            } else {
                Err(format!("{made:?} is not among {readings:?}"))
            }
        }
        Err(error) => Err(format!("{service} {made:?}: {error}")),
    }
}

#[test]
fn every_endpoint_is_read_back() {
    let (services, regions) = (known_services(), regions());
    assert!(regions.len() > 45, "{regions:?}");
    let (mut read, mut wrong) = (0_usize, Vec::new());
    for service in &services {
        for region in &regions {
            for variant in EndpointVariant::ALL {
                match check(service, region, variant) {
                    Ok(is_read) => read += usize::from(is_read),
                    Err(error) => wrong.push(error),
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}:\n{}",
        wrong.len(),
        wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(services.len() * regions.len() * 4 - read < 2000, "{read} read back");
}

#[test]
fn a_plain_regional_name_says_its_variant() {
    for service in ["ec2", "dynamodb", "workspaces", "bedrock-runtime", "kms", "s3"] {
        for variant in EndpointVariant::ALL {
            let service = ServiceId::parse(service).unwrap();
            let made = endpoint(&service, &Region::parse("eu-west-1").unwrap(), variant).unwrap();
            assert_eq!(parse_host(&made.host).unwrap().variant, variant, "{}", made.host);
        }
    }
}

proptest! {
    #[test]
    fn regions_to_come_are_read_back(
        service in proptest::sample::select(known_services()),
        stem in "(us|eu|ap|sa|ca|me|af|il|mx|us-gov|cn|eusc-de|us-iso|us-isob|eu-isoe|us-isof)",
        word in "[a-z]{1,12}",
        number in 0_u8..100,
        fips: bool,
        dualstack: bool,
    ) {
        let region = Region::parse(format!("{stem}-{word}-{number}")).unwrap();
        // Names such as REGION.signin.aws.amazon.com stand whole in the tables, for the regions that exist.
        if service.as_str() != "signin" && service.as_str() != "geo-routes" {
            let checked = check(&service, &region, EndpointVariant { fips, dualstack });
            prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
        }
    }

    #[test]
    fn any_text_has_a_reading(text: String) {
        let _ = parse_host(&text);
    }

    #[test]
    fn any_labels_before_a_suffix_have_a_reading(
        labels in proptest::collection::vec(
            "([a-z0-9_-]{1,20}|s3|s3-fips|dualstack|vpce|vpce-0ab|bucket|accesspoint|s3-accesspoint|s3-control|s3-global|mrap|on|us-east-1|s3-eu-west-1|123456789012|x-123456789012|s3express-use1-az4|iot|timestream|endpoint|endpoints|email|es|[A-Z.-]{1,4})",
            0..8,
        ),
        suffix in "(amazonaws.com|api.aws|on.aws|amazonaws.com.cn|cloud.adc-e.uk|aws)",
    ) {
        let host = format!("{}.{suffix}", labels.join("."));
        if let Ok(found) = parse_host(&host) {
            prop_assert!(found.region.as_ref().is_none_or(|region| partition_of(region) == Some(found.partition)));
        }
    }

    #[test]
    fn any_bucket_is_read_from_its_virtual_host(bucket in "[a-z0-9][a-z0-9-]{0,8}[a-z0-9](\\.(s3|dualstack|us-east-1|vpce|[a-z0-9]{1,9})){0,4}") {
        for host in [
            format!("{bucket}.s3.eu-west-1.amazonaws.com"),
            format!("{bucket}.s3.dualstack.eu-west-1.amazonaws.com"),
            format!("{bucket}.s3-fips.us-gov-west-1.amazonaws.com"),
            format!("{bucket}.s3.amazonaws.com"),
            format!("{bucket}.s3-us-west-2.amazonaws.com"),
            format!("{bucket}.s3-accelerate.dualstack.amazonaws.com"),
            format!("{bucket}.s3.cn-north-1.amazonaws.com.cn"),
            format!("{bucket}.bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com"),
        ] {
            let found = parse_host(&host).map(|found| (found.service.to_string(), found.resource));
            prop_assert_eq!(found, Ok(("s3".to_owned(), aws_endpoints::HostResource::Bucket(bucket.clone()))), "{}", host);
        }
    }
}
