//! Hosts as a connection lists them: a whole one, or all that end alike.

use std::fmt;
use std::str::FromStr;

use super::endpoint::is_dns_name;

/// A host name, or `*.` and what names end with; lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HostPattern {
    /// This host.
    Whole(String),
    /// Every host with one label or more before this.
    Below(String),
}

/// Why a text is no [`HostPattern`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    r#"must be host names without scheme and port, or *. and the end of some, such as ["abc123.execute-api.eu-west-1.amazonaws.com", "*.lambda-url.eu-west-1.on.aws"]"#
)]
pub struct InvalidHostPattern;

impl HostPattern {
    /// Whether it lists this host, which is in lower case and without a trailing dot.
    #[must_use]
    pub fn lists(&self, host: &str) -> bool {
        match self {
            Self::Whole(name) => name == host,
            Self::Below(end) => host.strip_suffix(end.as_str()).is_some_and(|before| {
                // A label of its own: `*.x` does not list `ax`.
                before.len() > 1 && before.ends_with('.')
            }),
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        let (name, make): (_, fn(String) -> Self) = match text.strip_prefix("*.") {
            Some(end) => (end, Self::Below),
            None => (text, Self::Whole),
        };
        if is_dns_name(name) && name.contains('.') {
            Ok(make(name.to_ascii_lowercase()))
        } else {
            Err(InvalidHostPattern)
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(name) => f.write_str(name),
            Self::Below(end) => write!(f, "*.{end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_lists_a_host_or_all_below_a_name() {
        let whole: HostPattern = "API.execute-api.eu-west-1.amazonaws.com".parse().unwrap();
        assert!(whole.lists("api.execute-api.eu-west-1.amazonaws.com"));
        assert!(!whole.lists("x.api.execute-api.eu-west-1.amazonaws.com"));
        let below: HostPattern = "*.lambda-url.eu-west-1.on.aws".parse().unwrap();
        assert!(below.lists("a.lambda-url.eu-west-1.on.aws") && below.lists("a.b.lambda-url.eu-west-1.on.aws"));
        for other in [
            "lambda-url.eu-west-1.on.aws",
            ".lambda-url.eu-west-1.on.aws",
            "xlambda-url.eu-west-1.on.aws",
            "a.lambda-url.eu-west-1.on.aws.evil.example",
            "a.lambda-url.eu-west-2.on.aws",
        ] {
            assert!(!below.lists(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_pattern() {
        for text in [
            "",
            "*",
            "*.",
            "*.aws",
            "a.*.b",
            "**.a.b",
            "http://a.b",
            "a.b:443",
            "a b.c",
            "a..b",
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(InvalidHostPattern), "{text}");
        }
    }
}
