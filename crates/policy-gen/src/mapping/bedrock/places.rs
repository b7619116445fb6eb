//! Objects of S3 that a body names: `s3://…` as the whole of a string, wherever it is.
//!
//! Bedrock reads them as the caller. Where models of `InvokeModel` expect them only the model knows, so any place counts.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::mapping::Refusal;

/// A request names a few images, documents or videos.
const MAX_URIS: usize = 1000;

/// Whether a string is the URI of something in S3.
pub(super) fn is_uri(text: &str) -> bool {
    text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("s3://"))
}

/// Each URI once.
///
/// # Errors
///
/// [`Refusal`] where a body that may hold one is no JSON, or holds more than any request needs.
pub(super) fn in_body(body: &[u8]) -> Result<BTreeSet<String>, Refusal> {
    let mut uris = BTreeSet::new();
    // Most bodies are long and hold none: without the letters, and without escapes that could stand for them, there is none.
    let may_hold = |window: &[u8]| window.eq_ignore_ascii_case(b"s3:") || window.starts_with(b"\\u");
    if !body.windows(3).any(may_hold) {
        return Ok(uris);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Gather(&mut uris).deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        Ok(()) => Ok(uris),
        Err(_) => Err(Refusal::malformed(
            "the body",
            "one that names objects of S3 is JSON, and names at most 1000",
        )),
    }
}

struct Gather<'u>(&'u mut BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for Gather<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Gather<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let text = text.trim();
        if is_uri(text) {
            if self.0.len() == MAX_URIS {
                return Err(E::custom("too many"));
            }
            self.0.insert(text.to_owned());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Gather(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        // A name is no place, but a map may have one as its key.
        while members.next_key_seed(Gather(&mut *self.0))?.is_some() {
            members.next_value_seed(Gather(&mut *self.0))?;
        }
        Ok(())
    }
}
