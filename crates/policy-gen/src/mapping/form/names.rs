//! Names of parameters: those that EC2 and STS are known to have, and what only looks like one.
//!
//! `form_names.tsv` is made by `generator/form_names.py`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::mapping::MappingError;

/// The longest known name has 101 bytes without its numbers.
const MAX_NAME: usize = 256;

/// No list has more entries than this has digits for.
const MAX_DIGITS: usize = 5;

/// What belongs to the protocol or to a signature in the query, not to an operation.
const COMMON: [&str; 17] = [
    "AWSAccessKeyId",
    "Action",
    "Expires",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
    "Version",
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

static KNOWN: LazyLock<HashMap<&'static str, Known>> = LazyLock::new(|| {
    let mut known: HashMap<&'static str, Known> = HashMap::new();
    for line in include_str!("../form_names.tsv").lines() {
        if let Some((service, name)) = line.split_once('\t').filter(|_| !line.starts_with('#')) {
            let of_service = known.entry(service).or_default();
            of_service.names.insert(name);
            of_service.lower.insert(name.to_ascii_lowercase());
        }
    }
    known
});

#[derive(Debug, Default)]
struct Known {
    names: HashSet<&'static str>,
    lower: HashSet<String>,
}

/// Whether the service has a parameter of this name, whose `path` is the name without the numbers of lists.
///
/// # Errors
///
/// [`MappingError`] where it is no name at all, or another spelling of a known one.
pub(super) fn is_known(service: &str, name: &str, path: &str) -> Result<bool, MappingError> {
    if COMMON.contains(&name) {
        return Ok(true);
    }
    check(name)?;
    let Some(known) = KNOWN.get(service) else {
        return Ok(false);
    };
    if known.names.contains(path) {
        return Ok(true);
    }
    // `InstanceId.two` may be an entry of `InstanceId` to a lenient reader, and so may `instanceId`.
    let mut start = path.to_ascii_lowercase();
    loop {
        if known.lower.contains(&start) || COMMON.iter().any(|common| common.eq_ignore_ascii_case(&start)) {
            return Err(MappingError::malformed(
                "a parameter's name",
                "it is one of the service's, in the service's spelling, and entries of lists are counted 1, 2, 3",
            ));
        }
        match start.rfind('.') {
            Some(at) => start.truncate(at),
            None => return Ok(false),
        }
    }
}

/// Words of letters and digits, and numbers without leading zeros, with dots between.
fn check(name: &str) -> Result<(), MappingError> {
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain =
        |part: &str| !is_number(part) || (part.len() <= MAX_DIGITS && (part == "0" || !part.starts_with('0')));
    if name.len() <= MAX_NAME && name.split('.').all(|part| is_word(part) && is_plain(part)) {
        return Ok(());
    }
    Err(MappingError::malformed(
        "a parameter's name",
        "it is of A-Z, a-z, 0-9 and dots, and entries of lists are counted 1, 2, 3",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::path_of;
    use super::*;

    #[test]
    fn names_are_known_in_one_spelling() {
        let known = |name: &str| is_known("ec2", name, &path_of(name));
        for name in [
            "Action",
            "InstanceId.1",
            "InstanceId",
            "Filter.1.Value.2",
            "NetworkInterface.1.SubnetId",
            "DryRun",
        ] {
            assert_eq!(known(name), Ok(true), "{name}");
        }
        for name in ["BrandNew", "BrandNew.1.Thing", "NetworkInterface.1.BrandNew"] {
            assert_eq!(known(name), Ok(false), "{name}");
        }
        for name in [
            "",
            "InstanceId.2 ",
            "InstanceId.01",
            "InstanceId.two",
            "instanceId.1",
            "InstanceId.1.x",
            "InstanceId..1",
            "InstanceId[1]",
            "Instance-Id",
            "Instance\u{131}d",
            "InstanceId\0",
            "InstanceId.999999",
            "action",
            "dryrun",
        ] {
            assert!(known(name).is_err(), "{name:?}");
        }
        assert!(known(&"A".repeat(257)).is_err());
        assert_eq!(is_known("sts", "Tags.member.1.Key", "Tags.Key"), Ok(true));
        assert_eq!(is_known("sts", "InstanceId.1", "InstanceId"), Ok(false));
    }
}
