//! One check that AWS makes: an action, a resource, and the condition keys that count.

use std::borrow::Cow;

use crate::escape::literal;

/// One check that AWS makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Need {
    /// The action in IAM's own spelling, such as `s3:GetObject`.
    pub action: Cow<'static, str>,
    /// What it is done to.
    pub resource: Resource,
    /// The condition keys of the request's context that a policy may want to look at; few, mostly none.
    pub conditions: Vec<Condition>,
    /// Other such keys, for decisions only: they narrow what one request is about, not what a program needs. Records
    /// and the policies made from them leave these out.
    pub context: Vec<Condition>,
}

impl Need {
    /// A need without conditions.
    #[must_use]
    pub fn new(action: impl Into<Cow<'static, str>>, resource: Resource) -> Self {
        Self {
            action: action.into(),
            resource,
            conditions: Vec::new(),
            context: Vec::new(),
        }
    }

    /// What is known of a condition key, from both lists.
    pub(crate) fn values_of(&self, key: &str) -> impl Iterator<Item = &str> {
        let known = self.conditions.iter().chain(&self.context);
        known
            .filter(move |known| known.key == key)
            .map(|known| known.value.as_str())
    }

    /// The same with a condition key.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }
}

/// A key of the request's context with its value, and the operator that a policy tests it with.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Condition {
    /// The operator, such as `StringEquals`.
    pub operator: &'static str,
    /// The key, such as `kms:ViaService`.
    pub key: &'static str,
    /// The value, as a literal: unescaped.
    pub value: String,
}

/// What an action is done to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resource {
    /// A literal ARN: `*`, `?` and `$` in it are characters of a name.
    Exact(String),
    /// In IAM's pattern language: wildcards are wildcards, literals in it are escaped.
    Pattern(String),
    /// The action has no resource-level permissions: only `*` covers it.
    Any,
    /// Not to be known from the request.
    Unresolved(Unresolved),
}

impl Resource {
    /// The resource in IAM's pattern language, as a policy's `Resource` has it; `None` where it is unresolved.
    #[must_use]
    pub fn to_iam(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Exact(arn) if arn.contains(['*', '?', '$']) => Some(Cow::Owned(literal(arn))),
            Self::Exact(arn) | Self::Pattern(arn) => Some(Cow::Borrowed(arn)),
            Self::Any => Some(Cow::Borrowed("*")),
            Self::Unresolved(_) => None,
        }
    }
}

/// Why a resource is not known.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// Its ARN holds the account.
    #[error("the account is not known; set it where the connection is configured")]
    Account,
    /// An access point's alias names neither the access point nor its account, and no policy may name the alias.
    #[error("an access point's alias names no resource; use the access point's own host name or ARN")]
    Alias,
    /// The request names it by something that only AWS can look up.
    #[error("the request names it by {0}, which only AWS can resolve")]
    Indirect(&'static str),
    /// The request leaves out which one, and AWS takes a default or rejects.
    #[error("the request names no {0}")]
    Unnamed(&'static str),
}
