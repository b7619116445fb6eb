//! One statement, ready to be compared with what a request needs.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use crate::document::{CONDITION_KEYS, Statement, StatementProblem};
use crate::mapping::{Need, Resource};
use crate::pattern::{InvalidPattern, Pattern, Wildcards};

/// Whether something holds; ordered by how much is known to hold.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Known {
    /// It does not.
    No,
    /// It may.
    Maybe,
    /// It does.
    Yes,
}

impl From<bool> for Known {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl std::ops::Not for Known {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

/// A need, in the form that statements are compared with.
#[derive(Debug)]
pub(super) struct Subject<'n> {
    /// Lower case: actions have no case.
    action: Cow<'n, str>,
    resource: On<'n>,
    /// Where the values of condition keys come from.
    need: &'n Need,
}

#[derive(Debug)]
enum On<'n> {
    One(&'n str),
    /// A pattern, where it is well formed; otherwise it is not known what it is.
    All(Pattern),
    Any,
    Unknown,
}

impl<'n> Subject<'n> {
    pub(super) fn of(need: &'n Need) -> Self {
        Self {
            action: need.action.to_ascii_lowercase().into(),
            resource: match &need.resource {
                Resource::Exact(arn) => On::One(arn),
                Resource::Pattern(text) => Pattern::parse(text, Wildcards::Any).map_or(On::Unknown, On::All),
                Resource::Any => On::Any,
                Resource::Unresolved(_) => On::Unknown,
            },
            need,
        }
    }
}

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    actions: Selection,
    resources: Selection,
    tests: Vec<Test>,
}

impl Compiled {
    pub(super) fn new(statement: &Statement) -> Result<Self, StatementProblem> {
        let mut tests = Vec::new();
        for (operator, keys) in &statement.conditions {
            let wildcards = match operator.as_str() {
                "StringEquals" => Wildcards::Literal,
                "StringLike" | "ArnEquals" | "ArnLike" => Wildcards::Any,
                _ => return Err(StatementProblem::Operator(operator.clone())),
            };
            for (key, values) in keys {
                let known = CONDITION_KEYS.iter().find(|known| known.eq_ignore_ascii_case(key));
                let key = *known.ok_or_else(|| StatementProblem::Key(key.clone()))?;
                let values = values.0.iter().map(|value| pattern(value, wildcards));
                tests.push(Test {
                    key,
                    values: values.collect::<Result<_, _>>()?,
                });
            }
        }
        let lower = |texts: &BTreeSet<String>| texts.iter().map(|text| text.to_ascii_lowercase()).collect();
        Ok(Self {
            actions: Selection::new(&lower(&statement.actions), &lower(&statement.not_actions))?,
            resources: Selection::new(&statement.resources, &statement.not_resources)?,
            tests,
        })
    }

    /// Whether the statement says something about the subject for some resource, all its conditions holding.
    pub(super) fn applies_somewhere(&self, subject: &Subject<'_>) -> bool {
        let holds = |test: &Test| test.holds(subject.need) == Known::Yes;
        self.actions.selects(&On::One(&subject.action)) == Known::Yes
            && self.resources.selects(&subject.resource) != Known::No
            && self.tests.iter().all(holds)
    }

    /// Whether the statement says something about the need's action, on whatever resource.
    pub(super) fn names_action(&self, need: &Need) -> bool {
        self.actions.selects(&On::One(&need.action.to_ascii_lowercase())) != Known::No
    }

    /// Whether the statement says something about the subject.
    pub(super) fn applies(&self, subject: &Subject<'_>) -> Known {
        let action = self.actions.selects(&On::One(&subject.action));
        if action == Known::No {
            return Known::No;
        }
        let test = |test: &Test| test.holds(subject.need);
        let conditions = self.tests.iter().map(test).min().unwrap_or(Known::Yes);
        action.min(self.resources.selects(&subject.resource)).min(conditions)
    }
}

/// The texts that a statement names, or all but those.
#[derive(Clone, Debug)]
struct Selection {
    /// Whether it is all but those.
    is_negated: bool,
    literals: HashSet<Box<str>>,
    /// Those of several texts.
    patterns: Vec<Pattern>,
}

impl Selection {
    fn new(these: &BTreeSet<String>, all_but: &BTreeSet<String>) -> Result<Self, StatementProblem> {
        let is_negated = these.is_empty();
        let mut selection = Self {
            is_negated,
            literals: HashSet::new(),
            patterns: Vec::new(),
        };
        for text in if is_negated { all_but } else { these } {
            let pattern = pattern(text, Wildcards::Any)?;
            match pattern.as_literal() {
                Some(literal) => drop(selection.literals.insert(literal.into())),
                None => selection.patterns.push(pattern),
            }
        }
        Ok(selection)
    }

    fn selects(&self, subject: &On<'_>) -> Known {
        let named = self.names(subject);
        if self.is_negated { !named } else { named }
    }

    fn names(&self, subject: &On<'_>) -> Known {
        let any = |is: &dyn Fn(&Pattern) -> bool| self.patterns.iter().any(is);
        match subject {
            On::One(text) => Known::from(self.literals.contains(*text) || any(&|pattern| pattern.matches(text))),
            On::All(subject) => {
                let is_literal = |subject: &Pattern| {
                    let literal = subject.as_literal();
                    literal.is_some_and(|literal| self.literals.contains(literal))
                };
                if is_literal(subject) || any(&|pattern| pattern.covers(subject)) {
                    Known::Yes
                } else if self.literals.iter().any(|literal| subject.matches(literal))
                    || any(&|pattern| pattern.overlaps(subject))
                {
                    Known::Maybe
                } else {
                    Known::No
                }
            }
            On::Any => any(&Pattern::is_everything).into(),
            On::Unknown if any(&Pattern::is_everything) => Known::Yes,
            On::Unknown => Known::Maybe,
        }
    }
}

/// A test of a condition key: one of the values must match.
#[derive(Clone, Debug)]
struct Test {
    key: &'static str,
    values: Vec<Pattern>,
}

impl Test {
    fn holds(&self, need: &Need) -> Known {
        let mut given = need.values_of(self.key).peekable();
        if given.peek().is_none() {
            return Known::Maybe;
        }
        let is_like = |given: &str| self.values.iter().any(|value| value.matches(given));
        given.all(is_like).into()
    }
}

fn pattern(text: &str, wildcards: Wildcards) -> Result<Pattern, StatementProblem> {
    Pattern::parse(text, wildcards).map_err(|source: InvalidPattern| StatementProblem::Pattern {
        value: text.to_owned(),
        source,
    })
}
