//! IAM policy documents: built from checked parts, written as canonical JSON.
//!
//! Source: IAM User Guide, "Grammar of the IAM JSON policy language".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

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
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// One statement of a policy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Statement {
    #[serde(rename = "Sid", skip_serializing_if = "Option::is_none")]
    sid: Option<&'static str>,
    #[serde(rename = "Effect")]
    effect: Effect,
    #[serde(rename = "Principal", skip_serializing_if = "BTreeMap::is_empty")]
    principal: BTreeMap<&'static str, String>,
    #[serde(rename = "Action")]
    actions: BTreeSet<String>,
    #[serde(rename = "Resource", skip_serializing_if = "BTreeSet::is_empty")]
    resources: BTreeSet<String>,
    #[serde(rename = "Condition", skip_serializing_if = "BTreeMap::is_empty")]
    conditions: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
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
        Self {
            sid: None,
            effect: Effect::Allow,
            principal: BTreeMap::new(),
            actions: actions.into_iter().map(Into::into).collect(),
            resources: BTreeSet::new(),
            conditions: BTreeMap::new(),
        }
    }

    /// Names the statement: letters and digits only.
    #[must_use]
    pub fn with_sid(mut self, sid: &'static str) -> Self {
        self.sid = Some(sid);
        self
    }

    /// For an AWS principal: in policies of resources and roles.
    #[must_use]
    pub fn with_aws_principal(mut self, arn: impl Into<String>) -> Self {
        self.principal.insert("AWS", arn.into());
        self
    }

    /// On this resource, in IAM's pattern language: a literal goes through [`literal`] first.
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.insert(resource.into());
        self
    }

    /// Only where the request's value for `key` is exactly `value`, which is taken literally.
    #[must_use]
    pub fn when_equals(mut self, key: &'static str, value: &str) -> Self {
        self.conditions
            .entry("StringEquals")
            .or_default()
            .insert(key, literal_variable(value));
        self
    }
}

/// A literal in IAM's pattern language: `*`, `?` and `$` lose their meaning.
///
/// Source: IAM User Guide, "IAM policy elements: Variables and tags", special characters.
#[must_use]
pub fn literal(text: &str) -> String {
    escape(text, &['*', '?', '$'])
}

/// A literal where only variables have a meaning, as in `StringEquals`.
fn literal_variable(text: &str) -> String {
    escape(text, &['$'])
}

fn escape(text: &str, special: &[char]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            escaped.extend(['$', '{', c, '}']);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// IAM takes U+0009, U+000A, U+000D and U+0020 to U+00FF; the rest goes as `\uXXXX`.
fn escape_beyond_latin1(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c <= '\u{ff}' && c != '\u{7f}' {
            escaped.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

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
        assert_eq!(literal("a*b?c$d"), "a${*}b${?}c${$}d");
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
