//! A host name, and what is left of it without AWS's suffix.

use std::borrow::Cow;
use std::net::IpAddr;

use super::HostError;
use crate::partition::{PARTITIONS, PartitionFacts, facts_of_real_region};
use crate::variant::EndpointVariant;

/// A host name of 1 to 253 bytes, lower case, labels of 1 to 63 of `a-z`, `0-9`, `-`, `_`, no trailing dot.
///
/// `_` is not for host names (RFC 1123), but old buckets have it and are reached by theirs.
pub(super) struct HostName<'a>(Cow<'a, str>);

impl<'a> HostName<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, HostError> {
        let malformed = |reason| Err(HostError::Malformed { reason });
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() {
            return Err(HostError::NotAws);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.len() > 253 {
            return malformed("it has 1 to 253 characters");
        }
        for label in text.split('.') {
            if label.is_empty() || label.len() > 63 {
                return malformed("each label has 1 to 63 characters");
            }
            if label.contains(':') {
                return malformed("it holds a port");
            }
            if !label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            {
                return malformed("labels are made of letters, digits and hyphens");
            }
            if label.starts_with('-') || label.ends_with('-') {
                return malformed("labels begin and end with a letter or digit");
            }
        }
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Ok(Self(Cow::Owned(text.to_ascii_lowercase())));
        }
        Ok(Self(Cow::Borrowed(text)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A host name under one of AWS's suffixes.
pub(super) struct Stem<'a> {
    /// What stands before the suffix and its dot.
    pub(super) rest: &'a str,
    pub(super) is_dualstack: bool,
    suffix: &'static str,
}

impl<'a> Stem<'a> {
    /// `None` where the name has no suffix of AWS, or nothing before it.
    pub(super) fn of(name: &'a str) -> Option<Self> {
        PARTITIONS.iter().find_map(|facts| {
            let before = |suffix| name.strip_suffix(suffix)?.strip_suffix('.');
            let (rest, suffix, is_dualstack) = match before(facts.suffix) {
                Some(rest) => (rest, facts.suffix, false),
                None => (before(facts.dualstack_suffix)?, facts.dualstack_suffix, true),
            };
            Some(Self {
                rest,
                is_dualstack,
                suffix,
            })
        })
    }

    /// The facts of the region's partition, if its endpoints have this suffix.
    pub(super) fn facts_of(&self, region: &str) -> Option<&'static PartitionFacts> {
        facts_of_real_region(region).filter(|facts| self.is_of(facts))
    }

    /// The first partition of this suffix: `aws` where `aws` and `aws-us-gov` share it.
    pub(super) fn first_facts(&self) -> Option<&'static PartitionFacts> {
        PARTITIONS.iter().find(|facts| self.is_of(facts))
    }

    pub(super) fn variant(&self, fips: bool) -> EndpointVariant {
        EndpointVariant {
            fips,
            dualstack: self.is_dualstack,
        }
    }

    fn is_of(&self, facts: &PartitionFacts) -> bool {
        self.suffix
            == if self.is_dualstack {
                facts.dualstack_suffix
            } else {
                facts.suffix
            }
    }
}
