//! What STS `AssumeRole` takes, within the limits that it enforces.
//!
//! Source: AWS STS API reference, `AssumeRole`.

use std::time::Duration;

use crate::text::{is_iam_name_byte, is_made_of};

text_type!(
    /// The External ID a customer's trust policy asks for, against the confused deputy.
    ///
    /// 2 to 1,224 of `[\w+=,.@:/-]`. AWS does not treat it as a secret; neither does IAM's console.
    ExternalId,
    InvalidExternalId,
    "an External ID is 2 to 1224 of A-Z, a-z, 0-9 and '_+=,.@:/-'",
    |text| is_made_of(text, 2, 1224, |b| is_iam_name_byte(b) || b == b':' || b == b'/')
);

text_type!(
    /// A role session's name, as `CloudTrail` shows it: 2 to 64 of `[\w+=,.@-]`.
    RoleSessionName,
    InvalidRoleSessionName,
    "a role session name is 2 to 64 of A-Z, a-z, 0-9 and '_+=,.@-'",
    |text| is_made_of(text, 2, 64, is_iam_name_byte)
);

impl RoleSessionName {
    /// Makes a valid name of any text: what is not allowed becomes `-`, the end is cut off.
    #[must_use]
    pub fn sanitised(text: &str) -> Self {
        let mut name: String = text
            .chars()
            .map(|c| {
                if u8::try_from(c).is_ok_and(is_iam_name_byte) {
                    c
                } else {
                    '-'
                }
            })
            .take(64)
            .collect();
        while name.len() < 2 {
            name.push('-');
        }
        Self(name)
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
    /// What STS uses when nothing is asked for: one hour, which every role allows.
    pub const DEFAULT: Self = Self(Duration::from_hours(1));

    /// Checks the bounds.
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
    /// An inline session policy: IAM policy JSON, 1 to 2,048 characters.
    ///
    /// Only the outer shape is checked here; the grammar is `policy-gen`'s business.
    SessionPolicy,
    InvalidSessionPolicy,
    "a session policy is a JSON object of at most 2048 characters",
    |text| {
        let is_iam_text = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
        text.chars().count() <= 2_048
            && text.chars().all(is_iam_text)
            && text.trim_start().starts_with('{')
            && text.trim_end().ends_with('}')
    }
);

/// The optional parameters of `AssumeRole`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct AssumeRoleOptions {
    /// The session's name; `None` lets the caller choose one from the connection.
    pub session_name: Option<RoleSessionName>,
    /// How long the session lives; `None` is [`SessionDuration::DEFAULT`].
    pub duration: Option<SessionDuration>,
    /// What the session may do at most.
    pub policy: Option<SessionPolicy>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_can_be_made_of_anything() {
        for text in ["", "x", "a b/c", "ümlaut", &"long".repeat(40), "connection@host"] {
            let name = RoleSessionName::sanitised(text);
            assert_eq!(RoleSessionName::parse(name.as_str()).as_ref(), Ok(&name), "{text}");
        }
    }

    #[test]
    fn durations_have_bounds() {
        let check = |seconds| SessionDuration::parse(Duration::from_secs(seconds)).is_ok();
        assert_eq!([899, 900, 43_200, 43_201].map(check), [false, true, true, false]);
    }

    #[test]
    fn external_ids_keep_to_their_characters() {
        assert!(ExternalId::parse("b1c9f0:a/b=c,d.e@f-g+h_i").is_ok());
        for bad in ["", "a", "a b", "a*", "ä€"] {
            assert!(ExternalId::parse(bad).is_err(), "{bad}");
        }
    }
}
