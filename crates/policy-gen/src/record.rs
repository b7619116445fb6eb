//! What connections were seen to need: a set with counts, small enough to keep and easy to join.
//!
//! One entry for each action, resource and conditions, however often they came. Of two sets of the same traffic, cut and
//! ordered in any way, [`RecordSet::merge`] makes the same set: counts are added, of the times the outermost stay.
//!
//! The form on disk is JSON, described in `docs/policies.md`; [`RecordSet::parse`] rejects versions it does not know.

mod json;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::decision;
use crate::document::CONDITION_KEYS;
use crate::escape::{literal, literal_variable};
use crate::mapping::{Condition, Need, Resource, Unresolved};
use crate::pattern::{LONGEST, Pattern, Wildcards};

pub use json::RecordError;

/// How many entries a set has at most unless something else is said: some 5 MiB of memory and of file.
pub const DEFAULT_LIMIT: usize = 10_000;

/// What was needed, how often, when and with what success.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordSet {
    entries: BTreeMap<Needed, Seen>,
    limit: usize,
    /// How many sightings found no room.
    dropped: u64,
}

/// What was needed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Needed {
    /// The action in IAM's own spelling.
    pub action: String,
    /// What it is done to.
    pub on: Recorded,
    /// Operator, key and value in the operator's language, sorted.
    pub conditions: Vec<(String, String, String)>,
}

/// What something was done to, as a record has it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Recorded {
    /// In IAM's pattern language, literals escaped.
    Resource(String),
    /// Not to be known from the request, with the reason.
    Unresolved(String),
}

/// How often, when, and with what success.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// The first time, in seconds since 1970.
    pub first: u64,
    /// The last time, in seconds since 1970.
    pub last: u64,
    /// The responses, by class.
    pub responses: ResponseCounts,
}

/// How often the service responded with a status of each class.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ResponseCounts {
    /// 2xx, and 1xx.
    pub success: u64,
    /// 3xx: also "not modified".
    pub redirect: u64,
    /// 4xx.
    pub client_error: u64,
    /// 5xx.
    pub server_error: u64,
    /// There was no response.
    pub none: u64,
}

impl ResponseCounts {
    /// One response; `None` where there was none.
    #[must_use]
    pub fn of(status: Option<u16>) -> Self {
        let mut responses = Self::default();
        *match status {
            Some(100..=299) => &mut responses.success,
            Some(300..=399) => &mut responses.redirect,
            Some(400..=499) => &mut responses.client_error,
            Some(_) => &mut responses.server_error,
            None => &mut responses.none,
        } = 1;
        responses
    }

    fn add(&mut self, other: &Self) {
        self.success = self.success.saturating_add(other.success);
        self.redirect = self.redirect.saturating_add(other.redirect);
        self.client_error = self.client_error.saturating_add(other.client_error);
        self.server_error = self.server_error.saturating_add(other.server_error);
        self.none = self.none.saturating_add(other.none);
    }
}

impl Seen {
    /// Seen once, at this time in seconds since 1970, with this response.
    #[must_use]
    pub fn once(at: u64, status: Option<u16>) -> Self {
        Self {
            count: 1,
            first: at,
            last: at,
            responses: ResponseCounts::of(status),
        }
    }

    /// Whether no response ever was a success or a redirect.
    #[must_use]
    pub fn never_succeeded(&self) -> bool {
        self.responses.success == 0 && self.responses.redirect == 0
    }

    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.responses.add(&other.responses);
    }
}

impl Needed {
    /// The need as a record has it. A resource that is not of the pattern language is not resolved.
    #[must_use]
    pub fn of(need: &Need) -> Self {
        let on = match &need.resource {
            Resource::Unresolved(why) => Recorded::Unresolved(why.to_string()),
            Resource::Pattern(text) if Pattern::parse(text, Wildcards::Any).is_err() => {
                Recorded::Unresolved("the pattern of the resource cannot be read".to_owned())
            }
            // No policy can hold it, and a record with it could not be read again.
            Resource::Exact(arn) if arn.chars().count() > LONGEST => {
                Recorded::Unresolved("the resource is longer than any ARN that IAM takes".to_owned())
            }
            Resource::Exact(arn) => Recorded::Resource(literal(arn)),
            Resource::Pattern(text) => Recorded::Resource(text.clone()),
            Resource::Any => Recorded::Resource("*".to_owned()),
        };
        let mut conditions: Vec<_> = need.conditions.iter().map(condition).collect();
        conditions.sort();
        conditions.dedup();
        Self {
            action: need.action.clone().into_owned(),
            on,
            conditions,
        }
    }
}

impl Needed {
    /// The need again, so that a policy can decide on it. Conditions that no mapping gives are left out.
    pub(crate) fn to_need(&self) -> Need {
        let resource = match &self.on {
            Recorded::Resource(text) if text == "*" => Resource::Any,
            Recorded::Resource(text) => Resource::Pattern(text.clone()),
            Recorded::Unresolved(_) => Resource::Unresolved(Unresolved::Indirect("a record")),
        };
        let known = |known: &'static [&'static str], text: &str| known.iter().copied().find(|known| *known == text);
        let condition = |(operator, key, value): &(String, String, String)| {
            let value = Pattern::parse(value, Wildcards::Literal).ok()?;
            Some(Condition {
                operator: known(&decision::OPERATORS, operator)?,
                key: known(&CONDITION_KEYS, key)?,
                value: value.as_literal()?.to_owned(),
            })
        };
        Need {
            action: self.action.clone().into(),
            resource,
            conditions: self.conditions.iter().filter_map(condition).collect(),
            context: Vec::new(),
        }
    }
}

fn condition(condition: &Condition) -> (String, String, String) {
    let value = match condition.operator {
        "StringEquals" => literal_variable(&condition.value),
        _ => literal(&condition.value),
    };
    (condition.operator.to_owned(), condition.key.to_owned(), value)
}

impl Default for RecordSet {
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl RecordSet {
    /// An empty set of at most this many entries.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            limit,
            dropped: 0,
        }
    }

    /// The same entries with another bound. What has no room is dropped, and counted.
    #[must_use]
    pub fn limited_to(mut self, limit: usize) -> Self {
        self.limit = limit;
        self.shrink();
        self
    }

    /// Adds a sighting, unless it is of something new and the set is full: then it is counted as dropped.
    pub fn observe(&mut self, needed: Needed, seen: Seen) {
        let is_full = self.entries.len() >= self.limit;
        match self.entries.entry(needed) {
            Entry::Occupied(mut entry) => entry.get_mut().add(&seen),
            Entry::Vacant(_) if is_full => self.dropped = self.dropped.saturating_add(seen.count),
            Entry::Vacant(entry) => drop(entry.insert(seen)),
        }
    }

    /// Adds another set. Beyond the bound the entries last in order are dropped and counted, so that the result does
    /// not depend on the order of merging.
    pub fn merge(&mut self, other: Self) {
        for (needed, seen) in other.entries {
            match self.entries.entry(needed) {
                Entry::Occupied(mut entry) => entry.get_mut().add(&seen),
                Entry::Vacant(entry) => drop(entry.insert(seen)),
            }
        }
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.entries.len() > self.limit {
            let Some((_, seen)) = self.entries.pop_last() else {
                return;
            };
            self.dropped = self.dropped.saturating_add(seen.count);
        }
    }

    /// Each entry, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Needed, &Seen)> {
        self.entries.iter()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many sightings found no room: where it is not 0, a policy of this set is too narrow.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests;
