//! The place where a vault makes access keys.

use std::fmt;
use std::str::FromStr;

use super::{InvalidAssetReference, SCHEME_OF_LEASES, vault};
use crate::text::is_made_of;

/// A role of a vault's AWS secrets engine: `mount/creds/role` or `mount/sts/role`.
///
/// Reading it makes a set of its own: access key, secret and, unless the role makes IAM users, a session token, all of
/// which live as long as their lease.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct VaultAwsRole(String);

impl VaultAwsRole {
    /// The path below the vault's `/v1/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }

    fn parse(path: &str) -> Option<Self> {
        let (rest, role) = path.rsplit_once('/')?;
        let (mount, kind) = rest.rsplit_once('/')?;
        // Vault, `framework.GenericNameWithAtRegex`: word characters at both ends.
        let is_inner = |b: u8| b.is_ascii_alphanumeric() || b"_.@-".contains(&b);
        let is_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let is_role =
            is_made_of(role, 1, 512, is_inner) && is_word(role.as_bytes().first()) && is_word(role.as_bytes().last());
        let is_good = matches!(kind, "creds" | "sts") && is_role && mount.split('/').all(vault::is_segment);
        is_good.then(|| Self(path.to_owned()))
    }
}

impl FromStr for VaultAwsRole {
    type Err = InvalidAssetReference;

    fn from_str(text: &str) -> Result<Self, InvalidAssetReference> {
        let path = text
            .strip_prefix(SCHEME_OF_LEASES)
            .and_then(|rest| rest.strip_prefix(':'));
        path.and_then(Self::parse).ok_or(InvalidAssetReference::VaultAws)
    }
}

impl fmt::Display for VaultAwsRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME_OF_LEASES}:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_both_kinds_are_read() {
        for text in [
            "vault-aws:aws/creds/deploy",
            "vault-aws:aws/sts/deploy",
            "vault-aws:team/aws/creds/a.b-c@d_e",
            "vault-aws:aws/creds/_",
        ] {
            let role: VaultAwsRole = text.parse().unwrap();
            assert_eq!(role.to_string(), text);
            assert_eq!(format!("vault-aws:{}", role.path()), text);
        }
        let long = |length| format!("vault-aws:aws/creds/{}", "a".repeat(length)).parse::<VaultAwsRole>();
        assert!(long(512).is_ok() && long(513).is_err());
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for text in [
            "",
            "vault-aws",
            "vault-aws:",
            "vault:aws/creds/deploy",
            "vault-aws:creds/deploy",
            "vault-aws:/creds/deploy",
            "vault-aws:aws/config/root",
            "vault-aws:aws/creds/",
            "vault-aws:aws/creds/-a",
            "vault-aws:aws/creds/a.",
            "vault-aws:aws/creds/a b",
            "vault-aws:aws/creds/a#b",
            "vault-aws:aws/creds/a?ttl=1",
            "vault-aws:../creds/a",
            "vault-aws:a//creds/a",
        ] {
            assert_eq!(
                text.parse::<VaultAwsRole>(),
                Err(InvalidAssetReference::VaultAws),
                "{text:?}"
            );
        }
    }
}
