//! What STS `AssumeRole` takes, within the limits that it enforces.
//!
//! Source: AWS STS API reference, `AssumeRole`.

mod mfa;
mod policy;
mod session_name;
mod tags;

use std::time::Duration;

use crate::text::{is_iam_name_byte, is_made_of};

pub use mfa::{InvalidMfaCode, InvalidMfaSerial, Mfa, MfaCode, MfaSerial};
pub use policy::{InvalidPolicyArn, InvalidPolicyArns, InvalidSessionPolicy, PolicyArn, PolicyArns, SessionPolicy};
pub use session_name::{InvalidRoleSessionName, InvalidSessionNameTemplate, RoleSessionName, SessionNameTemplate};
pub use tags::{InvalidSessionTags, InvalidTagKey, InvalidTagValue, SessionTags, TagKey, TagValue};

text_type!(
    /// The External ID a customer's trust policy requires, against the confused deputy.
    ///
    /// 2 to 1,224 of `[\w+=,.@:/-]`. AWS does not treat it as a secret; neither does IAM's console.
    ExternalId,
    InvalidExternalId,
    "an External ID is 2 to 1224 of A-Z, a-z, 0-9 and '_+=,.@:/-'",
    |text| is_made_of(text, 2, 1224, |b| is_iam_name_byte(b) || b == b':' || b == b'/')
);

impl ExternalId {
    /// How many random bytes make a new one: 160 bits, so that nobody guesses it.
    pub const RANDOM_BYTES: usize = 20;

    /// A new one of bytes that the caller has from a cryptographic source: 40 hexadecimal digits, which no console,
    /// shell or policy changes.
    #[must_use]
    pub fn of_random_bytes(bytes: &[u8; Self::RANDOM_BYTES]) -> Self {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        Self(
            bytes
                .iter()
                .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
                .collect(),
        )
    }
}

/// How long a role session lives: 900 s to 43,200 s.
///
/// The role's own maximum may be lower, and role chaining ends at 3,600 s.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionDuration(Duration);

/// Outside of what STS takes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a session duration is 15 minutes (900 s) to 12 hours (43200 s), in whole seconds")]
pub struct InvalidSessionDuration;

impl SessionDuration {
    /// What STS uses when nothing is requested: one hour, which every role allows.
    pub const DEFAULT: Self = Self(Duration::from_hours(1));

    /// The shortest that STS takes: 15 minutes.
    pub const SHORTEST: Self = Self(Duration::from_mins(15));

    /// The longest for a role that is assumed with another role's session, whatever the role allows.
    pub const LONGEST_CHAINED: Self = Self(Duration::from_hours(1));

    /// Checks the bounds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use auth_model::SessionDuration;
    ///
    /// assert!(SessionDuration::parse(Duration::from_secs(900)).is_ok());
    /// assert!(SessionDuration::parse(Duration::from_secs(899)).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidSessionDuration`] below 900 s, above 43,200 s or with a fraction of a second.
    pub fn parse(duration: Duration) -> Result<Self, InvalidSessionDuration> {
        let in_bounds = (900..=43_200).contains(&duration.as_secs());
        if in_bounds && duration.subsec_nanos() == 0 {
            Ok(Self(duration))
        } else {
            Err(InvalidSessionDuration)
        }
    }

    /// The length.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

text_type!(
    /// The identity behind a session: set once, it stays through every role that the session assumes.
    ///
    /// 2 to 64 of `[\w+=,.@-]`. The role's trust policy has to allow `sts:SetSourceIdentity`.
    SourceIdentity,
    InvalidSourceIdentity,
    "a source identity is 2 to 64 of A-Z, a-z, 0-9 and '_+=,.@-'",
    |text| is_made_of(text, 2, 64, is_iam_name_byte)
);

/// The optional parameters of `AssumeRole`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AssumeRoleOptions {
    /// The session's name; `None` lets the caller choose one from the connection.
    pub session_name: Option<RoleSessionName>,
    /// How long the session lives; `None` is [`SessionDuration::DEFAULT`].
    pub duration: Option<SessionDuration>,
    /// What the session may do at most.
    pub policy: Option<SessionPolicy>,
    /// Managed policies that, together with [`policy`](Self::policy), are what the session may do at most.
    pub policy_arns: PolicyArns,
    /// What is said of the session, for conditions in policies.
    pub tags: SessionTags,
    /// The identity behind the session.
    pub source_identity: Option<SourceIdentity>,
    /// The device whose codes the role's trust policy requires.
    pub mfa: Option<Mfa>,
}

impl AssumeRoleOptions {
    /// Whether no option is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            session_name,
            duration,
            policy,
            policy_arns,
            tags,
            source_identity,
            mfa,
        } = self;
        session_name.is_none()
            && duration.is_none()
            && policy.is_none()
            && policy_arns.as_slice().is_empty()
            && tags.iter().next().is_none()
            && source_identity.is_none()
            && mfa.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_bounds() {
        let check = |seconds| SessionDuration::parse(Duration::from_secs(seconds)).is_ok();
        assert_eq!([899, 900, 43_200, 43_201].map(check), [false, true, true, false]);
        assert!(SessionDuration::parse(Duration::from_millis(900_500)).is_err());
    }

    #[test]
    fn external_ids_keep_to_their_characters_and_lengths() {
        assert!(ExternalId::parse("b1c9f0:a/b=c,d.e@f-g+h_i").is_ok());
        for bad in ["", "a", "a b", "a*", "ä€"] {
            assert!(ExternalId::parse(bad).is_err(), "{bad}");
        }
        let of = |length| ExternalId::parse("x".repeat(length)).is_ok();
        assert_eq!([1, 2, 1_224, 1_225].map(of), [false, true, true, false]);
    }

    #[test]
    fn a_new_external_id_holds_every_bit_and_is_one() {
        let id = ExternalId::of_random_bytes(&[0xa5; ExternalId::RANDOM_BYTES]);
        assert_eq!(id.as_str(), "a5".repeat(20));
        assert!(ExternalId::parse(id.as_str()).is_ok());
        let bytes = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert!(ExternalId::of_random_bytes(&bytes).as_str().starts_with("00010203"));
    }

    #[test]
    fn source_identities_keep_to_their_characters_and_lengths() {
        let of = |length| SourceIdentity::parse("x".repeat(length)).is_ok();
        assert_eq!([1, 2, 64, 65].map(of), [false, true, true, false]);
        assert!(SourceIdentity::parse("who+what=,.@-_").is_ok());
        for bad in ["a:b", "aws:a", "a b", "a/b", "ää"] {
            assert!(SourceIdentity::parse(bad).is_err(), "{bad}");
        }
    }
}
