//! ARNs of the tables' types, made from an id or taken whole.

use std::borrow::Cow;

use super::super::{Request, Resource, Unresolved};

/// A type of resource.
#[derive(Debug)]
pub(super) struct Kind {
    /// With `{partition}`, `{region}`, `{account}` and `{id}` in it.
    pub(super) arn: &'static str,
    pub(super) naming: Naming,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Naming {
    /// Letters, digits and a few signs.
    Id,
    /// Any printable text.
    Name,
    /// Only whole ARNs.
    Arn,
}

/// The characters of ids, and of the names of tables and indexes: nothing that means something in an ARN or a pattern.
pub(in crate::mapping) fn is_id(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=255).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The characters of ARNs, without those of patterns.
pub(super) fn is_plain(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/+=,@".contains(&b);
    (1..=2048).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The template with the request's values in it; `id` goes through no escape.
pub(super) fn filled(
    template: &str,
    request: &Request<'_>,
    escape: fn(&str) -> String,
    id: &str,
) -> Result<String, Unresolved> {
    let mut arn = String::with_capacity(template.len() + id.len());
    for part in template.split_inclusive(['{', '}']) {
        let value: Cow<'_, str> = match part {
            "partition}" => request.partition().as_str().into(),
            "region}" => escape(request.region.as_str()).into(),
            "account}" => request.account.ok_or(Unresolved::Account)?.as_str().into(),
            "id}" => id.into(),
            _ => part.trim_end_matches('{').into(),
        };
        arn.push_str(&value);
    }
    Ok(arn)
}

/// A whole ARN, taken as it is where it has the shape of the template.
pub(super) fn whole(kind: &Kind, value: &str) -> Option<Resource> {
    let mut want = kind.arn.splitn(6, ':');
    let mut have = value.splitn(6, ':');
    for _ in 0..5 {
        let (want, have) = (want.next()?, have.next()?);
        let is_plain = have.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let fits = match want {
            "{partition}" => have.starts_with("aws"),
            "{region}" => true,
            "{account}" => have.len() == 12 && have.bytes().all(|b| b.is_ascii_digit()),
            fixed => fixed == have,
        };
        if !is_plain || !fits {
            return None;
        }
    }
    let (want, have) = (want.next()?, have.next()?);
    let id = have.strip_prefix(want.strip_suffix("{id}")?)?;
    let is_good = match kind.naming {
        Naming::Id => is_id(id),
        Naming::Name | Naming::Arn => is_plain(id),
    };
    (is_good && value.len() <= 2048).then(|| Resource::Exact(value.to_owned()))
}
