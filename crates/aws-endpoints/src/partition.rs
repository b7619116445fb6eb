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
    /// Where most of the partition's global services are signed for.
    pub(crate) home_region: &'static str,
    /// The pseudo region that stands for the whole partition.
    pub(crate) pseudo_region: &'static str,
    /// What may stand before `-WORD-NUMBER` in the names of its regions.
    pub(crate) stems: &'static [&'static str],
}

/// The partition whose region pattern the name matches; `None` for names of no AWS region.
///
/// Pseudo regions such as `aws-global` belong to their partition too. The region need not exist yet:
/// AWS promises the pattern, not the list. Source: botocore, `data/partitions.json`, `regionRegex`.
///
/// ```
/// use auth_model::{Partition, Region};
/// use aws_endpoints::partition_of;
///
/// assert_eq!(partition_of(&Region::parse("cn-north-1")?), Some(Partition::AwsCn));
/// assert_eq!(partition_of(&Region::parse("garage")?), None);
/// # Ok::<(), auth_model::InvalidRegion>(())
/// ```
#[must_use]
pub fn partition_of(region: &Region) -> Option<Partition> {
    facts_of_region(region.as_str()).map(|facts| facts.partition)
}

/// Every region that there was when the tables were made, in no promised order. Newer ones exist: what is missing here is no
/// error.
pub fn known_regions() -> impl Iterator<Item = &'static str> {
    let rows = include_str!("data/partitions.tsv").lines();
    let rows = rows.filter(|row| !row.starts_with('#'));
    rows.flat_map(|row| row.split('\t').nth(5).unwrap_or_default().split(','))
}

/// The facts of the partition that the region's name belongs to; pseudo regions included.
pub(crate) fn facts_of_region(region: &str) -> Option<&'static PartitionFacts> {
    if region.ends_with("-global") {
        return PARTITIONS.iter().find(|facts| facts.pseudo_region == region);
    }
    facts_of_real_region(region)
}

/// The facts of the partition that the region's name belongs to.
pub(crate) fn facts_of_real_region(region: &str) -> Option<&'static PartitionFacts> {
    let (rest, number) = region.rsplit_once('-')?;
    let (stem, word) = rest.rsplit_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_number || !is_word || word == "global" {
        return None;
    }
    PARTITIONS.iter().find(|facts| facts.stems.contains(&stem))
}

/// Some of the partitions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PartitionSet(u8);

impl PartitionSet {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u8::MAX);

    pub(crate) fn contains(self, partition: Partition) -> bool {
        self.0 & bit(partition) != 0
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Partition> for PartitionSet {
    fn from_iter<I: IntoIterator<Item = Partition>>(partitions: I) -> Self {
        Self(partitions.into_iter().fold(0, |set, partition| set | bit(partition)))
    }
}

/// Each partition's bit; a ninth partition gets none, and a test says so.
fn bit(partition: Partition) -> u8 {
    let place = Partition::ALL.iter().position(|known| *known == partition);
    place
        .and_then(|place| 1_u8.checked_shl(u32::try_from(place).ok()?))
        .unwrap_or(0)
}

/// Every partition; those that share a suffix stand together.
pub(crate) const PARTITIONS: &[PartitionFacts] = &[
    PartitionFacts {
        partition: Partition::Aws,
        suffix: "amazonaws.com",
        dualstack_suffix: "api.aws",
        home_region: "us-east-1",
        pseudo_region: "aws-global",
        stems: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
    },
    PartitionFacts {
        partition: Partition::AwsUsGov,
        suffix: "amazonaws.com",
        dualstack_suffix: "api.aws",
        home_region: "us-gov-west-1",
        pseudo_region: "aws-us-gov-global",
        stems: &["us-gov"],
    },
    PartitionFacts {
        partition: Partition::AwsCn,
        suffix: "amazonaws.com.cn",
        dualstack_suffix: "api.amazonwebservices.com.cn",
        home_region: "cn-northwest-1",
        pseudo_region: "aws-cn-global",
        stems: &["cn"],
    },
    PartitionFacts {
        partition: Partition::AwsEusc,
        suffix: "amazonaws.eu",
        dualstack_suffix: "api.amazonwebservices.eu",
        home_region: "eusc-de-east-1",
        pseudo_region: "aws-eusc-global",
        stems: &["eusc-de"],
    },
    PartitionFacts {
        partition: Partition::AwsIso,
        suffix: "c2s.ic.gov",
        dualstack_suffix: "api.aws.ic.gov",
        home_region: "us-iso-east-1",
        pseudo_region: "aws-iso-global",
        stems: &["us-iso"],
    },
    PartitionFacts {
        partition: Partition::AwsIsoB,
        suffix: "sc2s.sgov.gov",
        dualstack_suffix: "api.aws.scloud",
        home_region: "us-isob-east-1",
        pseudo_region: "aws-iso-b-global",
        stems: &["us-isob"],
    },
    PartitionFacts {
        partition: Partition::AwsIsoE,
        suffix: "cloud.adc-e.uk",
        dualstack_suffix: "api.cloud-aws.adc-e.uk",
        home_region: "eu-isoe-west-1",
        pseudo_region: "aws-iso-e-global",
        stems: &["eu-isoe"],
    },
    PartitionFacts {
        partition: Partition::AwsIsoF,
        suffix: "csp.hci.ic.gov",
        dualstack_suffix: "api.aws.hci.ic.gov",
        home_region: "us-isof-south-1",
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
    fn the_facts_are_those_of_botocore() {
        let rows: Vec<_> = include_str!("data/partitions.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(rows.len(), PARTITIONS.len());
        for facts in PARTITIONS {
            let pattern = match facts.stems {
                // The one partition whose stem has an alternative inside.
                ["eusc-de"] => r"eusc\-(de)".to_owned(),
                [stem] => stem.replace('-', r"\-"),
                stems => format!("({})", stems.join("|")),
            };
            let pattern = format!(r"^{pattern}\-\w+\-\d+$") + "\t";
            let name = facts.partition.as_str();
            let want = [name, facts.suffix, facts.dualstack_suffix, facts.home_region, &pattern].join("\t");
            assert!(rows.iter().any(|row| row.starts_with(&want)), "{want}");
        }
    }

    #[test]
    fn every_known_region_is_of_a_partition() {
        assert!(known_regions().count() > 40);
        for region in known_regions() {
            assert!(partition_of(&Region::parse(region).unwrap()).is_some(), "{region}");
        }
    }

    #[test]
    fn every_partition_has_a_bit_of_its_own() {
        let all: PartitionSet = Partition::ALL.into_iter().collect();
        assert_eq!(all, PartitionSet::ALL);
        for facts in PARTITIONS {
            assert_eq!(PartitionSet::from_iter([facts.partition]).0.count_ones(), 1);
        }
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
