//! Where a request goes: region, service and the name it is signed under.

use crate::text::is_made_of;

text_type!(
    /// An AWS region, such as `eu-west-1`: 1 to 63 of `a-z`, `0-9` and `-`, not at either end.
    ///
    /// Whether the region exists is the endpoint table's business; new ones appear every year.
    Region,
    InvalidRegion,
    "a region is 1 to 63 of a-z, 0-9 and '-', such as eu-west-1",
    is_host_label
);

text_type!(
    /// A service by its endpoint prefix, such as `s3`, `bedrock-runtime` or `api.ecr`.
    ServiceId,
    InvalidServiceId,
    "a service is an endpoint prefix of a-z, 0-9, '-' and '.', such as s3 or bedrock-runtime",
    |text| text.len() <= 128 && text.split('.').all(is_host_label)
);

text_type!(
    /// The service's name in the signing scope, such as `s3` or `bedrock`.
    ///
    /// Source: AWS Signature Version 4, credential scope. Often, not always, the [`ServiceId`].
    SigningName,
    InvalidSigningName,
    "a signing name is 1 to 63 of a-z, A-Z, 0-9, '-' and '_', such as s3 or bedrock",
    |text| is_made_of(text, 1, 63, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
);

/// Whether the text can be one label of a host name (RFC 1123), lower case only.
fn is_host_label(text: &str) -> bool {
    is_made_of(text, 1, 63, |b| {
        b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
    }) && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_host_labels() {
        for good in ["us-east-1", "eusc-de-east-1", "us-gov-west-1", "garage", "x"] {
            assert!(Region::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "EU-west-1",
            "eu west",
            "eu.west",
            "-eu",
            "eu-",
            "eu/west",
            &"a".repeat(64),
        ] {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn services_may_have_dots() {
        assert!(ServiceId::parse("api.ecr").is_ok());
        for bad in ["", ".", "s3.", "S3", "s3/x"] {
            assert!(ServiceId::parse(bad).is_err(), "{bad}");
        }
    }
}
