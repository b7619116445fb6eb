//! What a JSON or CBOR body says, read strictly: the few members that name resources, nothing else.
//!
//! A member that is there twice, and one whose name differs from a wanted one only in case, are rejected: two readers
//! could take different ones. What is not wanted is skipped, so the memory taken is bounded by what is.

mod cbor;
mod json;

use std::collections::BTreeMap;

use super::MappingError;

pub(super) use cbor::from_cbor;
pub(super) use json::from_json;

/// The most values that are kept of one body.
const MAX_VALUES: usize = 1 << 16;

/// How much of a body is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The members of the outermost object that are kept.
    pub(super) members: &'static [&'static str],
    /// How many levels are kept, the outermost object counted. What lies deeper is skipped unread.
    pub(super) depth: u8,
}

/// A value of a body.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// `null`: as if the member were not there.
    Null,
    /// A number, a boolean, bytes, or a value that was not wanted.
    Other,
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object, a structure or a map.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The member of that name; `None` where it is absent or null, and where this is no object.
    pub(super) fn member(&self, name: &str) -> Result<Option<&Self>, MappingError> {
        let Self::Map(members) = self else {
            return Ok(None);
        };
        let found = members.get(name).filter(|value| **value != Self::Null);
        let is_twin = |key: &&String| key.eq_ignore_ascii_case(name) && *key != name;
        match members.keys().find(is_twin) {
            Some(_) => Err(MappingError::ambiguous(format!("a member like {name} in another case"))),
            None => Ok(found),
        }
    }

    /// The strings at a path such as `Requests.WorkspaceId`, through every element of every list on the way.
    pub(super) fn texts<'v>(&'v self, path: &str) -> Result<Vec<&'v str>, MappingError> {
        let mut found = Vec::new();
        self.walk(path, &mut |value| match value {
            Self::Text(text) => {
                found.push(text.as_str());
                Ok(())
            }
            _ => Err(MappingError::malformed(path.to_owned(), "it is a string")),
        })?;
        Ok(found)
    }

    /// Whether anything is at the path; an empty list is nothing.
    pub(super) fn has(&self, path: &str) -> Result<bool, MappingError> {
        let mut found = false;
        self.walk(path, &mut |_| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    /// The elements of a list that is a member; none where it is absent.
    pub(super) fn elements(&self, name: &str) -> Result<&[Self], MappingError> {
        match self.member(name)? {
            None => Ok(&[]),
            Some(Self::List(elements)) => Ok(elements),
            Some(_) => Err(MappingError::malformed(name.to_owned(), "it is a list")),
        }
    }

    fn walk<'v>(
        &'v self,
        path: &str,
        leaf: &mut dyn FnMut(&'v Self) -> Result<(), MappingError>,
    ) -> Result<(), MappingError> {
        match (self, path) {
            (Self::Null, _) => Ok(()),
            (Self::List(elements), _) => elements.iter().try_for_each(|element| element.walk(path, leaf)),
            (_, "") => leaf(self),
            (Self::Map(_), _) => {
                let (name, rest) = path.split_once('.').unwrap_or((path, ""));
                self.member(name)?.map_or(Ok(()), |member| member.walk(rest, leaf))
            }
            (Self::Other | Self::Text(_), _) => {
                let what = path.split('.').next().unwrap_or(path).to_owned();
                Err(MappingError::malformed(
                    what,
                    "it stands in an object or a list of objects",
                ))
            }
        }
    }
}

/// Counts the values that are kept.
#[derive(Debug, Default)]
struct Budget(usize);

impl Budget {
    fn take(&mut self) -> Option<()> {
        self.0 += 1;
        (self.0 <= MAX_VALUES).then_some(())
    }
}

#[cfg(test)]
mod tests;
