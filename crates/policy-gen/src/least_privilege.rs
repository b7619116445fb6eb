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
    let statements = merged(grants);
    Policy::new(sid::named(statements))
}

type Under<T> = (Conditions, T);

/// Statements that grant exactly these, of which no two have the same actions or the same resources under the same
/// conditions.
///
/// A resource stays where a wider one has its pairs too: that changes nothing, and both were asked for.
/// As a rule each resource stands once, with all its actions. An action on resources of several types, such as
/// `ec2:RunInstances`, stands once instead: people and linters want to see all that it needs together.
fn merged(grants: &BTreeSet<Grant>) -> Vec<Statement> {
    let mut by_action: BTreeMap<Under<String>, BTreeSet<String>> = BTreeMap::new();
    // Actions have no case: the first spelling stands for all.
    let mut spelling: BTreeMap<String, &str> = BTreeMap::new();
    for grant in grants {
        let action = *spelling
            .entry(grant.action.to_ascii_lowercase())
            .or_insert(&grant.action);
        let key = (conditions(grant), action.to_owned());
        by_action.entry(key).or_default().insert(grant.resource.clone());
    }
    let mut whole: BTreeMap<Under<BTreeSet<String>>, BTreeSet<String>> = BTreeMap::new();
    let mut by_resource: BTreeMap<Under<String>, BTreeSet<String>> = BTreeMap::new();
    for ((conditions, action), resources) in by_action {
        let types: BTreeSet<_> = resources.iter().map(|resource| sid::kind(resource)).collect();
        if types.len() > 1 {
            whole.entry((conditions, resources)).or_default().insert(action);
            continue;
        }
        for resource in resources {
            by_resource
                .entry((conditions.clone(), resource))
                .or_default()
                .insert(action.clone());
        }
    }
    let mut same_actions: BTreeMap<Under<BTreeSet<String>>, BTreeSet<String>> = BTreeMap::new();
    for ((conditions, resource), actions) in by_resource {
        same_actions.entry((conditions, actions)).or_default().insert(resource);
    }
    let statement = |conditions, actions, resources| Statement {
        resources,
        conditions,
        ..Statement::allow::<String>(actions)
    };
    let whole = whole
        .into_iter()
        .map(|((conditions, resources), actions)| statement(conditions, actions, resources));
    let others = same_actions.into_iter();
    let others = others.map(|((conditions, actions), resources)| statement(conditions, actions, resources));
    whole.chain(others).collect()
}

fn conditions(grant: &Grant) -> Conditions {
    let mut conditions = Conditions::new();
    for (operator, key, value) in &grant.conditions {
        let keys = conditions.entry(operator.clone()).or_default();
        keys.entry(key.clone()).or_default().0.insert(value.clone());
    }
    conditions
}

#[cfg(test)]
mod tests;
