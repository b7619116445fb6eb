//! What a session may do at most.

use crate::arn::{AccountId, Partition};
use crate::role::RoleName;

text_type!(
    /// An inline session policy: IAM policy JSON, 1 to 2,048 characters.
    ///
    /// Only the outer shape is checked here; the grammar is `policy-gen`'s business.
    SessionPolicy,
    InvalidSessionPolicy,
    "a session policy is a JSON object of at most 2048 characters",
    |text| {
        let is_iam_text = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
        text.chars().count() <= 2_048
            && text.chars().all(is_iam_text)
            && text.trim_start().starts_with('{')
            && text.trim_end().ends_with('}')
    }
);

text_type!(
    /// A managed policy: `arn:PARTITION:iam::ACCOUNT:policy/[PATH/]NAME`, `aws` as the account of AWS's own.
    ///
    /// At most 2,048 characters. As a session policy it has to be in the role's account, or AWS's.
    PolicyArn,
    InvalidPolicyArn,
    "a policy ARN has the form arn:PARTITION:iam::ACCOUNT:policy/NAME",
    is_policy_arn
);

fn is_policy_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut is = |check: &dyn Fn(&str) -> bool| parts.next().is_some_and(check);
    text.len() <= 2_048
        && is(&|arn| arn == "arn")
        && is(&|partition| partition.parse::<Partition>().is_ok())
        && is(&|service| service == "iam")
        && is(&str::is_empty)
        && is(&|account| account == "aws" || AccountId::parse(account).is_ok())
        && is(&|resource| {
            let name = resource.strip_prefix("policy/").unwrap_or_default();
            // A policy's name may have 128 characters where a role's has 64; the path is the same.
            let (path, name) = name.rsplit_once('/').map_or(("", name), |(path, name)| (path, name));
            let is_rooted = resource.starts_with("policy//");
            let path_is_good = path.is_empty() || RoleName::parse(&format!("{path}/x")).is_ok();
            path_is_good && !is_rooted && crate::text::is_made_of(name, 1, 128, crate::text::is_iam_name_byte)
        })
}

/// The managed policies of a session: at most 10, each once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PolicyArns(Vec<PolicyArn>);

/// Not what STS takes as the managed policies of a session.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPolicyArns {
    /// More than STS takes.
    #[error("a session has at most 10 managed policies")]
    TooMany,
    /// The same policy twice.
    #[error("a managed policy is there twice")]
    Repeated,
}

impl PolicyArns {
    /// Checks the number.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicyArns`] for more than 10, and for repetitions.
    pub fn new(arns: Vec<PolicyArn>) -> Result<Self, InvalidPolicyArns> {
        if arns.len() > 10 {
            return Err(InvalidPolicyArns::TooMany);
        }
        let is_repeated = |(index, arn): (usize, &PolicyArn)| arns.iter().skip(index + 1).any(|other| other == arn);
        if arns.iter().enumerate().any(is_repeated) {
            return Err(InvalidPolicyArns::Repeated);
        }
        Ok(Self(arns))
    }

    /// Each of them, as written.
    #[must_use]
    pub fn as_slice(&self) -> &[PolicyArn] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_policies_have_a_shape_and_a_length() {
        let of = |length: usize| SessionPolicy::parse(format!("{{{}}}", " ".repeat(length - 2))).is_ok();
        assert_eq!([2, 2_048, 2_049].map(of), [true, true, false]);
        // Characters, not bytes.
        assert!(SessionPolicy::parse(format!("{{{}}}", "ä".repeat(2_046))).is_ok());
        for bad in ["", "x", "[]", "{\u{100}}", "{\u{1f}}", "{\u{0}}"] {
            assert!(SessionPolicy::parse(bad).is_err(), "{bad:?}");
        }
        assert!(SessionPolicy::parse("\t{\r\n\u{ff}}\n").is_ok());
    }

    #[test]
    fn policy_arns_are_aws_own_or_an_accounts() {
        for good in [
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
            "arn:aws-cn:iam::012345678901:policy/team/a_b+c=d,e.f@g-h",
        ] {
            assert!(PolicyArn::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ReadOnlyAccess",
            "arn:aws:iam::aws:policy/",
            "arn:aws:iam::aws:policy//x",
            "arn:aws:iam::aws:policy/a//x",
            "arn:aws:iam::aws:policy/a*",
            "arn:aws:iam::aws:role/x",
            "arn:aws:iam:us-east-1:aws:policy/x",
            "arn:aws:iam::12345:policy/x",
            "arn:aws:iam:::policy/x",
            "arn:aws:sts::aws:policy/x",
            "arn:moon:iam::aws:policy/x",
            "arn:aws:iam::aws",
        ] {
            assert!(PolicyArn::parse(bad).is_err(), "{bad}");
        }
        let named = |length| PolicyArn::parse(format!("arn:aws:iam::aws:policy/{}", "x".repeat(length))).is_ok();
        assert_eq!([1, 128, 129].map(named), [true, true, false]);
    }

    #[test]
    fn a_session_has_ten_managed_policies_at_most() {
        let arns = |count| {
            let arn = |n| PolicyArn::parse(format!("arn:aws:iam::aws:policy/p{n}")).unwrap();
            PolicyArns::new((0..count).map(arn).collect())
        };
        assert_eq!(arns(10).unwrap().as_slice().len(), 10);
        assert_eq!(arns(11), Err(InvalidPolicyArns::TooMany));
        let one = arns(1).unwrap().as_slice().to_vec();
        assert_eq!(
            PolicyArns::new([one.clone(), one].concat()),
            Err(InvalidPolicyArns::Repeated)
        );
    }
}
