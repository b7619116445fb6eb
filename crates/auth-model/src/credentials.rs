//! Credentials as AWS issues them: key id, secret, optional session token and expiry.

use std::fmt;
use std::time::SystemTime;

use crate::arn::AccountId;
use crate::assume_role::RoleSessionName;
use crate::secret::Secret;
use crate::text::is_made_of;

text_type!(
    /// An access key id: public. The line of each request that is signed with it shows it, nothing else does.
    ///
    /// 1 to 128 visible ASCII characters without `/`, `,` and `=`, which delimit the
    /// `Authorization` header. AWS's own have 16 to 128; S3-compatible servers have shorter ones.
    AccessKeyId,
    InvalidAccessKeyId,
    "an access key id is 1 to 128 visible ASCII characters without '/', ',' and '='",
    |text| is_made_of(text, 1, 128, |b| b.is_ascii_graphic() && !b"/,=".contains(&b))
);

/// The secret half of an access key. Never printed.
#[derive(Clone)]
pub struct SecretAccessKey(Secret);

/// The secret access key is empty, too long or has white space or control characters in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a secret access key is 1 to 1024 characters without white space and control characters")]
pub struct InvalidSecretAccessKey;

impl SecretAccessKey {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// [`InvalidSecretAccessKey`] where it is empty, has over 1,024 bytes, or has white space or
    /// control characters in it: the mark of a botched copy.
    pub fn parse(secret: Secret) -> Result<Self, InvalidSecretAccessKey> {
        let text = secret.expose();
        let clean = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if (1..=1024).contains(&text.len()) && clean {
            Ok(Self(secret))
        } else {
            Err(InvalidSecretAccessKey)
        }
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for SecretAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretAccessKey(<redacted>)")
    }
}

/// The token that goes with temporary credentials, sent as `x-amz-security-token`. Never printed.
#[derive(Clone)]
pub struct SessionToken(Secret);

/// The session token is empty, too long or not visible ASCII.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a session token is 1 to 16384 visible ASCII characters")]
pub struct InvalidSessionToken;

impl SessionToken {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// [`InvalidSessionToken`] where it cannot be a header value: AWS's are Base64 and grow with
    /// session policies and tags; 16 KiB is far above what its servers take in a header.
    pub fn parse(secret: Secret) -> Result<Self, InvalidSessionToken> {
        if is_made_of(secret.expose(), 1, 16 * 1024, |b| b.is_ascii_graphic()) {
            Ok(Self(secret))
        } else {
            Err(InvalidSessionToken)
        }
    }

    /// The token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(<redacted>)")
    }
}

/// A usable set of credentials.
///
/// Temporary ones have a session token and usually an expiry. `Debug` shows neither secret, token
/// nor key id.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use auth_model::{AccessKeyId, Credentials, Secret, SecretAccessKey, SessionToken};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let noon = UNIX_EPOCH + Duration::from_secs(43_200);
/// let credentials = Credentials::new(
///     AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE")?,
///     SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))?,
/// )
/// .with_session_token(SessionToken::parse(Secret::new("FwoGZXIvYXdzEXAMPLE"))?)
/// .with_expiry(noon);
/// assert!(credentials.is_valid_at(noon - Duration::from_secs(1)));
/// assert!(!credentials.is_valid_at(noon));
/// assert!(!format!("{credentials:?}").contains("EXAMPLE"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Credentials {
    /// The public half of the key.
    pub access_key_id: AccessKeyId,
    /// The secret half of the key.
    pub secret_access_key: SecretAccessKey,
    /// Only with temporary credentials.
    pub session_token: Option<SessionToken>,
    /// The instant from which AWS rejects the set; `None` where the source does not say.
    pub expires_at: Option<SystemTime>,
    /// The account the keys belong to, where the source says.
    pub account: Option<AccountId>,
    /// The role session's name, where we have assumed the role.
    pub session_name: Option<RoleSessionName>,
}

impl Credentials {
    /// Long-term keys: no token, no expiry.
    #[must_use]
    pub fn new(access_key_id: AccessKeyId, secret_access_key: SecretAccessKey) -> Self {
        Self {
            access_key_id,
            secret_access_key,
            session_token: None,
            expires_at: None,
            account: None,
            session_name: None,
        }
    }

    /// The same keys with a session token.
    #[must_use]
    pub fn with_session_token(mut self, token: SessionToken) -> Self {
        self.session_token = Some(token);
        self
    }

    /// The same keys with an expiry.
    #[must_use]
    pub fn with_expiry(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Whether AWS would still take the set at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: SystemTime) -> bool {
        self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("temporary", &self.session_token.is_some())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn example() -> Credentials {
        Credentials::new(
            AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
            SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI")).unwrap(),
        )
        .with_session_token(SessionToken::parse(Secret::new("FwoGZXIvYXdz")).unwrap())
    }

    #[test]
    fn debug_shows_nothing_of_the_values() {
        let shown = format!("{:?} {:?}", example(), example().session_token);
        for part in ["AKID", "wJal", "FwoG"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn a_set_is_invalid_from_its_expiry_on() {
        let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let set = example().with_expiry(expiry);
        assert!(set.is_valid_at(expiry - Duration::from_nanos(1)));
        assert!(!set.is_valid_at(expiry));
        assert!(example().is_valid_at(expiry));
    }

    #[test]
    fn botched_copies_are_refused() {
        for bad in ["", "abc\n", "a b", "\u{7f}"] {
            assert!(SecretAccessKey::parse(Secret::new(bad)).is_err(), "{bad:?}");
            assert!(SessionToken::parse(Secret::new(bad)).is_err(), "{bad:?}");
        }
        for bad in ["", "AK/ID", "AK,ID", "AK=ID", "AK ID", "ÄK"] {
            assert!(AccessKeyId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
