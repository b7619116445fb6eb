//! What a policy grants and nobody used, and what was used and is not granted.

use std::collections::BTreeSet;

use crate::decision::{AllowPolicy, Denial};
use crate::document::{Effect, Policy, PolicyError};
use crate::pattern::{Pattern, Wildcards};
use crate::record::{Needed, RecordSet, Recorded};

/// The two differences.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Difference {
    /// Pairs of action and resource, as the policy has them, that nothing recorded needed. Statements of `NotAction` and
    /// `NotResource` name no pairs and are left out.
    pub unused: Vec<(String, String)>,
    /// What was recorded and is not granted.
    pub missing: Vec<(Needed, Denial)>,
}

impl Difference {
    /// Whether the policy grants what was recorded and nothing beside it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unused.is_empty() && self.missing.is_empty()
    }
}

/// Compares a policy with a record.
///
/// # Errors
///
/// [`PolicyError`] where the policy has conditions that are not evaluated here.
pub fn diff(policy: &Policy, record: &RecordSet) -> Result<Difference, PolicyError> {
    let allow = AllowPolicy::new(policy)?;
    let denial = |needed: &Needed| Some((needed.clone(), allow.denial(&needed.to_need())?));
    let used: Vec<_> = record.iter().map(|(needed, _)| Use::of(needed)).collect();
    let mut unused = BTreeSet::new();
    for statement in policy
        .statements()
        .filter(|statement| statement.effect == Effect::Allow)
    {
        for resource in &statement.resources {
            let Ok(granted) = Pattern::parse(resource, Wildcards::Any) else {
                continue;
            };
            let on_it: Vec<_> = used.iter().filter(|used| used.is_on(&granted)).collect();
            for action in &statement.actions {
                let Ok(named) = Pattern::parse(&action.to_ascii_lowercase(), Wildcards::Any) else {
                    continue;
                };
                if !on_it.iter().any(|used| named.matches(&used.action)) {
                    unused.insert((action.clone(), resource.clone()));
                }
            }
        }
    }
    Ok(Difference {
        unused: unused.into_iter().collect(),
        missing: record.iter().filter_map(|(needed, _)| denial(needed)).collect(),
    })
}

/// What was recorded, in the form that grants are compared with.
struct Use {
    /// Lower case.
    action: String,
    on: On,
}

enum On {
    Some(Pattern),
    /// The action has no resources: `*` alone grants it.
    Any,
    /// It may be whatever is granted.
    Unknown,
}

impl Use {
    fn of(needed: &Needed) -> Self {
        Self {
            action: needed.action.to_ascii_lowercase(),
            on: match &needed.on {
                Recorded::Resource(text) if text == "*" => On::Any,
                Recorded::Resource(text) => Pattern::parse(text, Wildcards::Any).map_or(On::Unknown, On::Some),
                Recorded::Unresolved(_) => On::Unknown,
            },
        }
    }

    fn is_on(&self, granted: &Pattern) -> bool {
        match &self.on {
            On::Some(pattern) => granted.overlaps(pattern),
            On::Any => granted.is_everything(),
            On::Unknown => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Need, Resource};
    use crate::record::Seen;

    fn check(statements: &str, used: &[(&'static str, Resource)]) -> (Vec<String>, Vec<String>) {
        let policy = Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)).unwrap();
        let mut record = RecordSet::default();
        for (action, resource) in used {
            record.observe(
                Needed::of(&Need::new(*action, resource.clone())),
                Seen::once(1, Some(200)),
            );
        }
        let difference = diff(&policy, &record).unwrap();
        (
            difference
                .unused
                .iter()
                .map(|(action, resource)| format!("{action} {resource}"))
                .collect(),
            difference
                .missing
                .iter()
                .map(|(needed, why)| format!("{} {why:?}", needed.action))
                .collect(),
        )
    }

    fn object(key: &str) -> Resource {
        Resource::Exact(format!("arn:aws:s3:::b/{key}"))
    }

    #[test]
    fn what_is_granted_and_unused_and_what_is_used_and_not_granted() {
        let (unused, missing) = check(
            r#"[{"Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":["arn:aws:s3:::b/a/*","arn:aws:s3:::b/${*}"]},
                {"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/a/secret"}]"#,
            &[
                ("s3:GetObject", object("a/x")),
                ("s3:GetObject", object("a/secret")),
                ("s3:PutObject", object("*")),
                ("s3:DeleteObject", object("a/x")),
            ],
        );
        assert_eq!(
            unused,
            ["s3:Get* arn:aws:s3:::b/${*}", "s3:PutObject arn:aws:s3:::b/a/*"]
        );
        assert_eq!(missing, ["s3:DeleteObject Implicit", "s3:GetObject Explicit"]);
    }

    #[test]
    fn what_has_no_resource_is_used_by_the_star_alone() {
        let statements = r#"[{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":["*","arn:aws:ec2:*:*:vpc/*"]}]"#;
        let (unused, missing) = check(statements, &[("ec2:DescribeVpcs", Resource::Any)]);
        assert_eq!(unused, ["ec2:DescribeVpcs arn:aws:ec2:*:*:vpc/*"]);
        assert!(missing.is_empty());
    }
}
