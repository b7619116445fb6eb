//! The place of a secret in a Vault or an OpenBao.

use std::fmt;

/// A secret of a key/value engine: `mount/path`, with `@version` where it is not the newest.
///
/// The path is as the programs `vault kv` and `bao kv` take it, without the `data/` of the HTTP interface.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct VaultSecret {
    path: String,
    version: Option<u32>,
}

impl VaultSecret {
    /// Reads `mount/path#field[@version]`; `None` where it is none.
    pub(super) fn parse(text: &str) -> Option<(Self, String)> {
        let (path, field) = text.split_once('#')?;
        // A field may hold an `@` of its own: only a number makes it a version, and that has one spelling.
        let (field, version) = match field.rsplit_once('@') {
            Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                (name, Some(digits.parse().ok().filter(|_| !digits.starts_with('0'))?))
            }
            _ => (field, None),
        };
        let is_path = path.split('/').count() > 1 && path.split('/').all(is_segment);
        (is_path && is_segment(field)).then(|| {
            let secret = Self {
                path: path.to_owned(),
                version,
            };
            (secret, field.to_owned())
        })
    }

    /// The mount and the path below it; the vault knows where the one ends.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The version, from 1; `None` is the newest.
    #[must_use]
    pub fn version(&self) -> Option<u32> {
        self.version
    }
}

impl fmt::Display for VaultSecret {
    /// As `vault:mount/path` or `vault:mount/path@version`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vault:{}", self.path)?;
        self.version.map_or(Ok(()), |version| write!(f, "@{version}"))
    }
}

/// Whether the text can be one part of a vault's path.
pub(super) fn is_segment(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, path: &str, field: &str, version: Option<u32>) {
        let (secret, found) = VaultSecret::parse(text).unwrap();
        assert_eq!(
            (secret.path(), found.as_str(), secret.version()),
            (path, field, version)
        );
    }

    #[test]
    fn each_part_is_found() {
        check("kv/aws#secret", "kv/aws", "secret", None);
        check("team/kv/a b/c#secret key@12", "team/kv/a b/c", "secret key", Some(12));
        check("kv/aws#me@example.com", "kv/aws", "me@example.com", None);
        check("kv/aws#me@2@3", "kv/aws", "me@2", Some(3));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "kv",
            "kv#a",
            "kv/aws",
            "kv/aws#",
            "#a",
            "/kv#a",
            "kv/#a",
            "kv//a#b",
            "kv/../a#b",
            "kv/./a#b",
            "kv/a\n#b",
            "kv/a#@3",
            "kv/a#b@0",
            "kv/a#b@06",
            "kv/a#b@99999999999",
        ] {
            assert!(VaultSecret::parse(text).is_none(), "{text:?}");
        }
    }
}
