//! Whether a policy allows what a request asks for.
//!
//! An ordinary identity policy, read by [`AllowPolicy::parse`] once and evaluated as IAM does: what no statement allows
//! is denied, and a statement that denies goes before all that allow. What cannot be known is never to the request's
//! advantage:
//!
//! - a [`Resource::Pattern`] is allowed where one pattern of the policy covers all of it, and denied where a denying
//!   statement could match any of it;
//! - a [`Resource::Unresolved`] is allowed by the resource `*` alone, and denied by any statement that denies its action;
//! - a condition whose key the request gives no value to does not hold where it allows, and holds where it denies.

mod compiled;

use std::fmt;

use crate::document::{Effect, Policy, PolicyError};
use crate::mapping::{Mapping, Need, Resource};
use compiled::{Compiled, Known, Subject};

/// The operators that are evaluated.
pub(crate) const OPERATORS: [&str; 4] = ["StringEquals", "StringLike", "ArnEquals", "ArnLike"];

/// A policy, ready to decide.
///
/// ```
/// use policy_gen::mapping::{Mapping, Need, Resource};
/// use policy_gen::{AllowPolicy, Decision, PolicyError};
///
/// let allow = AllowPolicy::parse(
///     r#"{
///         "Version": "2012-10-17",
///         "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"}]
///     }"#,
/// )?;
/// let mut read = Mapping::new("GetObject");
/// let object = Resource::Exact("arn:aws:s3:::reports/january.csv".to_owned());
/// read.required.push(Need::new("s3:GetObject", object.clone()));
/// assert_eq!(allow.decide(&read), Decision::Allow);
///
/// let mut delete = Mapping::new("DeleteObject");
/// delete.required.push(Need::new("s3:DeleteObject", object));
/// assert!(matches!(allow.decide(&delete), Decision::Deny { .. }));
/// # Ok::<(), PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AllowPolicy {
    allowing: Vec<Compiled>,
    denying: Vec<Compiled>,
}

/// What a policy says to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision<'m> {
    /// Everything that the request requires is allowed.
    Allow,
    /// Something that it requires is not.
    Deny {
        /// The first of what is not allowed.
        need: &'m Need,
        /// Why not.
        why: Denial,
    },
}

/// Why a need is not allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Denial {
    /// A statement denies it.
    Explicit,
    /// No statement allows it.
    Implicit,
    /// No statement allows it, and its resource is not known: only the resource `*` would.
    Unresolved,
    /// A statement denies the action somewhere, and the key can be read in two ways.
    EmptySegment,
    /// No statement allows it anywhere, and what it would be done to does not show in the request.
    Hidden,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Explicit => "a statement denies it",
            Self::Implicit => "no statement allows it",
            Self::EmptySegment => {
                "its key has an empty segment, which the server may leave out, and a statement denies the action on some keys"
            }
            Self::Hidden => "what it is done to does not show in the request, and no statement allows it on anything",
            Self::Unresolved => "its resource is not known, and no statement allows it on every resource",
        })
    }
}

impl AllowPolicy {
    /// Reads and checks a policy: see [`Policy::parse`] and [`AllowPolicy::new`].
    ///
    /// # Errors
    ///
    /// [`PolicyError`] for what is no policy, and for conditions that are not evaluated here.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        Self::new(&Policy::parse_with(json, |statement| {
            Compiled::new(statement).map(|_| ())
        })?)
    }

    /// Makes a policy ready to decide.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Statement`] for operators and keys of conditions that are not evaluated here: ignoring one would
    /// allow more than the policy says.
    pub fn new(policy: &Policy) -> Result<Self, PolicyError> {
        let (mut allowing, mut denying) = (Vec::new(), Vec::new());
        for (index, statement) in policy.statements().enumerate() {
            let compiled = Compiled::new(statement).map_err(|problem| PolicyError::Statement {
                number: index + 1,
                sid: statement.sid.clone(),
                problem,
            })?;
            match statement.effect {
                Effect::Allow => allowing.push(compiled),
                Effect::Deny => denying.push(compiled),
            }
        }
        Ok(Self { allowing, denying })
    }

    /// Whether everything that the request requires is allowed.
    #[must_use]
    pub fn decide<'m>(&self, mapping: &'m Mapping) -> Decision<'m> {
        let denied = |need: &'m Need| {
            let why = self.denial(need).or_else(|| {
                let is_unsure = mapping.has_empty_segment && self.denying.iter().any(|deny| deny.names_action(need));
                is_unsure.then_some(Denial::EmptySegment)
            });
            why.map(|why| Decision::Deny { need, why })
        };
        let hidden = |need: &'m Need| {
            let why = self.denial_of_hidden(need);
            why.map(|why| Decision::Deny { need, why })
        };
        let required = mapping.required.iter().find_map(denied);
        required
            .or_else(|| mapping.hidden.iter().find_map(hidden))
            .unwrap_or(Decision::Allow)
    }

    /// Why this action on something that is not shown is not allowed: it must be, on whatever resource.
    fn denial_of_hidden(&self, need: &Need) -> Option<Denial> {
        let subject = Subject::of(need);
        if self
            .denying
            .iter()
            .any(|statement| statement.applies(&subject) == Known::Yes)
        {
            return Some(Denial::Explicit);
        }
        let is_allowed = self
            .allowing
            .iter()
            .any(|statement| statement.applies_somewhere(&subject));
        (!is_allowed).then_some(Denial::Hidden)
    }

    /// Why this one need is not allowed; `None` where it is.
    #[must_use]
    pub fn denial(&self, need: &Need) -> Option<Denial> {
        let subject = Subject::of(need);
        let verdict = |statement: &Compiled| statement.applies(&subject);
        if self.denying.iter().any(|statement| verdict(statement) != Known::No) {
            return Some(Denial::Explicit);
        }
        if self.allowing.iter().any(|statement| verdict(statement) == Known::Yes) {
            return None;
        }
        Some(match need.resource {
            Resource::Unresolved(_) => Denial::Unresolved,
            Resource::Exact(_) | Resource::Pattern(_) | Resource::Any => Denial::Implicit,
        })
    }
}

#[cfg(test)]
mod tests;
