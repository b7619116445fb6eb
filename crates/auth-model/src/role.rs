//! IAM roles: by ARN, or by name where the account is not known yet.

use std::fmt;
use std::str::FromStr;

use crate::arn::{AccountId, Arn, InvalidArn, Partition};
use crate::text::{is_iam_name_byte, is_made_of};

/// A role's name with its path, such as `report-reader` or `team/report-reader`.
///
/// The name has 1 to 64 of `[\w+=,.@-]`; the path, with its slashes, at most 512 visible ASCII
/// characters. Source: IAM, "IAM and STS quotas", and `CreateRole`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RoleName(String);

/// Not a role's name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a role name is 1 to 64 of A-Z, a-z, 0-9 and '_+=,.@-', with an optional path before it, such as team/report-reader"
)]
pub struct InvalidRoleName;

impl RoleName {
    /// Checks the text. A leading slash is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidRoleName`], whose message says what is allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidRoleName> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let (path, name) = match text.rsplit_once('/') {
            Some((path, name)) => (Some(path), name),
            None => (None, text),
        };
        let path_is_good = path.is_none_or(|path| {
            path.len() <= 510
                && path.split('/').all(|segment| !segment.is_empty())
                && path
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && b != b':' && b != b'*' && b != b'?')
        });
        if path_is_good && is_made_of(name, 1, 64, is_iam_name_byte) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRoleName)
        }
    }

    /// Path and name, without a leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The role's ARN in this account.
    #[must_use]
    pub fn in_account(&self, partition: Partition, account: AccountId) -> RoleArn {
        RoleArn {
            partition,
            account,
            name: self.clone(),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A role's ARN: `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RoleArn {
    partition: Partition,
    account: AccountId,
    name: RoleName,
}

/// Not a role's ARN.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRoleArn {
    /// Not an ARN at all.
    #[error(transparent)]
    Arn(#[from] InvalidArn),
    /// An ARN of something else.
    #[error("a role ARN has the form arn:PARTITION:iam::ACCOUNT:role/NAME")]
    NotARole,
    /// The part after `role/` is no role name.
    #[error(transparent)]
    Name(#[from] InvalidRoleName),
}

impl RoleArn {
    /// The partition the role lives in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account the role lives in.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The role's name with its path.
    #[must_use]
    pub fn name(&self) -> &RoleName {
        &self.name
    }
}

impl FromStr for RoleArn {
    type Err = InvalidRoleArn;

    fn from_str(text: &str) -> Result<Self, InvalidRoleArn> {
        let arn: Arn = text.parse()?;
        let name = arn.resource.strip_prefix("role/").ok_or(InvalidRoleArn::NotARole)?;
        if arn.service != "iam" || !arn.region.is_empty() || name.starts_with('/') {
            return Err(InvalidRoleArn::NotARole);
        }
        let account = arn.account.ok_or(InvalidRoleArn::NotARole)?;
        Ok(Self {
            partition: arn.partition,
            account,
            name: RoleName::parse(name)?,
        })
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:iam::{}:role/{}", self.partition, self.account, self.name)
    }
}

/// A role as an operator writes it: full ARN, or a name in the account of the keys.
///
/// ```
/// use auth_model::{InvalidRoleReference, RoleReference};
///
/// assert!(matches!("team/report-reader".parse()?, RoleReference::Name(_)));
/// assert!(matches!("arn:aws:iam::222233334444:role/reader".parse()?, RoleReference::Arn(_)));
/// assert!("arn:aws:iam::222233334444:user/reader".parse::<RoleReference>().is_err());
/// # Ok::<(), InvalidRoleReference>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum RoleReference {
    /// The account is that of the keys, found by `GetCallerIdentity`.
    Name(RoleName),
    /// Everything is known.
    Arn(RoleArn),
}

/// Neither a role's name nor a role's ARN.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRoleReference {
    /// It begins with `arn:` and is no role ARN.
    #[error(transparent)]
    Arn(#[from] InvalidRoleArn),
    /// It is no role name.
    #[error(transparent)]
    Name(#[from] InvalidRoleName),
}

impl FromStr for RoleReference {
    type Err = InvalidRoleReference;

    fn from_str(text: &str) -> Result<Self, InvalidRoleReference> {
        if text.starts_with("arn:") {
            Ok(Self::Arn(text.parse()?))
        } else {
            Ok(Self::Name(RoleName::parse(text)?))
        }
    }
}

impl fmt::Display for RoleReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Arn(arn) => arn.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_an_arn_with_its_path() {
        let account = AccountId::parse("012345678901").unwrap();
        let name = RoleName::parse("/team/report-reader").unwrap();
        let arn = name.in_account(Partition::AwsCn, account);
        assert_eq!(arn.to_string(), "arn:aws-cn:iam::012345678901:role/team/report-reader");
        assert_eq!(arn.to_string().parse::<RoleArn>().unwrap(), arn);
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for bad in [
            "",
            "a b",
            "team//x",
            "//x",
            "team/",
            "*",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam:us-east-1:123456789012:role/x",
            "arn:aws:iam:::role/x",
            "arn:aws:sts::123456789012:role/x",
        ] {
            assert!(bad.parse::<RoleReference>().is_err(), "{bad}");
        }
    }
}
