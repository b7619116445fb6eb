//! JSON, by `serde_json`: strict about syntax, and here about names too.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Budget, MappingError, Value, Wanted};

/// Reads a body that holds one JSON object.
pub(in crate::mapping) fn from_json(body: &[u8], wanted: Wanted) -> Result<Value, MappingError> {
    let malformed = |error: serde_json::Error| {
        // The error's text may hold a member's name: only its place is told.
        let place = format!("line {} column {}", error.line(), error.column());
        MappingError::malformed("the JSON body", format!("{place}: send one object, each member once"))
    };
    let mut budget = Budget::default();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let seed = Seed {
        members: Some(wanted.members),
        depth: wanted.depth,
        budget: &mut budget,
    };
    let value = seed.deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    match value {
        Value::Map(_) => Ok(value),
        _ => Err(MappingError::malformed("the JSON body", "it is an object")),
    }
}

/// Reads one value and knows how deep to look.
struct Seed<'b> {
    /// What is kept of the members of this object; `None`: all.
    members: Option<&'static [&'static str]>,
    depth: u8,
    budget: &'b mut Budget,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.budget.take().ok_or_else(|| D::Error::custom("too many values"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let Some(depth) = self.depth.checked_sub(1) else {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Other);
        };
        let mut kept = Vec::new();
        while let Some(element) = elements.next_element_seed(Seed {
            members: None,
            depth,
            budget: &mut *self.budget,
        })? {
            kept.push(element);
        }
        Ok(Value::List(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Some(depth) = self.depth.checked_sub(1) else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Other);
        };
        let mut kept = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            self.budget.take().ok_or_else(|| A::Error::custom("too many values"))?;
            let is_wanted = self.members.is_none_or(|wanted| wanted.contains(&name.as_str()));
            let Entry::Vacant(place) = kept.entry(name) else {
                return Err(A::Error::custom("a member twice"));
            };
            place.insert(if is_wanted {
                members.next_value_seed(Seed {
                    members: None,
                    depth,
                    budget: &mut *self.budget,
                })?
            } else {
                members.next_value::<IgnoredAny>()?;
                Value::Other
            });
        }
        Ok(Value::Map(kept))
    }
}
