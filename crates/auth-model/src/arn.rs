//! Partitions, account ids and Amazon Resource Names.

use std::fmt;
use std::str::FromStr;

use crate::text::is_made_of;

/// A group of AWS regions with credentials, ARNs and host suffixes of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Partition {
    /// `aws`: the commercial regions.
    Aws,
    /// `aws-cn`: China.
    AwsCn,
    /// `aws-us-gov`: AWS `GovCloud` (US).
    AwsUsGov,
    /// `aws-iso`: US ISO.
    AwsIso,
    /// `aws-iso-b`: US ISOB.
    AwsIsoB,
    /// `aws-iso-e`: EU ISOE.
    AwsIsoE,
    /// `aws-iso-f`: US ISOF.
    AwsIsoF,
    /// `aws-eusc`: the European Sovereign Cloud.
    AwsEusc,
}

/// Not one of AWS's partitions.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a partition is aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f or aws-eusc")]
pub struct InvalidPartition;

impl Partition {
    /// Every partition.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::AwsCn,
        Self::AwsUsGov,
        Self::AwsIso,
        Self::AwsIsoB,
        Self::AwsIsoE,
        Self::AwsIsoF,
        Self::AwsEusc,
    ];

    /// The name as it is in an ARN.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
            Self::AwsEusc => "aws-eusc",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Partition {
    type Err = InvalidPartition;

    fn from_str(text: &str) -> Result<Self, InvalidPartition> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or(InvalidPartition)
    }
}

text_type!(
    /// An AWS account: exactly 12 digits, leading zeros kept.
    AccountId,
    InvalidAccountId,
    "an account id is 12 digits",
    |text| is_made_of(text, 12, 12, |b| b.is_ascii_digit())
);

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`.
///
/// Source: IAM User Guide, "Amazon Resource Names". The resource may hold colons and slashes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Arn {
    /// The partition.
    pub partition: Partition,
    /// The service's ARN namespace, such as `iam`.
    pub service: String,
    /// The region; empty for global resources.
    pub region: String,
    /// The account; `None` for resources without one, such as S3 buckets.
    pub account: Option<AccountId>,
    /// Everything after the fifth colon.
    pub resource: String,
}

/// The text is not an ARN.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidArn {
    /// Fewer than six parts, or it does not begin with `arn`.
    #[error("an ARN has the form arn:partition:service:region:account:resource")]
    Shape,
    /// The second part is unknown.
    #[error(transparent)]
    Partition(#[from] InvalidPartition),
    /// The fifth part is neither empty nor 12 digits.
    #[error(transparent)]
    Account(#[from] InvalidAccountId),
}

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().ok_or(InvalidArn::Shape);
        if part()? != "arn" {
            return Err(InvalidArn::Shape);
        }
        let (partition, service, region, account, resource) = (part()?, part()?, part()?, part()?, part()?);
        let is_printable = [service, region, resource]
            .iter()
            .all(|part| part.chars().all(|c| !c.is_control() && !c.is_whitespace()));
        if service.is_empty() || resource.is_empty() || !is_printable {
            return Err(InvalidArn::Shape);
        }
        Ok(Self {
            partition: partition.parse()?,
            service: service.to_owned(),
            region: region.to_owned(),
            account: if account.is_empty() {
                None
            } else {
                Some(AccountId::parse(account)?)
            },
            resource: resource.to_owned(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.account.as_ref().map_or("", AccountId::as_str);
        write!(
            f,
            "arn:{}:{}:{}:{account}:{}",
            self.partition, self.service, self.region, self.resource
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_prints_as_it_was_read() {
        for text in [
            "arn:aws:iam::123456789012:role/team/app",
            "arn:aws:s3:::bucket/a:b",
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/x",
        ] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        assert_eq!("arn:aws:iam".parse::<Arn>(), Err(InvalidArn::Shape));
        assert_eq!(
            "urn:aws:iam::123456789012:role/a".parse::<Arn>(),
            Err(InvalidArn::Shape)
        );
        assert_eq!("arn:aws:iam::123456789012:".parse::<Arn>(), Err(InvalidArn::Shape));
        assert_eq!(
            "arn:moon:iam::123456789012:role/a".parse::<Arn>(),
            Err(InvalidPartition.into())
        );
        for text in [
            "arn:aws:i\nm::123456789012:role/a",
            "arn:aws:s3:us east:123456789012:b",
            "arn:aws:s3:::b\0",
        ] {
            assert_eq!(text.parse::<Arn>(), Err(InvalidArn::Shape), "{text:?}");
        }
        assert_eq!("arn:aws:iam::12345:role/a".parse::<Arn>(), Err(InvalidAccountId.into()));
    }
}
