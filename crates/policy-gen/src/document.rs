//! IAM policy documents: built from checked parts, written as canonical JSON.
//!
//! Source: IAM User Guide, "Grammar of the IAM JSON policy language".

mod parse;
mod size;

use std::collections::{BTreeMap, BTreeSet};

use crate::escape::{escape_beyond_latin1, literal_variable};

use serde::{Serialize, Serializer};

pub use parse::{PolicyError, StatementProblem};
pub use size::{PolicyKind, TooLarge};

/// The only version with policy variables, and so the only one in which a literal can be escaped.
const VERSION: &str = "2012-10-17";

/// A policy document. The same statements give the same bytes, in whatever order they were added.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Policy {
    #[serde(rename = "Version")]
    version: &'static str,
    #[serde(rename = "Statement")]
    statements: BTreeSet<Statement>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, serde::Deserialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Rejects, whatever else grants.
    Deny,
}

/// Operator, then key, then values in IAM's language: all operators and keys must hold, of the values one.
pub(crate) type Conditions = BTreeMap<String, BTreeMap<String, Values>>;

/// One or several values of a condition key.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Values(pub(crate) BTreeSet<String>);

/// One statement of a policy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Statement {
    #[serde(rename = "Sid", skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<String>,
    #[serde(rename = "Effect")]
    pub(crate) effect: Effect,
    #[serde(rename = "Principal", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) principal: BTreeMap<&'static str, String>,
    #[serde(rename = "Action", skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) actions: BTreeSet<String>,
    #[serde(rename = "NotAction", skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) not_actions: BTreeSet<String>,
    #[serde(rename = "Resource", skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) resources: BTreeSet<String>,
    #[serde(rename = "NotResource", skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) not_resources: BTreeSet<String>,
    #[serde(rename = "Condition", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) conditions: Conditions,
}

impl Policy {
    /// A document of these statements.
    #[must_use]
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        Self {
            version: VERSION,
            statements: statements.into_iter().collect(),
        }
    }

    /// Each statement, in the order of the document.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter()
    }

    /// The same without the names of statements, which take space: for STS.
    #[must_use]
    pub fn without_sids(&self) -> Self {
        Self::new(
            self.statements
                .iter()
                .cloned()
                .map(|statement| Statement { sid: None, ..statement }),
        )
    }

    /// Indented JSON with a line end: for people, files and reviews.
    #[must_use]
    pub fn to_pretty_json(&self) -> String {
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        escape_beyond_latin1(&json) + "\n"
    }

    /// JSON without white space: for STS, which counts it.
    #[must_use]
    pub fn to_json(&self) -> String {
        escape_beyond_latin1(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl Statement {
    /// Allows these actions; on nothing yet.
    #[must_use]
    pub fn allow<A: Into<String>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::of(Effect::Allow, actions.into_iter().map(Into::into).collect())
    }

    /// Rejects these actions, whatever else allows them; on nothing yet.
    #[must_use]
    pub fn deny<A: Into<String>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::of(Effect::Deny, actions.into_iter().map(Into::into).collect())
    }

    fn of(effect: Effect, actions: BTreeSet<String>) -> Self {
        Self {
            sid: None,
            effect,
            principal: BTreeMap::new(),
            actions,
            not_actions: BTreeSet::new(),
            resources: BTreeSet::new(),
            not_resources: BTreeSet::new(),
            conditions: Conditions::new(),
        }
    }

    /// Names the statement: letters and digits only.
    #[must_use]
    pub fn with_sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// For an AWS principal: in policies of resources and roles.
    #[must_use]
    pub fn with_aws_principal(mut self, arn: impl Into<String>) -> Self {
        self.principal.insert("AWS", arn.into());
        self
    }

    /// On this resource, in IAM's pattern language: a literal goes through [`literal`](crate::literal) first.
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.insert(resource.into());
        self
    }

    /// Only where the request's value for `key` is exactly `value`, which is taken literally.
    #[must_use]
    pub fn when_equals(self, key: &str, value: &str) -> Self {
        self.when("StringEquals", key, literal_variable(value))
    }

    /// Only where the request's value for `key` is like `pattern`, in IAM's pattern language: literals in it go
    /// through [`literal`](crate::literal) first. Of several patterns for one key, one must hold.
    #[must_use]
    pub fn when_like(self, key: &str, pattern: impl Into<String>) -> Self {
        self.when("StringLike", key, pattern)
    }

    /// Only where this test holds; the value is in the operator's language.
    fn when(mut self, operator: &str, key: &str, value: impl Into<String>) -> Self {
        let keys = self.conditions.entry(operator.to_owned()).or_default();
        keys.entry(key.to_owned()).or_default().0.insert(value.into());
        self
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.first(), self.0.len()) {
            (Some(only), 1) => only.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

/// The condition keys that may stand in a policy: those that mappings give values to. A policy with any other is
/// rejected.
pub(crate) const CONDITION_KEYS: [&str; 6] = [
    "bedrock:InferenceProfileArn",
    "ec2:CreateAction",
    "iam:PassedToService",
    "kms:ViaService",
    "s3:prefix",
    "s3express:SessionMode",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_statements_and_actions_does_not_matter() {
        let one = || Statement::allow(["s3:PutObject", "s3:GetObject"]).with_resource("arn:aws:s3:::b/*");
        let two = || Statement::allow(["s3:ListBucket"]).with_resource("arn:aws:s3:::b");
        let json = Policy::new([one(), two()]).to_json();
        assert_eq!(json, Policy::new([two(), one(), two()]).to_json());
        assert_eq!(
            json,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::b/*"]},{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::b"]}]}"#
        );
    }

    #[test]
    fn a_literal_cannot_widen_a_policy() {
        assert_eq!(crate::escape::literal("a*b?c$d"), "a${*}b${?}c${$}d");
        let json = Policy::new([Statement::allow(["a:B"]).when_equals("k:K", "x${aws:username}*")]).to_json();
        assert!(
            json.contains(r#""StringEquals":{"k:K":"x${$}{aws:username}*"}"#),
            "{json}"
        );
    }

    #[test]
    fn characters_beyond_latin1_are_escaped() {
        let json = Policy::new([Statement::allow(["a:B"]).with_resource("é€😀")]).to_json();
        assert!(json.contains(r"é\u20ac\ud83d\ude00"), "{json}");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }
}
