//! Who a trust policy may name.

use std::fmt;
use std::str::FromStr;

use auth_model::{AccountId, Arn, InvalidArn, Partition, RoleName};

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

/// Whom a trust policy names.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Principal {
    /// One user.
    User(UserArn),
    /// Everybody in an account whom that account's own policies let: far more than one user.
    AccountRoot {
        /// The account's partition.
        partition: Partition,
        /// The account.
        account: AccountId,
    },
}

/// Whether a trust policy may name an account's root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountRoot {
    /// It may not.
    Rejected,
    /// Somebody asked for it.
    Allowed,
}

/// Not what a trust policy may name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPrincipal {
    /// Everybody in the account is more than one user.
    #[error("that is everybody in the account whom its own policies let: name one user, or allow the root")]
    AccountRoot,
    /// Not a user.
    #[error(transparent)]
    User(#[from] InvalidUserArn),
}

impl Principal {
    /// Reads a user's ARN, and `arn:PARTITION:iam::ACCOUNT:root` where that is allowed.
    ///
    /// # Errors
    ///
    /// [`InvalidPrincipal`] for anything else: wildcards, roles, account ids.
    pub fn parse(text: &str, root: AccountRoot) -> Result<Self, InvalidPrincipal> {
        let as_root = text.parse::<Arn>().ok().and_then(|arn| {
            let is_root = arn.service == "iam" && arn.region.is_empty() && arn.resource == "root";
            arn.account.filter(|_| is_root).map(|account| (arn.partition, account))
        });
        match (as_root, root) {
            (None, _) => Ok(Self::User(text.parse()?)),
            (Some(_), AccountRoot::Rejected) => Err(InvalidPrincipal::AccountRoot),
            (Some((partition, account)), AccountRoot::Allowed) => Ok(Self::AccountRoot { partition, account }),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::AccountRoot { partition, account } => write!(f, "arn:{partition}:iam::{account}:root"),
        }
    }
}

impl From<UserArn> for Principal {
    fn from(user: UserArn) -> Self {
        Self::User(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_only_on_request() {
        let root = "arn:aws-cn:iam::123456789012:root";
        assert_eq!(
            Principal::parse(root, AccountRoot::Rejected),
            Err(InvalidPrincipal::AccountRoot)
        );
        assert_eq!(Principal::parse(root, AccountRoot::Allowed).unwrap().to_string(), root);
        for bad in [
            "*",
            "123456789012",
            "arn:aws:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:user/*",
        ] {
            assert!(Principal::parse(bad, AccountRoot::Allowed).is_err(), "{bad}");
        }
    }

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
