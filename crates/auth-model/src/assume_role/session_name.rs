//! Session names, and the templates they are made of.

use crate::text::{is_iam_name_byte, is_made_of};

/// The longest session name.
const LONGEST: usize = 64;

text_type!(
    /// A role session's name, as `CloudTrail` shows it: 2 to 64 of `[\w+=,.@-]`.
    RoleSessionName,
    InvalidRoleSessionName,
    "a role session name is 2 to 64 of A-Z, a-z, 0-9 and '_+=,.@-'",
    |text| is_made_of(text, 2, LONGEST, is_iam_name_byte)
);

impl RoleSessionName {
    /// Makes a valid name of any text: what is not allowed becomes `-`, the end is cut off.
    #[must_use]
    pub fn sanitised(text: &str) -> Self {
        let is_allowed = |c: char| u8::try_from(c).is_ok_and(is_iam_name_byte);
        let allowed = |c: char| if is_allowed(c) { c } else { '-' };
        let mut name: String = text.chars().map(allowed).take(LONGEST).collect();
        while name.len() < 2 {
            name.push('-');
        }
        Self(name)
    }
}

/// A session name with placeholders: `{connection}` and `{host}`.
///
/// There is no `{client}`: one session serves all clients of a connection, so it cannot be named for one of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionNameTemplate(Vec<TemplatePart>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum TemplatePart {
    Text(String),
    Connection,
    Host,
}

/// The text is not a session name with placeholders.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSessionNameTemplate {
    /// Characters that a session name cannot have, or a length that it cannot have.
    #[error(
        "a role session name is 2 to 64 of A-Z, a-z, 0-9 and '_+=,.@-'; {{connection}} and {{host}} may stand in it"
    )]
    Name,
    /// One name for each client would need one session for each client.
    #[error("{{client}} cannot stand in a role session name: all clients of a connection share its session")]
    Client,
}

impl SessionNameTemplate {
    /// Reads a name with placeholders.
    ///
    /// # Errors
    ///
    /// [`InvalidSessionNameTemplate`] for characters that no session name has, unknown placeholders, and names
    /// without placeholders that are too short or too long.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionNameTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or(InvalidSessionNameTemplate::Name)?;
            parts.push(TemplatePart::Text(before.to_owned()));
            parts.push(match name {
                "connection" => TemplatePart::Connection,
                "host" => TemplatePart::Host,
                "client" => return Err(InvalidSessionNameTemplate::Client),
                _ => return Err(InvalidSessionNameTemplate::Name),
            });
            rest = after;
        }
        parts.push(TemplatePart::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, TemplatePart::Text(text) if text.is_empty()));
        let fixed: Vec<&str> = parts.iter().filter_map(TemplatePart::text).collect();
        let length: usize = fixed.iter().map(|text| text.len()).sum();
        // A placeholder adds one character at the least.
        let shortest = length + (parts.len() - fixed.len());
        let has_placeholder = fixed.len() < parts.len();
        let is_long_enough = has_placeholder || length >= 2;
        if !fixed.iter().all(|text| text.bytes().all(is_iam_name_byte)) || !is_long_enough || shortest > LONGEST {
            return Err(InvalidSessionNameTemplate::Name);
        }
        Ok(Self(parts))
    }

    /// Whether the name of the machine stands in it.
    #[must_use]
    pub fn names_host(&self) -> bool {
        self.0.contains(&TemplatePart::Host)
    }

    /// The name for this connection on this machine: what is not allowed becomes `-`, the end is cut off.
    #[must_use]
    pub fn render(&self, connection: &str, host: &str) -> RoleSessionName {
        let parts = self.0.iter().map(|part| match part {
            TemplatePart::Text(text) => text.as_str(),
            TemplatePart::Connection => connection,
            TemplatePart::Host => host,
        });
        RoleSessionName::sanitised(&parts.collect::<String>())
    }
}

impl TemplatePart {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Connection | Self::Host => None,
        }
    }
}

impl std::str::FromStr for SessionNameTemplate {
    type Err = InvalidSessionNameTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidSessionNameTemplate> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_has_its_characters_and_lengths() {
        let of = |length| RoleSessionName::parse("x".repeat(length)).is_ok();
        assert_eq!([1, 2, 64, 65].map(of), [false, true, true, false]);
        let of = |length| SessionNameTemplate::parse(&"x".repeat(length)).is_ok();
        assert_eq!([0, 1, 2, 64, 65].map(of), [false, false, true, true, false]);
        let of = |length| SessionNameTemplate::parse(&format!("{}{{host}}", "x".repeat(length))).is_ok();
        assert_eq!([0, 63, 64].map(of), [true, true, false]);
        for bad in ["a b", "a:b", "a/b", "ää", "{", "a}b", "{user}", "{Host}", "{}", "{host"] {
            assert_eq!(
                SessionNameTemplate::parse(bad),
                Err(InvalidSessionNameTemplate::Name),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_session_name_can_be_made_of_anything() {
        for text in ["", "x", "a b/c", "ümlaut", &"long".repeat(40), "connection@host"] {
            let name = RoleSessionName::sanitised(text);
            assert_eq!(RoleSessionName::parse(name.as_str()).as_ref(), Ok(&name), "{text}");
        }
    }

    #[test]
    fn a_template_is_filled_and_sanitised() {
        for (template, connection, host, want) in [
            ("fixed", "a", "h", "fixed"),
            ("{connection}", "a", "h", "a-"),
            (
                "{connection}@{host}",
                "reports_1",
                "web 1.internal",
                "reports_1@web-1.internal",
            ),
            ("p-{host}{host}", "a", "h", "p-hh"),
            ("{host}", "a", "", "--"),
        ] {
            let template = SessionNameTemplate::parse(template).unwrap();
            assert_eq!(template.render(connection, host).as_str(), want);
        }
        let long = SessionNameTemplate::parse("{connection}.{host}").unwrap();
        let name = long.render(&"c".repeat(63), &"h".repeat(64));
        assert_eq!(name.as_str().len(), 64);
        assert!(long.names_host() && !SessionNameTemplate::parse("a{connection}").unwrap().names_host());
    }

    #[test]
    fn there_is_no_session_for_each_client() {
        assert_eq!(
            SessionNameTemplate::parse("{connection}-{client}"),
            Err(InvalidSessionNameTemplate::Client)
        );
    }
}
