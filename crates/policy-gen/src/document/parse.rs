//! Reads policies that others wrote: identity policies of the 2012 language, and nothing that this page does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{Conditions, Effect, Policy, Statement, VERSION, Values};
use crate::pattern::{InvalidPattern, Pattern, Wildcards};

/// The longest text that is read, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Why a text is no policy that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not JSON, or not of a policy's shape: unknown and repeated elements are rejected.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// No document in it.
    #[error("no policy in it: an IAM policy has Version and Statement")]
    Empty,
    /// More than 1 MiB.
    #[error("a policy of more than 1 MiB: generalise it, or split the connection")]
    TooLong,
    /// The language of 2008, in which `${*}` is plain text, or none named, which means the same.
    #[error("Version must be \"2012-10-17\": the older language reads ${{*}} as plain text")]
    Version,
    /// A statement cannot be used.
    #[error("statement {number}{}: {problem}", .sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default())]
    Statement {
        /// Its place in the text, from 1.
        number: usize,
        /// Its name.
        sid: Option<String>,
        /// What is wrong with it.
        #[source]
        problem: StatementProblem,
    },
}

/// Why a statement cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementProblem {
    /// It belongs to a resource or a role.
    #[error("has a Principal: only policies of users, roles and sessions are taken here")]
    Principal,
    /// IAM takes letters and digits only, and each name once.
    #[error("its Sid must be letters and digits, and no other statement's")]
    Sid,
    /// None, or both of the two.
    #[error("needs either {0} or Not{0}, with at least one value")]
    EitherOr(&'static str),
    /// Neither `*` nor `service:Name`.
    #[error("{0:?} is no action: write service:Name, wildcards in the name only, or *")]
    Action(String),
    /// Neither `*` nor an ARN.
    #[error("{0:?} is no resource: write an ARN whose service has no wildcard, or *")]
    Resource(String),
    /// Not of the pattern language.
    #[error("{value:?}: {source}")]
    Pattern {
        /// The text.
        value: String,
        /// What is wrong with it.
        source: InvalidPattern,
    },
    /// An operator that is not evaluated here, and so cannot be ignored either.
    #[error("condition operator {0} is not supported: use StringEquals, StringLike, ArnEquals or ArnLike")]
    Operator(String),
    /// A key that no mapping gives a value to.
    #[error("condition key {0} is not supported: the proxy knows {known}", known = crate::document::CONDITION_KEYS.join(", "))]
    Key(String),
    /// A condition without a value.
    #[error("condition key {0} has no value")]
    NoValue(String),
}

