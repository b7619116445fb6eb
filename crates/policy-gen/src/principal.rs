//! Who a trust policy may name.

use std::fmt;
use std::str::FromStr;

use auth_model::{Arn, InvalidArn, RoleName};

/// An IAM user's ARN: `arn:PARTITION:iam::ACCOUNT:user/[PATH/]NAME`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct UserArn(Arn);

/// Not an IAM user's ARN.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidUserArn {
    /// Not an ARN at all.
    #[error(transparent)]
    Arn(#[from] InvalidArn),
    /// An ARN of something else, a wildcard, or a whole account.
    #[error("a user ARN has the form arn:PARTITION:iam::ACCOUNT:user/NAME, without wildcards")]
    NotAUser,
}

impl FromStr for UserArn {
    type Err = InvalidUserArn;

    fn from_str(text: &str) -> Result<Self, InvalidUserArn> {
        let arn: Arn = text.parse()?;
        // Users and roles have the same rules for path and name.
        let name_is_good = arn
            .resource
            .strip_prefix("user/")
            .is_some_and(|name| !name.starts_with('/') && RoleName::parse(name).is_ok());
        let is_user = arn.service == "iam" && arn.region.is_empty() && arn.account.is_some() && name_is_good;
        if is_user {
            Ok(Self(arn))
        } else {
            Err(InvalidUserArn::NotAUser)
        }
    }
}

impl fmt::Display for UserArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_user_is_a_user() {
        assert!("arn:aws:iam::123456789012:user/a/b@c".parse::<UserArn>().is_ok());
        for bad in [
            "*",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:user/*",
            "arn:aws:iam::123456789012:role/x",
            "arn:aws:iam:::user/x",
            "arn:aws:sts::123456789012:user/x",
        ] {
            assert!(bad.parse::<UserArn>().is_err(), "{bad}");
        }
    }
}
