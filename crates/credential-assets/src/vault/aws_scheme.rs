//! `vault-aws:MOUNT/creds/ROLE` and `vault-aws:MOUNT/sts/ROLE`: a whole key that a vault's AWS secrets engine makes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetLocation, AssetOrigin, AssetScheme, AssetValue, InvalidLocation};
use tokio::time::Instant;

use super::Vault;
use super::kv_scheme::{SETTINGS, is_segment};
use crate::environment::Environment;
use crate::scheme::{AssetReader, KeyReader, LeasedKey, Pending, ReadableScheme};
use crate::unconfigured::Unconfigured;

/// The scheme.
#[derive(Debug)]
pub(crate) struct VaultAwsScheme;

fn parse(location: &AssetLocation) -> Result<VaultAwsRole, InvalidLocation> {
    VaultAwsRole::parse(location.expose()).ok_or(InvalidLocation(
        "vault-aws: needs a mount, creds or sts, and a role, such as vault-aws:aws/creds/deploy",
    ))
}

impl AssetScheme for VaultAwsScheme {
    fn name(&self) -> &'static str {
        "vault-aws"
    }

    fn example(&self) -> &'static str {
        "vault-aws:aws/creds/deploy"
    }

    fn value(&self) -> AssetValue {
        AssetValue::LeasedKey
    }

    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        parse(location).map(|_| AssetOrigin::Server(SETTINGS))
    }

    /// Mounts may have blanks, and nothing in them is secret.
    fn shown(&self, location: &AssetLocation) -> String {
        format!("vault-aws:{}", location.expose())
    }
}

impl ReadableScheme for VaultAwsScheme {
    fn reader(&self, _: &Arc<dyn Environment>) -> AssetReader {
        AssetReader::Key(Arc::new(Unconfigured(SETTINGS)))
    }
}

impl KeyReader for Vault {
    fn key<'a>(&'a self, location: &'a AssetLocation) -> Pending<'a, LeasedKey> {
        Box::pin(async move {
            let (credentials, ends_at) = self.keys(&parse(location)?).await?;
            Ok(LeasedKey {
                credentials,
                remaining: ends_at.saturating_duration_since(Instant::now()),
            })
        })
    }

    fn forget(&self, location: &AssetLocation) {
        if let Ok(role) = parse(location) {
            self.forget_keys(&role);
        }
    }

    fn stale_for(&self, location: &AssetLocation) -> Option<Duration> {
        self.keys_stale_for(&parse(location).ok()?)
    }
}

/// A role of a vault's AWS secrets engine: `mount/creds/role` or `mount/sts/role`.
///
/// Reading it makes a set of its own: access key, secret and, unless the role makes IAM users, a session token, all of
/// which live as long as their lease.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct VaultAwsRole(String);

impl VaultAwsRole {
    /// The path below the vault's `/v1/`.
    pub(crate) fn path(&self) -> &str {
        &self.0
    }

    fn parse(path: &str) -> Option<Self> {
        let (rest, role) = path.rsplit_once('/')?;
        let (mount, kind) = rest.rsplit_once('/')?;
        // Vault, `framework.GenericNameWithAtRegex`: word characters at both ends.
        let is_inner = |b: u8| b.is_ascii_alphanumeric() || b"_.@-".contains(&b);
        let is_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let is_role = (1..=512).contains(&role.len())
            && role.bytes().all(is_inner)
            && is_word(role.as_bytes().first())
            && is_word(role.as_bytes().last());
        let is_good = matches!(kind, "creds" | "sts") && is_role && mount.split('/').all(is_segment);
        is_good.then(|| Self(path.to_owned()))
    }
}

impl fmt::Display for VaultAwsRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vault-aws:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_both_kinds_are_read() {
        for text in [
            "aws/creds/deploy",
            "aws/sts/deploy",
            "team/aws/creds/a.b-c@d_e",
            "aws/creds/_",
        ] {
            let role = VaultAwsRole::parse(text).unwrap();
            assert_eq!((role.path(), role.to_string()), (text, format!("vault-aws:{text}")));
        }
        let long = |length| VaultAwsRole::parse(&format!("aws/creds/{}", "a".repeat(length)));
        assert!(long(512).is_some() && long(513).is_none());
    }

    #[test]
    fn what_is_no_role_is_invalid() {
        for text in [
            "",
            "creds/deploy",
            "/creds/deploy",
            "aws/config/root",
            "aws/creds/",
            "aws/creds/-a",
            "aws/creds/a.",
            "aws/creds/a b",
            "aws/creds/a#b",
            "aws/creds/a?ttl=1",
            "../creds/a",
            "a//creds/a",
        ] {
            assert_eq!(VaultAwsRole::parse(text), None, "{text:?}");
        }
    }
}
