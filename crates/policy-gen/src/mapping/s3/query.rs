//! What a query says to S3: one sub-resource, a version, and parameters that change nothing.

use std::borrow::Cow;

use aws_endpoints::percent::decode_lossy;

use super::table::{Key, TABLE};
use crate::mapping::MappingError;

/// Headers that S3 may take from the query of a presigned request as well, and that change what is asked for.
///
/// The mapping reads them off the headers. Whether a server heeds them in the query of a request that is signed by
/// header is not documented but for one, so the others are rejected there.
const SMUGGLED: &[&str] = &[
    "x-amz-acl",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-bypass-governance-retention",
    "x-amz-copy-source",
    "x-amz-create-session-mode",
    "x-amz-grant-",
    "x-amz-object-lock-",
    "x-amz-object-ownership",
    "x-amz-rename-source",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-tagging",
];

/// Source: S3 API reference, `CopyObject`: a header, or a query parameter.
pub(super) const ANNOTATION_DIRECTIVE: &str = "x-amz-object-annotation-directive";

/// A query, read once.
#[derive(Clone, Debug)]
pub(crate) struct Query<'a> {
    text: &'a str,
    /// The sub-resource; empty where there is none.
    pub(crate) sub_resource: &'static str,
    /// Whether a version is named, whatever its value: `versionId=null` is a version as well.
    pub(crate) names_version: bool,
    /// A key that means nothing to S3, or something that has no place in a query.
    stray: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// Reads a query without its `?`. Keys count after percent-decoding, in their own case, whatever their values.
    ///
    /// # Errors
    ///
    /// Two different sub-resources: servers disagree about which one counts.
    pub(crate) fn read(text: Option<&'a str>) -> Result<Self, MappingError> {
        let mut query = Self {
            text: text.unwrap_or_default(),
            sub_resource: "",
            names_version: false,
            stray: None,
        };
        for (raw, _) in pairs(query.text) {
            let key = decoded(raw);
            match TABLE.key(&key) {
                Some(Key::SubResource(found)) => {
                    if !query.sub_resource.is_empty() && query.sub_resource != found {
                        return Err(MappingError::ambiguous(format!(
                            "sub-resources {} and {found}",
                            query.sub_resource
                        )));
                    }
                    query.sub_resource = found;
                }
                Some(Key::Parameter) => query.names_version |= key == "versionId",
                None if is_harmless(&key) => {}
                None => query.stray = Some(raw),
            }
        }
        Ok(query)
    }

    /// Rejects keys that no operation has: a sub-resource that came after this table is no plain read.
    pub(super) fn check(&self) -> Result<(), MappingError> {
        let Some(stray) = self.stray else {
            return Ok(());
        };
        let is_plain = stray.len() <= 64
            && stray
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let shown = if is_plain { stray } else { "(unprintable)" };
        Err(MappingError::unknown(format!("query parameter {shown}")))
    }

    /// Whether a key is there.
    pub(super) fn names(&self, name: &str) -> bool {
        pairs(self.text).any(|(key, _)| decoded(key) == name)
    }

    /// The value of a key that may be there once, decoded. `None` also where it has a `+`, which some servers read as a
    /// space and others as itself: then nothing is known.
    ///
    /// # Errors
    ///
    /// [`MappingError`] where the key is there twice or its value is no escaped UTF-8.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<Cow<'a, str>>, MappingError> {
        let mut values = pairs(self.text).filter(|(key, _)| decoded(key) == name);
        let Some((_, value)) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(MappingError::ambiguous(format!("query parameter {name}, sent twice,")));
        }
        if value.contains('+') {
            return Ok(None);
        }
        super::place::decoded(value, name).map(Some)
    }

    /// The values of a key that is written in any case, as headers are.
    pub(super) fn values_of_header(&self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        pairs(self.text)
            .filter(move |(key, _)| decoded(key).eq_ignore_ascii_case(name))
            .map(|(_, value)| decoded(value))
    }
}

/// Whether a key that is not in the table changes nothing.
fn is_harmless(key: &str) -> bool {
    let starts_with = |start: &str| {
        key.get(..start.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(start))
    };
    // Starts with `x-`: for the access log only (S3 User Guide, "Custom access log information").
    if starts_with("x-") {
        return !starts_with("x-amz-") || !SMUGGLED.iter().any(|header| starts_with(header));
    }
    // The other two of a version 2 presigned request beside `Expires`.
    starts_with("response-") || matches!(key, "" | "AWSAccessKeyId" | "Signature" | "Expires")
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decoded once. Bytes that are no UTF-8 come out as characters that no known key has.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('%') {
        decode_lossy(text)
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(&'static str, bool, bool), MappingError> {
        let query = Query::read(Some(text))?;
        Ok((query.sub_resource, query.names_version, query.check().is_ok()))
    }

    #[test]
    fn keys_count_decoded_and_in_their_case() {
        assert_eq!(read("%61cl"), Ok(("acl", false, true)));
        assert_eq!(read("acl=1&versionId="), Ok(("acl", true, true)));
        assert_eq!(read("ACL"), Ok(("", false, false)));
        assert_eq!(read("acl&acl"), Ok(("acl", false, true)));
        assert_eq!(read("prefix=acl&&=policy"), Ok(("", false, true)));
    }

    #[test]
    fn two_sub_resources_are_rejected() {
        assert!(matches!(read("acl&%70olicy"), Err(MappingError::Ambiguous { .. })));
        assert!(matches!(
            read("uploads&uploadId=x"),
            Err(MappingError::Ambiguous { .. })
        ));
    }

    #[test]
    fn what_changes_nothing_is_ignored() {
        let harmless = "X-Amz-Algorithm=a&x-amz-security-token=b&response-content-type=c&x-id=GetObject&partNumber=1";
        assert_eq!(read(harmless), Ok(("", false, true)));
        for stray in [
            "brandNew",
            "x-amz-acl=public-read",
            "X-Amz-Copy-Source=b%2Fk",
            "x-amz-grant-read=a",
            "%ff",
        ] {
            assert_eq!(read(stray), Ok(("", false, false)), "{stray}");
        }
    }
}
