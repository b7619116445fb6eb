//! The documents that a role-assuming connection needs on either side.

use auth_model::{ExternalId, RoleArn};

use crate::document::{Policy, Statement, literal};
use crate::principal::UserArn;

/// The trust policy of a role: who may assume it.
///
/// One user, never an account's root or a wildcard. With an External ID the user must also name it,
/// so that another customer of the same operator cannot have this role assumed for itself.
/// IAM stores the user's unique id: a user that was deleted and made again is not trusted any more.
///
/// Source: IAM User Guide, "The confused deputy problem".
#[must_use]
pub fn trust(principal: &UserArn, external_id: Option<&ExternalId>) -> Policy {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_policy_names_one_user_and_its_external_id() {
        let user: UserArn = "arn:aws:iam::111122223333:user/operators/acme-proxy".parse().unwrap();
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
