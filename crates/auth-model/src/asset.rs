//! Credential assets: where a secret is kept.

mod location;
mod scheme;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

pub use location::AssetLocation;
pub use scheme::{AssetOrigin, AssetScheme, AssetSchemes, AssetSettings, AssetValue, InvalidLocation};

use crate::secret::Secret;

/// A reference to a secret kept elsewhere, or the secret itself.
///
/// `SCHEME:LOCATION`, such as `env:NAME` or `file:/path#/json/pointer`, is kept elsewhere; `literal:TEXT` and a string
/// that does not begin as a scheme does are the secret itself. This crate knows the form of references and no scheme:
/// [`AssetSchemes::check`] says whether there is such a scheme and what the location means to it. Before that, a
/// misspelt scheme is a reference that nothing can read, never the secret. `Debug` and `Display` show where the secret
/// is kept once that is checked, never the secret.
///
/// ```
/// use auth_model::AssetReference;
///
/// let reference: AssetReference = "file:/run/secrets/key".parse()?;
/// assert!(matches!(reference, AssetReference::Kept(location) if location.scheme() == "file"));
/// let literal: AssetReference = "wJalrXUtnFEMI/K7MDENG".parse()?;
/// assert_eq!(literal.to_string(), "literal:<redacted>");
/// # Ok::<(), auth_model::InvalidAssetReference>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub enum AssetReference {
    /// The secret itself.
    Literal(Secret),
    /// Somewhere else.
    Kept(AssetLocation),
}

/// The reference cannot be used. What was written is never repeated: it may be a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAssetReference {
    /// Nothing at all.
    #[error("a secret is empty; write env:NAME, file:/path, literal:TEXT or the text itself")]
    Empty,
    /// The scheme does not take this location.
    #[error(transparent)]
    Location(#[from] InvalidLocation),
    /// One secret is wanted, and the scheme gives a whole access key.
    #[error("{scheme}: gives a whole key: write credentials = \"{scheme}:...\" instead of the key's parts")]
    WholeKey {
        /// The scheme without its colon.
        scheme: &'static str,
    },
    /// A whole access key is wanted.
    #[error("must be a reference that gives a whole key, such as {example}")]
    NotWholeKey {
        /// How such references look.
        example: String,
    },
    /// What looks like a scheme and is none: a misspelt one would be taken for the secret itself.
    #[error(
        "begins with a scheme that does not exist; {}a secret that begins so itself is written literal:TEXT",
        scheme::listed(known)
    )]
    UnknownScheme {
        /// What may stand before the colon.
        known: Vec<&'static str>,
    },
}

/// The scheme of secrets that are written in full.
const LITERAL: &str = "literal";

impl FromStr for AssetReference {
    type Err = InvalidAssetReference;

    fn from_str(text: &str) -> Result<Self, InvalidAssetReference> {
        match text.split_once(':') {
            None if text.is_empty() => Err(InvalidAssetReference::Empty),
            Some((LITERAL, "")) => Err(InvalidAssetReference::Empty),
            Some((LITERAL, secret)) => Ok(Self::Literal(Secret::new(secret))),
            // `ENV:NAME` and ` env:NAME` are meant as references too, and are none that any scheme has.
            Some((scheme, location)) if scheme::is_like_a_name(scheme) => {
                Ok(Self::Kept(AssetLocation::new(scheme, location)))
            }
            Some(_) | None => Ok(Self::Literal(Secret::new(text))),
        }
    }
}

impl AssetReference {
    /// Reads what a string says. Where that is the secret itself, it is not copied.
    ///
    /// # Errors
    ///
    /// [`InvalidAssetReference`], as by parsing the string.
    pub fn of(text: &Secret) -> Result<Self, InvalidAssetReference> {
        Ok(match text.expose().parse()? {
            Self::Literal(secret) if secret == *text => Self::Literal(text.clone()),
            reference => reference,
        })
    }

    /// The same reference; relative paths in it begin at this folder.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        match self {
            Self::Literal(secret) => Self::Literal(secret),
            Self::Kept(location) => Self::Kept(location.relative_to(folder)),
        }
    }
}

impl fmt::Display for AssetReference {
    /// Where the secret is kept: fit for logs and errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("literal:<redacted>"),
            Self::Kept(location) => location.fmt(f),
        }
    }
}

impl fmt::Debug for AssetReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssetReference({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_secrets_are_distinguished() {
        for (text, scheme) in [
            ("env:NAME", Some("env")),
            ("vault-aws:aws/creds/a", Some("vault-aws")),
            ("literal:env:NAME", None),
            ("literal:my:secret", None),
            ("wJalrXUtnFEMI/K7MDENG+bPxRfiCY", None),
            ("hvs.CAESIJ", None),
            ("9odd:secret", None),
            ("o/d+d:secret", None),
            (":secret", None),
        ] {
            let reference: AssetReference = text.parse().unwrap();
            match (&reference, scheme) {
                (AssetReference::Kept(location), Some(scheme)) => assert_eq!(location.scheme(), scheme, "{text}"),
                (AssetReference::Literal(secret), None) => {
                    assert_eq!(secret.expose(), text.strip_prefix("literal:").unwrap_or(text));
                }
                (found, _) => panic!("{text}: {found}"),
            }
        }
    }

    #[test]
    fn nothing_is_shown_before_it_is_checked() {
        for (text, shown) in [
            ("hunter2:wJalr", "(unchecked reference)"),
            ("wJalr", "literal:<redacted>"),
        ] {
            let reference: AssetReference = text.parse().unwrap();
            assert_eq!(reference.to_string(), shown);
            assert_eq!(format!("{reference:?}"), format!("AssetReference({shown})"));
        }
    }

    #[test]
    fn a_word_before_a_colon_is_never_the_beginning_of_a_secret() {
        for text in [
            "gcp:a",
            "hunter2:x",
            "arn:aws:iam",
            "a:",
            "odd-1_x.y:a",
            "ENV:NAME",
            " env:NAME",
            "Secret:a",
        ] {
            let reference = text.parse::<AssetReference>().unwrap();
            assert!(matches!(reference, AssetReference::Kept(_)), "{text}");
        }
    }

    #[test]
    fn nothing_is_no_secret() {
        for text in ["", "literal:"] {
            assert_eq!(
                text.parse::<AssetReference>(),
                Err(InvalidAssetReference::Empty),
                "{text}"
            );
        }
    }

    #[test]
    fn a_literal_shares_the_memory_of_the_text_it_was_read_from() {
        let text = Secret::new("wJalrXUtnFEMI");
        let Ok(AssetReference::Literal(literal)) = AssetReference::of(&text) else {
            panic!("a literal")
        };
        assert!(std::ptr::eq(text.expose(), literal.expose()));
        let Ok(AssetReference::Literal(literal)) = AssetReference::of(&Secret::new("literal:a")) else {
            panic!("a literal")
        };
        assert_eq!(literal.expose(), "a");
    }
}
