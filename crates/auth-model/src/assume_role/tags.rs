//! Session tags: what is said of a session, for conditions in policies.
//!
//! Source: IAM user guide, "Pass session tags in AWS STS".

use std::collections::BTreeMap;

text_type!(
    /// A session tag's key: 1 to 128 letters, digits, spaces and `_.:/=+-@`, not beginning with `aws:`.
    TagKey,
    InvalidTagKey,
    "a tag's key is 1 to 128 letters, digits, spaces and '_.:/=+-@', and does not begin with aws:",
    |text| (1..=128).contains(&text.chars().count())
        && text.chars().all(is_tag_char)
        && !text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
);

text_type!(
    /// A session tag's value: up to 256 letters, digits, spaces and `_.:/=+-@`.
    TagValue,
    InvalidTagValue,
    "a tag's value is up to 256 letters, digits, spaces and '_.:/=+-@'",
    |text| text.chars().count() <= 256 && text.chars().all(is_tag_char)
);

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, but for some combining marks that pass here and that STS rejects.
fn is_tag_char(c: char) -> bool {
    let is_separator = c.is_whitespace() && !c.is_control();
    c.is_alphanumeric() || is_separator || "_.:/=+-@".contains(c)
}

/// The tags of a session: at most 50, their keys different in more than case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SessionTags {
    tags: BTreeMap<TagKey, TagValue>,
    transitive: Vec<TagKey>,
}

/// Not what STS takes as the tags of a session.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSessionTags {
    /// More than STS takes.
    #[error("a session has at most 50 tags")]
    TooMany,
    /// Keys that STS takes for the same.
    #[error("two tags' keys differ in case alone, or one is there twice")]
    Repeated,
    /// A transitive key without a tag.
    #[error("a transitive tag's key is not among the tags")]
    NotATag,
}

impl SessionTags {
    /// Checks the tags together; `transitive` are the keys of those that sessions made from this one inherit.
    ///
    /// # Errors
    ///
    /// [`InvalidSessionTags`] for more than 50 tags, keys that differ in case alone, transitive keys of no tag and
    /// repeated ones.
    pub fn new(tags: BTreeMap<TagKey, TagValue>, transitive: Vec<TagKey>) -> Result<Self, InvalidSessionTags> {
        if tags.len() > 50 {
            return Err(InvalidSessionTags::TooMany);
        }
        let is_repeated = |keys: &[&TagKey]| {
            let folded = keys.iter().map(|key| key.as_str().to_lowercase());
            folded.collect::<std::collections::BTreeSet<_>>().len() < keys.len()
        };
        if is_repeated(&tags.keys().collect::<Vec<_>>()) || is_repeated(&transitive.iter().collect::<Vec<_>>()) {
            return Err(InvalidSessionTags::Repeated);
        }
        if !transitive.iter().all(|key| tags.contains_key(key)) {
            return Err(InvalidSessionTags::NotATag);
        }
        Ok(Self { tags, transitive })
    }

    /// Each tag, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.tags.iter()
    }

    /// Whether sessions made from this one inherit the tag.
    #[must_use]
    pub fn is_transitive(&self, key: &TagKey) -> bool {
        self.transitive.contains(key)
    }

    /// The keys of the tags that sessions made from this one inherit.
    #[must_use]
    pub fn transitive(&self) -> &[TagKey] {
        &self.transitive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(count: usize) -> BTreeMap<TagKey, TagValue> {
        let tag = |n| {
            (
                TagKey::parse(format!("key{n}")).unwrap(),
                TagValue::parse("value").unwrap(),
            )
        };
        (0..count).map(tag).collect()
    }

    fn keys(names: &[&str]) -> Vec<TagKey> {
        names.iter().map(|name| TagKey::parse(*name).unwrap()).collect()
    }

    #[test]
    fn keys_and_values_have_lengths() {
        let key = |length| TagKey::parse("ä".repeat(length)).is_ok();
        assert_eq!([0, 1, 128, 129].map(key), [false, true, true, false]);
        let value = |length| TagValue::parse("ä".repeat(length)).is_ok();
        assert_eq!([0, 1, 256, 257].map(value), [true, true, true, false]);
    }

    #[test]
    fn keys_and_values_have_characters() {
        let good = "Aa Zz09_.:/=+-@\u{a0}äЖ中Ⅷ";
        assert!(TagKey::parse(good).is_ok() && TagValue::parse(good).is_ok());
        for bad in ["a*", "a,b", "a;b", "a\nb", "a\tb", "a#", "a(b)", "a\u{85}", "a&b", "😀"] {
            assert!(TagKey::parse(bad).is_err() && TagValue::parse(bad).is_err(), "{bad:?}");
        }
        for reserved in ["aws:", "aws:x", "AWS:x", "Aws:"] {
            assert!(TagKey::parse(reserved).is_err(), "{reserved}");
            assert!(TagValue::parse(reserved).is_ok(), "{reserved}");
        }
        assert!(TagKey::parse("aws").is_ok() && TagKey::parse("x-aws:").is_ok() && TagKey::parse("äb").is_ok());
    }

    #[test]
    fn a_session_has_fifty_tags_at_most() {
        assert_eq!(SessionTags::new(tags(50), Vec::new()).unwrap().iter().count(), 50);
        assert_eq!(SessionTags::new(tags(51), Vec::new()), Err(InvalidSessionTags::TooMany));
    }

    #[test]
    fn keys_differ_in_more_than_case() {
        let mut twice = tags(1);
        twice.insert(TagKey::parse("KEY0").unwrap(), TagValue::parse("").unwrap());
        assert_eq!(SessionTags::new(twice, Vec::new()), Err(InvalidSessionTags::Repeated));
        let twice = keys(&["key0", "key0"]);
        assert_eq!(SessionTags::new(tags(2), twice), Err(InvalidSessionTags::Repeated));
    }

    #[test]
    fn transitive_keys_are_keys_of_tags() {
        let good = SessionTags::new(tags(2), keys(&["key1"])).unwrap();
        assert!(good.is_transitive(&keys(&["key1"])[0]) && !good.is_transitive(&keys(&["key0"])[0]));
        for unexpected in ["key2", "KEY1"] {
            let transitive = keys(&[unexpected]);
            assert_eq!(SessionTags::new(tags(2), transitive), Err(InvalidSessionTags::NotATag));
        }
    }
}
