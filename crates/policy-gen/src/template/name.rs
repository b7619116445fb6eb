//! Names that stand in ARNs, checked as their services check them.

use std::fmt;

/// An S3 general purpose bucket's name: 3 to 63 of `a-z`, `0-9`, `.` and `-`, a letter or digit at either end.
///
/// Source: S3 User Guide, "General purpose bucket naming rules". Names of access point aliases and of directory and
/// table buckets are rejected: their ARNs look different.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BucketName(String);

/// Not a general purpose bucket's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBucketName {
    /// Characters, length or shape.
    #[error(
        "a bucket's name is 3 to 63 of a-z, 0-9, '.' and '-', with a letter or digit at either end, and no IP address"
    )]
    Shape,
    /// Reserved for other things than general purpose buckets.
    #[error("such names are those of access point aliases, directory buckets and table buckets, not of buckets")]
    Reserved,
}

impl BucketName {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// [`InvalidBucketName`], whose message says what is allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidBucketName> {
        let is_end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        let is_address = text.parse::<std::net::Ipv4Addr>().is_ok();
        let has_shape = (3..=63).contains(&text.len())
            && text.bytes().all(is_inner)
            && is_end(text.bytes().next())
            && is_end(text.bytes().last())
            && !text.contains("..")
            && !is_address;
        let begins = ["xn--", "sthree-"].iter().any(|start| text.starts_with(start));
        let ends = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
        match (has_shape, begins || ends.iter().any(|end| text.ends_with(end))) {
            (false, _) => Err(InvalidBucketName::Shape),
            (true, true) => Err(InvalidBucketName::Reserved),
            (true, false) => Ok(Self(text.to_owned())),
        }
    }
}

/// The beginning of S3 keys, up to and with a `/`: at most 1,024 bytes, taken literally.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyPrefix(String);

/// Not a prefix of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a prefix is 1 to 1024 bytes without control characters and ends with '/', such as reports/")]
pub struct InvalidKeyPrefix;

impl KeyPrefix {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyPrefix`]; without a `/` at the end, `report` would also stand for `reporters/`.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyPrefix> {
        let is_good = text.len() <= 1_024 && text.ends_with('/') && !text.chars().any(char::is_control);
        is_good.then(|| Self(text.to_owned())).ok_or(InvalidKeyPrefix)
    }
}

/// A DynamoDB table's name: 3 to 255 of `a-z`, `A-Z`, `0-9`, `_`, `-` and `.`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableName(String);

/// Not a DynamoDB table's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a table's name is 3 to 255 of a-z, A-Z, 0-9, '_', '-' and '.'")]
pub struct InvalidTableName;

impl TableName {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// [`InvalidTableName`], whose message says what is allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidTableName> {
        let is_good = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        let has_shape = (3..=255).contains(&text.len()) && text.bytes().all(is_good);
        has_shape.then(|| Self(text.to_owned())).ok_or(InvalidTableName)
    }
}

macro_rules! text_of {
    ($name:ident, $error:ident) => {
        impl $name {
            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }
    };
}

text_of!(BucketName, InvalidBucketName);
text_of!(KeyPrefix, InvalidKeyPrefix);
text_of!(TableName, InvalidTableName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_the_names_that_s3_gives_them() {
        for good in ["abc", "a.b-c", "0ab", &"a".repeat(63), "1.2.3.4.5"] {
            assert!(BucketName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            &"a".repeat(64),
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "a..b",
            "1.2.3.4",
            "a*c",
            "a/b",
            "ä-b",
        ] {
            assert_eq!(BucketName::parse(bad), Err(InvalidBucketName::Shape), "{bad}");
        }
        for reserved in [
            "point-abc-s3alias",
            "xn--abc",
            "b--use1-az1--x-s3",
            "alias.mrap",
            "p--ol-s3",
            "t--table-s3",
        ] {
            assert_eq!(
                BucketName::parse(reserved),
                Err(InvalidBucketName::Reserved),
                "{reserved}"
            );
        }
    }

    #[test]
    fn prefixes_end_with_a_slash() {
        assert!(KeyPrefix::parse("reports/€*/").is_ok());
        for bad in ["", "reports", "reports/*", "a\n/", &("a".repeat(1_024) + "/")] {
            assert!(KeyPrefix::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tables_have_the_names_that_dynamodb_gives_them() {
        let of = |length| TableName::parse(&"T".repeat(length)).is_ok();
        assert_eq!([2, 3, 255, 256].map(of), [false, true, true, false]);
        assert!(TableName::parse("a_b-c.9").is_ok() && TableName::parse("a*b").is_err());
    }
}
