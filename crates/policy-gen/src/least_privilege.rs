//! From a record to the least policy that grants it.
//!
//! The same record gives the same bytes. Statements are joined only where no pair of action and resource arises that
//! was not recorded; what is wider than the record is so because a [`Generalisation`] was asked for, and the [`Report`]
//! says each place.

mod generalise;
mod sid;

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Conditions, Policy, Statement};
use crate::mapping::Need;
use crate::pattern::{Pattern, Wildcards};
use crate::record::{Needed, RecordSet, Recorded};

pub use generalise::{Generalisation, InvalidGeneralisation, Widening};

/// How a policy is made of a record.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// For actions that read S3 objects.
    pub reads: Generalisation,
    /// For actions that write or delete S3 objects, each on its own.
    pub writes: Generalisation,
    /// Whether what never succeeded is left out.
    pub omit_failed: bool,
}

/// What a policy was made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeastPrivilege {
    /// The policy; `None` where nothing was left to grant.
    pub policy: Option<Policy>,
    /// What somebody should look at.
    pub report: Report,
}

/// What somebody should look at before a policy is used.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Where the policy is wider than the record.
    pub widened: Vec<Widening>,
    /// What never succeeded; granted all the same, unless that was not wanted.
    pub failed: Vec<Needed>,
    /// What cannot be granted, since its resource is not known.
    pub unresolved: Vec<Needed>,
    /// How many sightings the record had no room for: the policy lacks them.
    pub dropped: u64,
}

/// An action on a resource under conditions.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Grant {
    pub(crate) action: String,
    /// In IAM's pattern language.
    pub(crate) resource: String,
    /// Operator, key and value.
    pub(crate) conditions: Vec<(String, String, String)>,
}

/// The least policy that grants what was recorded and can be granted.
#[must_use]
pub fn least_privilege(record: &RecordSet, options: Options) -> LeastPrivilege {
    let mut report = Report {
        dropped: record.dropped(),
        ..Report::default()
    };
    let mut grants = BTreeSet::new();
    for (needed, seen) in record.iter() {
        if seen.never_succeeded() {
            report.failed.push(needed.clone());
        }
        let resource = match &needed.on {
            Recorded::Resource(resource) => resource.clone(),
            Recorded::Unresolved(_) => {
                report.unresolved.push(needed.clone());
                continue;
            }
        };
        if !(options.omit_failed && seen.never_succeeded()) {
            grants.insert(Grant {
                action: needed.action.clone(),
                resource,
                conditions: needed.conditions.clone(),
            });
        }
    }
    let (grants, widened) = generalise::widen(grants, options.reads, options.writes);
    report.widened = widened;
    LeastPrivilege {
        policy: (!grants.is_empty()).then(|| policy(&grants)),
        report,
    }
}

/// The policy that grants these needs and nothing else; those without a resource are left out.
#[must_use]
pub fn of_needs<'n>(needs: impl IntoIterator<Item = &'n Need>) -> Policy {
    let grants = needs.into_iter().map(Needed::of).filter_map(|needed| match needed.on {
        Recorded::Resource(resource) => Some(Grant {
            action: needed.action,
            resource,
            conditions: needed.conditions,
        }),
        Recorded::Unresolved(_) => None,
    });
    policy(&grants.collect())
}

fn policy(grants: &BTreeSet<Grant>) -> Policy {
    let statements = merged(without_covered(grants));
    Policy::new(sid::named(statements))
}

/// Drops grants that a wider one makes needless.
fn without_covered(grants: &BTreeSet<Grant>) -> BTreeSet<Grant> {
    let compiled = |grant: &Grant| Pattern::parse(&grant.resource, Wildcards::Any).ok();
    let wide: Vec<_> = grants
        .iter()
        .filter_map(|grant| Some((grant, compiled(grant)?)))
        .filter(|(_, pattern)| pattern.as_literal().is_none())
        .collect();
    let is_covered = |grant: &Grant| {
        let same = |wide: &Grant| {
            wide.action == grant.action && wide.conditions == grant.conditions && wide.resource != grant.resource
        };
        let mut same = wide.iter().filter(|(wide, _)| same(wide)).peekable();
        if same.peek().is_none() {
            return false;
        }
        let own = compiled(grant);
        // Of two that cover each other, the first stays.
        let is_first =
            |wide: &Grant, pattern: &Pattern, own: &Pattern| !own.covers(pattern) || wide.resource < grant.resource;
        own.is_some_and(|own| same.any(|(wide, pattern)| pattern.covers(&own) && is_first(wide, pattern, &own)))
    };
    grants.iter().filter(|grant| !is_covered(grant)).cloned().collect()
}

/// Statements that grant exactly these: first all actions of a resource, then all resources of the same actions.
/// After that no two statements have the same actions or the same resources under the same conditions.
fn merged(grants: BTreeSet<Grant>) -> Vec<Statement> {
    type Key<T> = (Conditions, T);
    let mut actions: BTreeMap<Key<String>, BTreeSet<String>> = BTreeMap::new();
    for grant in grants {
        let mut conditions = Conditions::new();
        for (operator, key, value) in grant.conditions {
            let keys = conditions.entry(operator).or_default();
            keys.entry(key).or_default().0.insert(value);
        }
        let of_resource = actions.entry((conditions, grant.resource)).or_default();
        // Actions have no case: the first spelling stands for all.
        if !of_resource
            .iter()
            .any(|action| action.eq_ignore_ascii_case(&grant.action))
        {
            of_resource.insert(grant.action);
        }
    }
    let mut resources: BTreeMap<Key<BTreeSet<String>>, BTreeSet<String>> = BTreeMap::new();
    for ((conditions, resource), actions) in actions {
        resources.entry((conditions, actions)).or_default().insert(resource);
    }
    let statement = |((conditions, actions), resources)| Statement {
        resources,
        conditions,
        ..Statement::allow::<String>(actions)
    };
    resources.into_iter().map(statement).collect()
}

#[cfg(test)]
mod tests;
