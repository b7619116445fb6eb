//! Partitions: their regions and their host suffixes.

use auth_model::{Partition, Region};

/// What the tables know about a partition.
#[derive(Debug)]
pub(crate) struct PartitionFacts {
    pub(crate) partition: Partition,
    /// Suffix of IPv4 endpoints, such as `amazonaws.com`.
    pub(crate) suffix: &'static str,
    /// Suffix of dual-stack endpoints, such as `api.aws`.
    pub(crate) dualstack_suffix: &'static str,
    /// Where the partition's global services are signed for.
    pub(crate) global_region: &'static str,
    /// The pseudo region that stands for the whole partition.
    pub(crate) pseudo_region: &'static str,
    /// What may stand before `-WORD-NUMBER` in the names of its regions.
    pub(crate) stems: &'static [&'static str],
}

/// The partition whose region pattern the name matches; `None` for names of no AWS region.
///
/// Pseudo regions such as `aws-global` belong to their partition too. The region need not exist yet:
/// AWS promises the pattern, not the list. Source: botocore, `data/partitions.json`, `regionRegex`.
#[must_use]
pub fn partition_of(region: &Region) -> Option<Partition> {
    facts_of_region(region.as_str()).map(|facts| facts.partition)
}

/// The facts of the partition that the region's name belongs to.
pub(crate) fn facts_of_region(region: &str) -> Option<&'static PartitionFacts> {
    if region.ends_with("-global") {
        return PARTITIONS.iter().find(|facts| facts.pseudo_region == region);
    }
    let (rest, number) = region.rsplit_once('-')?;
    let (stem, word) = rest.rsplit_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_number || !is_word {
        return None;
    }
    PARTITIONS.iter().find(|facts| facts.stems.contains(&stem))
}

/// Every partition; those that share a suffix stand together.
pub(crate) const PARTITIONS: &[PartitionFacts] = &[
    PartitionFacts {
        partition: Partition::Aws,
        suffix: "amazonaws.com",
        dualstack_suffix: "api.aws",
        global_region: "us-east-1",
        pseudo_region: "aws-global",
        stems: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
    },
    PartitionFacts {
        partition: Partition::AwsUsGov,
        suffix: "amazonaws.com",
        dualstack_suffix: "api.aws",
        global_region: "us-gov-west-1",
        pseudo_region: "aws-us-gov-global",
        stems: &["us-gov"],
    },
    PartitionFacts {
        partition: Partition::AwsCn,
        suffix: "amazonaws.com.cn",
        dualstack_suffix: "api.amazonwebservices.com.cn",
        global_region: "cn-northwest-1",
        pseudo_region: "aws-cn-global",
        stems: &["cn"],
    },
    PartitionFacts {
        partition: Partition::AwsEusc,
        suffix: "amazonaws.eu",
        dualstack_suffix: "api.amazonwebservices.eu",
        global_region: "eusc-de-east-1",
        pseudo_region: "aws-eusc-global",
        stems: &["eusc-de"],
    },
    PartitionFacts {
        partition: Partition::AwsIso,
        suffix: "c2s.ic.gov",
        dualstack_suffix: "api.aws.ic.gov",
        global_region: "us-iso-east-1",
        pseudo_region: "aws-iso-global",
        stems: &["us-iso"],
    },
    PartitionFacts {
        partition: Partition::AwsIsoB,
        suffix: "sc2s.sgov.gov",
        dualstack_suffix: "api.aws.scloud",
        global_region: "us-isob-east-1",
        pseudo_region: "aws-iso-b-global",
        stems: &["us-isob"],
    },
    PartitionFacts {
        partition: Partition::AwsIsoE,
        suffix: "cloud.adc-e.uk",
        dualstack_suffix: "api.cloud-aws.adc-e.uk",
        global_region: "eu-isoe-west-1",
        pseudo_region: "aws-iso-e-global",
        stems: &["eu-isoe"],
    },
    PartitionFacts {
        partition: Partition::AwsIsoF,
        suffix: "csp.hci.ic.gov",
        dualstack_suffix: "api.aws.hci.ic.gov",
        global_region: "us-isof-south-1",
        pseudo_region: "aws-iso-f-global",
        stems: &["us-isof"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(region: &str, want: Option<Partition>) {
        assert_eq!(partition_of(&Region::parse(region).unwrap()), want, "{region}");
    }

    #[test]
    fn regions_belong_to_the_partition_whose_pattern_they_match() {
        check("us-east-1", Some(Partition::Aws));
        check("us-gov-west-1", Some(Partition::AwsUsGov));
        check("us-isob-east-1", Some(Partition::AwsIsoB));
        check("eusc-de-east-1", Some(Partition::AwsEusc));
        check("aws-cn-global", Some(Partition::AwsCn));
    }

    #[test]
    fn a_region_not_yet_built_has_a_partition() {
        check("eu-moon-42", Some(Partition::Aws));
    }

    #[test]
    fn what_looks_like_no_region_has_none() {
        for name in [
            "garage",
            "us-east",
            "us-east-x",
            "xx-east-1",
            "us-gov-x-west-1",
            "moon-global",
        ] {
            check(name, None);
        }
    }
}