impl Policy {
    /// Reads a policy of a user, role or session: one document, or several one after the other, which count together.
    ///
    /// Only the grammar is checked; whether its conditions can be evaluated, [`AllowPolicy`](crate::AllowPolicy) says.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] for whatever IAM would reject, and for elements that this crate does not know.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        Self::parse_with(json, |_| Ok(()))
    }

    /// The same with another check of each statement, so that its errors have the place in the text.
    pub(crate) fn parse_with(
        json: &str,
        also: impl Fn(&Statement) -> Result<(), StatementProblem>,
    ) -> Result<Self, PolicyError> {
        if json.len() > LONGEST {
            return Err(PolicyError::TooLong);
        }
        let mut statements = BTreeSet::new();
        let mut number = 0;
        let mut documents = 0;
        for raw in serde_json::Deserializer::from_str(json).into_iter::<RawPolicy>() {
            let raw = raw?;
            documents += 1;
            let Some(OneOrMany(statement)) = raw.statement else {
                return Err(PolicyError::Empty);
            };
            if raw.version.as_deref() != Some(VERSION) {
                return Err(PolicyError::Version);
            }
            let mut sids = BTreeSet::new();
            for raw in statement {
                number += 1;
                let sid = raw.sid.clone();
                let is_unique = sid.clone().is_none_or(|sid| sids.insert(sid));
                let checked = if is_unique {
                    raw.check()
                } else {
                    Err(StatementProblem::Sid)
                };
                let checked = checked.and_then(|statement| also(&statement).map(|()| statement));
                let statement = checked.map_err(|problem| PolicyError::Statement { number, sid, problem })?;
                statements.insert(statement);
            }
        }
        if documents == 0 || statements.is_empty() {
            return Err(PolicyError::Empty);
        }
        Ok(Self {
            version: VERSION,
            statements,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawPolicy {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: Option<OneOrMany<RawStatement>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawStatement {
    sid: Option<String>,
    effect: Effect,
    principal: Option<serde_json::Value>,
    not_principal: Option<serde_json::Value>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    condition: Option<Unique<Unique<OneOrMany<String>>>>,
}

impl RawStatement {
    fn check(self) -> Result<Statement, StatementProblem> {
        if self.principal.is_some() || self.not_principal.is_some() {
            return Err(StatementProblem::Principal);
        }
        let is_sid = |sid: &String| sid.bytes().all(|b| b.is_ascii_alphanumeric());
        let sid = self.sid.filter(|sid| !sid.is_empty());
        if !sid.iter().all(is_sid) {
            return Err(StatementProblem::Sid);
        }
        let (actions, not_actions) = either("Action", self.action, self.not_action)?;
        let (resources, not_resources) = either("Resource", self.resource, self.not_resource)?;
        actions.iter().chain(&not_actions).try_for_each(|text| action(text))?;
        resources
            .iter()
            .chain(&not_resources)
            .try_for_each(|text| resource(text))?;
        Ok(Statement {
            sid,
            actions,
            not_actions,
            resources,
            not_resources,
            conditions: conditions(self.condition)?,
            ..Statement::of(self.effect, BTreeSet::new())
        })
    }
}

type Texts = BTreeSet<String>;

fn either(
    name: &'static str,
    these: Option<OneOrMany<String>>,
    others: Option<OneOrMany<String>>,
) -> Result<(Texts, Texts), StatementProblem> {
    let texts = |list: Option<OneOrMany<String>>| list.into_iter().flat_map(|list| list.0).collect::<Texts>();
    let is_one = these.is_some() != others.is_some();
    let (these, others) = (texts(these), texts(others));
    if is_one && !(these.is_empty() && others.is_empty()) {
        Ok((these, others))
    } else {
        Err(StatementProblem::EitherOr(name))
    }
}

fn action(text: &str) -> Result<(), StatementProblem> {
    let is_good = text == "*"
        || text.split_once(':').is_some_and(|(service, name)| {
            let is_service = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'*' || b == b'?';
            !service.is_empty() && service.bytes().all(is_service) && !name.is_empty() && name.bytes().all(is_name)
        });
    if !is_good {
        return Err(StatementProblem::Action(text.to_owned()));
    }
    pattern(text)
}

fn resource(text: &str) -> Result<(), StatementProblem> {
    let service = text.split(':').nth(2).unwrap_or_default();
    let is_service = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_arn = text.starts_with("arn:") && !service.is_empty() && service.bytes().all(is_service);
    let has_all_parts = text.splitn(6, ':').count() == 6 || text.ends_with('*');
    if text != "*" && !(is_arn && has_all_parts) {
        return Err(StatementProblem::Resource(text.to_owned()));
    }
    pattern(text)
}

fn pattern(text: &str) -> Result<(), StatementProblem> {
    Pattern::parse(text, Wildcards::Any)
        .map(|_| ())
        .map_err(|source| StatementProblem::Pattern {
            value: text.to_owned(),
            source,
        })
}

fn conditions(raw: Option<Unique<Unique<OneOrMany<String>>>>) -> Result<Conditions, StatementProblem> {
    let mut conditions = Conditions::new();
    for (operator, keys) in raw.into_iter().flat_map(|raw| raw.0) {
        for (key, values) in keys.0 {
            if values.0.is_empty() {
                return Err(StatementProblem::NoValue(key));
            }
            let of_operator = conditions.entry(operator.clone()).or_default();
            of_operator.insert(key, Values(values.0.into_iter().collect()));
        }
    }
    Ok(conditions)
}

/// A value or a list of them.
struct OneOrMany<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let one = serde::de::value::StrDeserializer::new(text);
                T::deserialize(one).map(|one| OneOrMany(vec![one]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let one = serde::de::value::MapAccessDeserializer::new(map);
                T::deserialize(one).map(|one| OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(OneOrMany(all))
            }
        }
        deserializer.deserialize_any(Reader(std::marker::PhantomData))
    }
}

/// An object in which no key is there twice.
struct Unique<T>(BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Unique<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    if all.insert(key.clone(), value).is_some() {
                        return Err(A::Error::custom(format_args!("{key} is there twice")));
                    }
                }
                Ok(Unique(all))
            }
        }
        deserializer.deserialize_map(Reader(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(statement: &str) -> Result<Policy, PolicyError> {
        Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#))
    }

    #[track_caller]
    fn check(statement: &str, want: &str) {
        let error = parse(statement).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let ours = Policy::new([
            Statement::allow(["s3:GetObject"])
                .with_sid("A1")
                .with_resource("arn:aws:s3:::b/${*}€")
                .when_like("s3:prefix", "a/*")
                .when_like("s3:prefix", "b/*"),
            Statement::deny(["s3:*"])
                .with_resource("*")
                .when_equals("kms:ViaService", "$x"),
        ]);
        for json in [ours.to_json(), ours.to_pretty_json()] {
            assert_eq!(Policy::parse(&json).unwrap(), ours);
        }
    }

    #[test]
    fn one_value_and_a_list_of_one_are_the_same() {
        let short = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#;
        let long = r#"[{"Sid":"","Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"],"Condition":{}}]"#;
        assert_eq!(parse(short).unwrap(), parse(long).unwrap());
        let twice = format!("{0}\n{0}", parse(short).unwrap().to_json());
        assert_eq!(Policy::parse(&twice).unwrap(), parse(short).unwrap());
    }

    #[test]
    fn whatever_is_not_known_is_rejected() {
        check(
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Extra":1}"#,
            "unknown field `Extra`",
        );
        check(
            r#"{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}"#,
            "duplicate field",
        );
        check(r#"{"Effect":"allow","Action":"*","Resource":"*"}"#, "unknown variant");
        check(
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}"#,
            "Principal",
        );
        check(r#"{"Effect":"Allow","Action":"*"}"#, "either Resource or NotResource");
        check(
            r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#,
            "either Action or NotAction",
        );
        check(
            r#"{"Effect":"Allow","Action":"*","NotAction":"a:B","Resource":"*"}"#,
            "either Action",
        );
        check(
            r#"{"Effect":"Allow","Action":"GetObject","Resource":"*"}"#,
            "is no action",
        );
        check(
            r#"{"Effect":"Allow","Action":"s*:GetObject","Resource":"*"}"#,
            "is no action",
        );
        check(
            r#"{"Effect":"Allow","Action":"*","Resource":"bucket/*"}"#,
            "is no resource",
        );
        check(
            r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s*:::b"}"#,
            "is no resource",
        );
        check(
            r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:b"}"#,
            "is no resource",
        );
        check(
            r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}"#,
            "policy variables",
        );
        check(
            r#"{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}"#,
            "statement 1 (a b): its Sid",
        );
        check(
            r#"[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]"#,
            "statement 2 (a): its Sid",
        );
        let condition = |text: &str| format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{text}}}"#);
        check(
            &condition(r#"{"StringEquals":{"a:b":"1","a:b":"2"}}"#),
            "a:b is there twice",
        );
        check(&condition(r#"{"StringEquals":{"a:b":[]}}"#), "has no value");
        check(&condition(r#"{"Bool":{"aws:SecureTransport":true}}"#), "invalid type");
    }

    #[test]
    fn a_document_has_the_language_of_2012() {
        // What it lacks is named in the words of IAM, not of the parser.
        for bad in ["", " ", "{}", r#"{"Version":"2012-10-17"}"#] {
            assert!(matches!(Policy::parse(bad), Err(PolicyError::Empty)), "{bad}");
        }
        for bad in ["", " ", "[]", "{}", r#"{"Version":"2012-10-17","Statement":[]}"#] {
            assert!(Policy::parse(bad).is_err(), "{bad}");
        }
        for version in ["", r#""Version":"2008-10-17","#] {
            let json = format!(r#"{{{version}"Statement":{{"Effect":"Allow","Action":"*","Resource":"*"}}}}"#);
            assert!(matches!(Policy::parse(&json), Err(PolicyError::Version)), "{version}");
        }
        assert!(matches!(
            Policy::parse(&" ".repeat(LONGEST + 1)),
            Err(PolicyError::TooLong)
        ));
    }
}
