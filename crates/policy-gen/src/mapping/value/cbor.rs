//! CBOR (RFC 8949), as Smithy RPC v2 sends it. A reader of our own: those at hand keep the last of two equal keys.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Budget, MappingError, Value, Wanted};

/// How deep a body may nest, tags counted: what is skipped is read too. `serde_json`'s limit for JSON.
const MAX_NESTING: u8 = 128;

/// Ends what has no length: major type 7, additional information 31.
const BREAK: u8 = 0xff;

/// Reads a body that holds one CBOR map. An empty body is an empty one, as where an operation has no input.
pub(in crate::mapping) fn from_cbor(body: &[u8], wanted: Wanted) -> Result<Value, MappingError> {
    if body.is_empty() {
        return Ok(Value::Map(BTreeMap::new()));
    }
    let mut reader = Reader {
        rest: body,
        budget: Budget::default(),
    };
    match reader.value(Some(wanted.members), wanted.depth, MAX_NESTING) {
        Some(value @ Value::Map(_)) if reader.rest.is_empty() => Ok(value),
        _ => Err(MappingError::malformed(
            "the CBOR body",
            "it is one map with text keys, each once, and nothing after it",
        )),
    }
}

struct Reader<'b> {
    rest: &'b [u8],
    budget: Budget,
}

/// The first byte of an item, and the number behind it; `None` where the item has no length.
#[derive(Clone, Copy)]
struct Head {
    major: u8,
    argument: Option<u64>,
}

/// `None` everywhere: not well-formed, or not allowed here.
impl Reader<'_> {
    /// One value. Below `depth` levels it is read, but not kept.
    fn value(&mut self, members: Option<&[&str]>, depth: u8, nesting: u8) -> Option<Value> {
        let head = self.head()?;
        if depth > 0 {
            self.budget.take()?;
        }
        match (head.major, head.argument) {
            (2, length) => {
                self.string(2, length)?;
                Some(Value::Other)
            }
            (3, length) => {
                let text = String::from_utf8(self.string(3, length)?).ok()?;
                Some(Value::Text(text))
            }
            (4, length) => self.list(length, depth, nesting.checked_sub(1)?),
            (5, length) => self.map(length, members, depth, nesting.checked_sub(1)?),
            // A tag says how to read what follows; a tagged string is still that string to somebody.
            (6, Some(_)) => self.value(members, depth, nesting.checked_sub(1)?),
            (7, Some(22 | 23)) => Some(Value::Null),
            (0 | 1 | 7, Some(_)) => Some(Value::Other),
            _ => None,
        }
    }

    fn list(&mut self, length: Option<u64>, depth: u8, nesting: u8) -> Option<Value> {
        let below = depth.checked_sub(1);
        let mut kept = Vec::new();
        let mut left = length;
        while self.has_more(&mut left)? {
            let element = self.value(None, below.unwrap_or(0), nesting)?;
            if below.is_some() {
                kept.push(element);
            }
        }
        Some(below.map_or(Value::Other, |_| Value::List(kept)))
    }

    fn map(&mut self, length: Option<u64>, members: Option<&[&str]>, depth: u8, nesting: u8) -> Option<Value> {
        let below = depth.checked_sub(1);
        let mut kept = BTreeMap::new();
        let mut left = length;
        while self.has_more(&mut left)? {
            let key = self.head()?;
            if key.major != 3 {
                return None;
            }
            let name = String::from_utf8(self.string(3, key.argument)?).ok()?;
            let Some(below) = below else {
                self.value(None, 0, nesting)?;
                continue;
            };
            self.budget.take()?;
            let is_wanted = members.is_none_or(|wanted| wanted.contains(&name.as_str()));
            let value = self.value(None, if is_wanted { below } else { 0 }, nesting)?;
            let Entry::Vacant(place) = kept.entry(name) else {
                return None;
            };
            place.insert(if is_wanted { value } else { Value::Other });
        }
        Some(below.map_or(Value::Other, |_| Value::Map(kept)))
    }

    /// Whether one more element follows: by the length, or up to the break.
    fn has_more(&mut self, left: &mut Option<u64>) -> Option<bool> {
        if let Some(left) = left {
            let more = *left > 0;
            *left = left.saturating_sub(1);
            return Some(more);
        }
        let (first, rest) = self.rest.split_first()?;
        if *first == BREAK {
            self.rest = rest;
            return Some(false);
        }
        Some(true)
    }

    /// The bytes of a string, whole or in chunks of the same kind.
    fn string(&mut self, major: u8, length: Option<u64>) -> Option<Vec<u8>> {
        if let Some(length) = length {
            return self.take(length).map(<[u8]>::to_vec);
        }
        let mut whole = Vec::new();
        while self.has_more(&mut None)? {
            let chunk = self.head()?;
            if chunk.major != major {
                return None;
            }
            whole.extend_from_slice(self.take(chunk.argument?)?);
        }
        Some(whole)
    }

    fn head(&mut self) -> Option<Head> {
        let first = *self.take(1)?.first()?;
        let (major, information) = (first >> 5, first & 0x1f);
        let argument = match information {
            0..=23 => Some(u64::from(information)),
            24..=27 => {
                let bytes = self.take(1 << (information - 24))?;
                Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
            }
            // Strings, lists and maps may go without a length.
            31 if (2..=5).contains(&major) => None,
            _ => return None,
        };
        // A simple value below 32 is not written in two bytes: it could be null in disguise.
        if major == 7 && information == 24 && argument.is_none_or(|value| value < 32) {
            return None;
        }
        // Longer forms hold floating-point numbers, whose bits are not simple values.
        let argument = if major == 7 && information > 24 {
            Some(u64::MAX)
        } else {
            argument
        };
        Some(Head { major, argument })
    }

    fn take(&mut self, length: u64) -> Option<&[u8]> {
        let length = usize::try_from(length).ok()?;
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}
