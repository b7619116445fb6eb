//! Objects of S3 that a body names: `s3://…` wherever it is in a string, and whichever string that is.
//!
//! Bedrock reads them as the caller. Where models of `InvokeModel` expect them only the model knows, so any place counts.

use std::collections::BTreeSet;
use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::mapping::s3::{Objects, objects, of_uri};
use crate::mapping::{MappingError, Request, Resource, Unresolved};

/// A request names a few images, documents or videos.
const MAX_URIS: usize = 1000;

/// What a string names.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Place {
    /// The whole of the string is the URI.
    Whole(String),
    /// Where the URI ends depends on who reads it: its bucket, and how its key begins at least.
    Within { bucket: String, start: String },
}

impl Place {
    /// What is read, as a policy names it.
    pub(super) fn resource(&self, request: &Request<'_>) -> Result<Resource, MappingError> {
        match self {
            Self::Whole(uri) => of_uri(request, uri),
            Self::Within { bucket, .. } if bucket.is_empty() => {
                let text = Unresolved::Indirect("an s3:// in a text, without a bucket's name behind it");
                Ok(Resource::Unresolved(text))
            }
            Self::Within { bucket, start } => objects(request, bucket, Objects::Below(start)),
        }
    }

    /// What `text` begins with, from behind `s3://`.
    fn within(text: &str) -> Self {
        let upto = |text: &str, is_in: fn(char) -> bool| {
            let end = text.find(|c: char| !is_in(c)).unwrap_or(text.len());
            text.get(..end).unwrap_or_default().to_owned()
        };
        let bucket = upto(text, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        // Behind any other mark the URI may be over, or not: all that begins so is meant.
        let key = text.get(bucket.len()..).and_then(|rest| rest.strip_prefix('/'));
        let start = upto(key.unwrap_or_default(), |c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/')
        });
        Self::Within { bucket, start }
    }
}

/// Whether a string is the URI of something in S3.
pub(super) fn is_uri(text: &str) -> bool {
    text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("s3://"))
}

/// Each place once.
///
/// # Errors
///
/// [`MappingError`] where a body that may name one is no JSON, or names more than any request needs; and where JSON is in
/// another encoding than UTF-8, which readers of JSON detect by themselves.
pub(super) fn in_body(headers: &HeaderMap, body: &[u8]) -> Result<BTreeSet<Place>, MappingError> {
    let is_text = !body.contains(&0) && std::str::from_utf8(body).is_ok();
    if !is_text && may_be_json(headers) {
        return Err(MappingError::malformed("the body", "JSON is in UTF-8, without NUL"));
    }
    let mut places = BTreeSet::new();
    // Most bodies are long and hold none: without the letters, and without escapes that could stand for them, there is none.
    // UTF-16 and UTF-32 have the same letters between zeros.
    let mut last = [0; 2];
    let may_hold = body.iter().filter(|byte| **byte != 0).any(|byte| {
        let [first, second] = last;
        last = [second, *byte];
        matches!((first, second, byte), (b'S' | b's', b'3', b':')) || matches!((second, byte), (b'\\', b'u'))
    });
    if !may_hold {
        return Ok(places);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Gather(&mut places).deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        Ok(()) => Ok(places),
        Err(_) => Err(MappingError::malformed(
            "the body",
            "one that names objects of S3 is JSON, and names at most 1000",
        )),
    }
}

/// Whether the body is said to be JSON or another text, or nothing is said: then it is JSON to Bedrock.
fn may_be_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter().map(|kind| {
        let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
        kind.trim().is_empty() || ["json", "text", "*"].iter().any(|word| kind.contains(word))
    });
    kinds.next().is_none_or(|first| first || kinds.any(|kind| kind))
}

struct Gather<'u>(&'u mut BTreeSet<Place>);

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
        let whole = is_uri(text).then(|| Place::Whole(text.to_owned()));
        let colons = text.match_indices(':').filter_map(|(at, _)| {
            let (before, behind) = (text.get(..at)?, text.get(at + 1..)?);
            let is_s3 = before.len() > 2 || whole.is_none();
            let start = before.get(before.len().checked_sub(2)?..)?;
            // JSON within a string may escape its slashes once more.
            let slash = |text: &'_ str| text.trim_start_matches('\\').strip_prefix('/').map(str::len);
            let behind = behind.get(behind.len() - slash(behind)?..)?;
            let behind = behind.get(behind.len() - slash(behind)?..)?;
            (is_s3 && start.eq_ignore_ascii_case("s3")).then(|| Place::within(behind.trim_start_matches('\\')))
        });
        for place in whole.iter().cloned().chain(colons) {
            if self.0.len() == MAX_URIS {
                return Err(E::custom("too many"));
            }
            self.0.insert(place);
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
