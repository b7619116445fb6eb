//! `vault:MOUNT/PATH#FIELD` and `vault:MOUNT/PATH#FIELD@VERSION`: a field of a key/value secret of a Vault or an `OpenBao`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetLocation, AssetOrigin, AssetScheme, AssetSettings, AssetValue, InvalidLocation, Secret};

use super::{Fields, Vault, VaultProblem, named};
use crate::environment::Environment;
use crate::error::AssetError;
use crate::reading::AssetReading;
use crate::scheme::{AssetReader, Pending, ReadableScheme, SecretReader};
use crate::unconfigured::Unconfigured;
use crate::value;

/// What the vault's own schemes cannot do without.
pub(super) const SETTINGS: AssetSettings = AssetSettings {
    table: "vault",
    one_of: &["address"],
};

/// The scheme.
#[derive(Debug)]
pub(crate) struct VaultScheme;

fn parse(location: &AssetLocation) -> Result<(VaultSecret, String), InvalidLocation> {
    VaultSecret::parse(location.expose()).ok_or(InvalidLocation(
        "vault: needs a mount, a path and a field, such as vault:kv/team/aws#secret_key or, for its third version, \
         vault:kv/team/aws#secret_key@3",
    ))
}

impl AssetScheme for VaultScheme {
    fn name(&self) -> &'static str {
        "vault"
    }

    fn example(&self) -> &'static str {
        "vault:kv/team/aws#secret_key"
    }

    fn value(&self) -> AssetValue {
        AssetValue::Secret
    }

    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        parse(location).map(|_| AssetOrigin::Server(SETTINGS))
    }

    /// Paths may have blanks, and nothing in them is secret.
    fn shown(&self, location: &AssetLocation) -> String {
        format!("vault:{}", location.expose())
    }
}

impl ReadableScheme for VaultScheme {
    fn reader(&self, _: &Arc<dyn Environment>) -> AssetReader {
        AssetReader::Secret(Arc::new(Unconfigured(SETTINGS)))
    }
}

impl SecretReader for Vault {
    fn read<'a>(&'a self, location: &'a AssetLocation, reading: &'a mut AssetReading) -> Pending<'a, Secret> {
        Box::pin(async move {
            let (secret, field) = parse(location)?;
            let fields = match reading.get::<VaultSecret, Fields>(&secret) {
                Some(fields) => fields,
                None => self.fields(location, &secret).await?,
            };
            reading.insert(secret, Arc::clone(&fields));
            match fields.get(&field) {
                Some(Some(text)) => value::finish(location, text.expose()),
                Some(None) => Err(AssetError::NotAString {
                    asset: location.to_string(),
                }),
                None => Err(named(location, VaultProblem::NoField)),
            }
        })
    }

    fn forget(&self, location: &AssetLocation) {
        if let Ok((secret, _)) = parse(location) {
            self.forget_secret(&secret);
        }
    }

    fn stale_for(&self, location: &AssetLocation) -> Option<Duration> {
        let (secret, _) = parse(location).ok()?;
        self.secret_stale_for(&secret)
    }
}

/// A secret of a key/value engine: `mount/path`, with `@version` where it is not the newest.
///
/// The path is as the programs `vault kv` and `bao kv` take it, without the `data/` of the HTTP interface.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct VaultSecret {
    path: String,
    version: Option<u32>,
}

impl VaultSecret {
    /// Reads `mount/path#field[@version]`; `None` where it is none.
    fn parse(text: &str) -> Option<(Self, String)> {
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
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The version, from 1; `None` is the newest.
    pub(crate) fn version(&self) -> Option<u32> {
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
    fn what_is_no_place_is_invalid() {
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
