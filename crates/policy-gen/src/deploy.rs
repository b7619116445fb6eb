//! Documents in the languages that deploy them: Terraform and `CloudFormation`.

use serde_json::json;

use crate::document::{Policy, PolicyKind};
use crate::escape::escape_beyond_latin1;

/// What a deployed document is called: 1 to 60 of `a-z`, `A-Z`, `0-9`, `_` and `-`, beginning with a letter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeploymentName(String);

/// Not a name for a deployed document.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a name is 1 to 60 of a-z, A-Z, 0-9, '_' and '-', beginning with a letter")]
pub struct InvalidDeploymentName;

impl std::str::FromStr for DeploymentName {
    type Err = InvalidDeploymentName;

    fn from_str(text: &str) -> Result<Self, InvalidDeploymentName> {
        let is_good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        // A number may follow, and a role's name has 64 at most.
        let has_shape = begins && text.len() <= 60 && text.bytes().all(is_good);
        has_shape.then(|| Self(text.to_owned())).ok_or(InvalidDeploymentName)
    }
}

/// Nothing of that kind is deployed: session policies go to STS, the proxy's own to its configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a policy of this kind is not deployed: take --format json")]
pub struct NotDeployed;

/// What the document becomes.
#[derive(Clone, Copy)]
enum Target {
    /// A managed policy.
    Policy,
    /// A role, for its trust policy.
    Role,
}

fn target(kind: PolicyKind) -> Result<Target, NotDeployed> {
    match kind {
        PolicyKind::Managed => Ok(Target::Policy),
        PolicyKind::Trust => Ok(Target::Role),
        PolicyKind::InlineUser
        | PolicyKind::InlineRole
        | PolicyKind::InlineGroup
        | PolicyKind::Session
        | PolicyKind::Allow => Err(NotDeployed),
    }
}

/// The name of the document with this index, numbered where there are several.
fn numbered(name: &DeploymentName, index: usize, documents: &[Policy]) -> String {
    match documents.len() {
        1 => name.0.clone(),
        _ => format!("{}-{}", name.0, index + 1),
    }
}

/// Terraform resources: `aws_iam_policy`, or `aws_iam_role` for a trust policy. The document itself stays JSON, so that
/// escapes reach IAM as they are.
///
/// ```
/// use policy_gen::deploy::{DeploymentName, terraform};
/// use policy_gen::{Policy, PolicyKind, Statement};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::new([Statement::allow(["s3:GetObject"]).with_resource("arn:aws:s3:::reports/*")]);
/// let name = "read-reports".parse::<DeploymentName>()?;
/// let text = terraform(&[policy], PolicyKind::Managed, &name)?;
/// assert!(text.starts_with("resource \"aws_iam_policy\" \"read-reports\" {"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`NotDeployed`] for kinds that are not deployed.
pub fn terraform(documents: &[Policy], kind: PolicyKind, name: &DeploymentName) -> Result<String, NotDeployed> {
    let (resource, argument) = match target(kind)? {
        Target::Policy => ("aws_iam_policy", "policy"),
        Target::Role => ("aws_iam_role", "assume_role_policy"),
    };
    let one = |(index, document): (usize, &Policy)| {
        let name = numbered(name, index, documents);
        // Both begin a template in a here-document.
        let json = document.to_pretty_json().replace("${", "$${").replace("%{", "%%{");
        format!("resource \"{resource}\" \"{name}\" {{\n  name = \"{name}\"\n  {argument} = <<EOT\n{json}EOT\n}}\n")
    };
    let all: Vec<_> = documents.iter().enumerate().map(one).collect();
    Ok(all.join("\n"))
}

/// A `CloudFormation` template in JSON: `AWS::IAM::ManagedPolicy`, or `AWS::IAM::Role` for a trust policy.
///
/// # Errors
///
/// [`NotDeployed`] for kinds that are not deployed.
pub fn cloudformation(documents: &[Policy], kind: PolicyKind, name: &DeploymentName) -> Result<String, NotDeployed> {
    let (resource, property, name_property) = match target(kind)? {
        Target::Policy => ("AWS::IAM::ManagedPolicy", "PolicyDocument", "ManagedPolicyName"),
        Target::Role => ("AWS::IAM::Role", "AssumeRolePolicyDocument", "RoleName"),
    };
    let one = |(index, document): (usize, &Policy)| {
        let name = numbered(name, index, documents);
        let logical: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let properties = json!({ name_property: name, property: document });
        (logical, json!({ "Type": resource, "Properties": properties }))
    };
    let resources: serde_json::Map<_, _> = documents.iter().enumerate().map(one).collect();
    let template = json!({ "AWSTemplateFormatVersion": "2010-09-09", "Resources": resources });
    let json = serde_json::to_string_pretty(&template).unwrap_or_default();
    Ok(escape_beyond_latin1(&json) + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Statement;

    fn documents(count: usize) -> Vec<Policy> {
        let document =
            |n| Policy::new([Statement::allow(["s3:GetObject"]).with_resource(format!("arn:aws:s3:::b/{n}${{*}}€"))]);
        (0..count).map(document).collect()
    }

    fn name() -> DeploymentName {
        "my-reader".parse().unwrap()
    }

    #[test]
    fn terraform_takes_the_document_as_it_is() {
        let text = terraform(&documents(1), PolicyKind::Managed, &name()).unwrap();
        assert!(
            text.starts_with(
                "resource \"aws_iam_policy\" \"my-reader\" {\n  name = \"my-reader\"\n  policy = <<EOT\n{\n"
            ),
            "{text}"
        );
        assert!(
            text.contains(r#""arn:aws:s3:::b/0$${*}\u20ac""#) && text.ends_with("}\nEOT\n}\n"),
            "{text}"
        );
        let two = terraform(&documents(2), PolicyKind::Managed, &name()).unwrap();
        assert!(
            two.contains("\"my-reader-1\"") && two.contains("\"my-reader-2\""),
            "{two}"
        );
        let trust = terraform(&documents(1), PolicyKind::Trust, &name()).unwrap();
        assert!(
            trust.contains("\"aws_iam_role\"") && trust.contains("assume_role_policy = <<EOT"),
            "{trust}"
        );
    }

    #[test]
    fn cloudformation_takes_a_template() {
        let text = cloudformation(&documents(2), PolicyKind::Managed, &name()).unwrap();
        let template: serde_json::Value = serde_json::from_str(&text).unwrap();
        let second = &template["Resources"]["myreader2"];
        assert_eq!(second["Type"], "AWS::IAM::ManagedPolicy");
        assert_eq!(second["Properties"]["ManagedPolicyName"], "my-reader-2");
        let resource = &second["Properties"]["PolicyDocument"]["Statement"][0]["Resource"][0];
        assert_eq!(resource, "arn:aws:s3:::b/1${*}€");
        assert!(text.is_ascii());
    }

    #[test]
    fn only_what_iam_stores_is_deployed() {
        assert_eq!(terraform(&documents(1), PolicyKind::Session, &name()), Err(NotDeployed));
        for bad in ["", "1a", "a b", "ä", &"a".repeat(61)] {
            assert_eq!(bad.parse::<DeploymentName>(), Err(InvalidDeploymentName), "{bad}");
        }
    }
}
