//! The documents that connections need: those of a role on either side, and policies for what connections often do.
//!
//! No action has a wildcard, and a resource only where it stands for all objects, all indexes or all Regions of
//! something that is named; what AWS lets nobody restrict has the resource `*`.

mod bedrock;
mod describe;
mod dynamodb;
mod name;
mod s3;

use auth_model::{ExternalId, InvalidSessionPolicy, RoleArn, SessionPolicy};

use crate::document::{Policy, PolicyKind, Statement, TooLarge};
use crate::escape::literal;
use crate::principal::Principal;

pub use bedrock::{Invoking, ModelError, bedrock_invoke};
pub use describe::{ec2_describe, workspaces_read};
pub use dynamodb::dynamodb_read;
pub use name::{BucketName, InvalidBucketName, InvalidKeyPrefix, InvalidTableName, KeyPrefix, TableName};
pub use s3::{s3_read_only, s3_read_write};

/// The trust policy of a role: who may assume it.
///
/// One user, never an account's root or a wildcard. With an External ID the user must also name it,
/// so that another customer of the same operator cannot have this role assumed for itself.
/// IAM stores the user's unique id: a user that was deleted and made again is not trusted any more.
///
/// Source: IAM User Guide, "The confused deputy problem".
///
/// ```
/// use auth_model::ExternalId;
/// use policy_gen::{AccountRoot, Principal, template};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let user = Principal::parse("arn:aws:iam::444455556666:user/acme-proxy", AccountRoot::Allowed)?;
/// let policy = template::trust(&user, Some(&ExternalId::parse("9c1f0a7e5b3d")?));
/// assert!(policy.to_json().contains(r#"{"StringEquals":{"sts:ExternalId":"9c1f0a7e5b3d"}}"#));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn trust(principal: &Principal, external_id: Option<&ExternalId>) -> Policy {
    let statement = Statement::allow(["sts:AssumeRole"]).with_aws_principal(principal.to_string());
    Policy::new([match external_id {
        Some(id) => statement.when_equals("sts:ExternalId", id.as_str()),
        None => statement,
    }])
}

/// The policy of a user that may assume one role and do nothing else.
#[must_use]
pub fn assume_role(role: &RoleArn) -> Policy {
    Policy::new([Statement::allow(["sts:AssumeRole"]).with_resource(literal(&role.to_string()))])
}

/// The policy as a session's: minified, since STS counts white space, and without the names of statements.
///
/// # Errors
///
/// [`NoSessionPolicy`] where it has more characters than STS takes.
pub fn session(policy: &Policy) -> Result<SessionPolicy, NoSessionPolicy> {
    let policy = policy.without_sids();
    policy.split(PolicyKind::Session)?;
    Ok(SessionPolicy::parse(policy.to_json())?)
}

/// The policy cannot be a session's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoSessionPolicy {
    /// More than 2,048 characters.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Characters that STS does not take.
    #[error("STS takes no such policy")]
    Text(#[from] InvalidSessionPolicy),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::UserArn;

    #[test]
    fn a_session_policy_is_small_or_none() {
        let one = Statement::allow(["s3:GetObject"])
            .with_sid("A")
            .with_resource("arn:aws:s3:::b/€");
        let policy = session(&Policy::new([one])).unwrap();
        assert!(
            policy.as_str().contains(r"b/\u20ac") && !policy.as_str().contains("Sid"),
            "{policy}"
        );
        let large = Statement::allow(["s3:GetObject"]).with_resource(format!("arn:aws:s3:::b/{}", "x".repeat(2_000)));
        assert!(matches!(
            session(&Policy::new([large])),
            Err(NoSessionPolicy::TooLarge(_))
        ));
    }

    #[test]
    fn a_trust_policy_names_one_user_and_its_external_id() {
        let user: UserArn = "arn:aws:iam::111122223333:user/operators/acme-proxy".parse().unwrap();
        let user = Principal::from(user);
        let id = ExternalId::parse("b1c9f0-acme").unwrap();
        let want = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:user/operators/acme-proxy"
      },
      "Action": [
        "sts:AssumeRole"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "b1c9f0-acme"
        }
      }
    }
  ]
}
"#;
        assert_eq!(trust(&user, Some(&id)).to_pretty_json(), want);
        assert!(!trust(&user, None).to_json().contains("Condition"));
    }

    #[test]
    fn a_user_may_assume_one_role_only() {
        let role: RoleArn = "arn:aws:iam::222233334444:role/team/for-the-proxy".parse().unwrap();
        assert_eq!(
            assume_role(&role).to_json(),
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole"],"Resource":["arn:aws:iam::222233334444:role/team/for-the-proxy"]}]}"#
        );
    }
}
