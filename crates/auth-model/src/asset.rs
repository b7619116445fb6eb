//! Credential assets: where a secret is kept.

mod command;
mod lease;
mod store;
mod vault;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use command::CommandLine;
pub use lease::VaultAwsRole;
pub use store::{StoreKind, StoredSecret};
pub use vault::VaultSecret;

use crate::secret::Secret;

/// A reference to a secret kept elsewhere, or the secret itself.
///
/// `env:NAME`, `file:/path`, `file:/path#/json/pointer`, `exec:program arguments`,
/// `exec:program arguments#/json/pointer`, `vault:mount/path#field`, `vault:mount/path#field@version`,
/// `secretsmanager:name-or-ARN`, `secretsmanager:name-or-ARN#/json/pointer`, `ssm:/parameter`,
/// `ssm:/parameter#/json/pointer`, `literal:text`; a text that does not begin as a scheme does is the secret itself. `Debug`
/// shows where it is kept, never the secret.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum AssetReference {
    /// The secret itself.
    Literal(Secret),
    /// An environment variable of the proxy.
    Env {
        /// The variable's name.
        variable: String,
    },
    /// A file, or one value of a JSON file.
    File {
        /// The file's path.
        path: PathBuf,
        /// An RFC 6901 JSON pointer, beginning with `/`; `None` takes the whole file.
        pointer: Option<String>,
    },
    /// What a program writes to its standard output, or one value of the JSON there.
    Exec {
        /// The program and its arguments.
        command: CommandLine,
        /// An RFC 6901 JSON pointer, beginning with `/`; `None` takes the whole output.
        pointer: Option<String>,
    },
    /// A field of a secret in a Vault or an OpenBao.
    Vault {
        /// The secret.
        secret: VaultSecret,
        /// The field's name.
        field: String,
    },
    /// A secret of one of AWS's stores, or one value of the JSON in it.
    Stored {
        /// The secret.
        secret: StoredSecret,
        /// An RFC 6901 JSON pointer, beginning with `/`; `None` takes the whole text.
        pointer: Option<String>,
    },
}

/// The reference cannot be read. The text is never repeated: it may be a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidAssetReference {
    /// Nothing at all.
    #[error("a secret is empty; write env:NAME, file:/path, literal:TEXT or the text itself")]
    Empty,
    /// `env:` with no usable name.
    #[error("env: needs the name of an environment variable, such as env:REPORTS_SECRET")]
    Env,
    /// `file:` with no usable path.
    #[error("file: needs a path, such as file:/run/secrets/key or file:/run/secrets/key.json#/secret")]
    File,
    /// `exec:` with nothing to run, or a quote that is not closed.
    #[error(
        "exec: needs a program and its arguments, such as exec:/usr/local/bin/keys show 'my key' or exec:keys#/secret; quotes must be closed"
    )]
    Exec,
    /// `vault:` without a path or a field.
    #[error(
        "vault: needs a mount, a path and a field, such as vault:kv/team/aws#secret_key or, for its third version, vault:kv/team/aws#secret_key@3"
    )]
    Vault,
    /// `secretsmanager:` with no usable name or ARN.
    #[error(
        "secretsmanager: needs a secret's name, 1 to 512 of A-Z, a-z, 0-9 and '/_+=.@-', or its ARN, such as secretsmanager:prod/aws or secretsmanager:prod/aws#/secret"
    )]
    SecretsManager,
    /// `ssm:` with no usable name or ARN.
    #[error(
        "ssm: needs a parameter's name, 1 to 1011 of A-Z, a-z, 0-9 and '_.-' in at most 15 levels between slashes, or its ARN, such as ssm:/prod/aws, ssm:/prod/aws:3 or ssm:/prod/aws#/secret"
    )]
    Ssm,
    /// `vault-aws:` where it is no role of a vault's AWS engine.
    #[error("vault-aws: needs a mount, creds or sts, and a role, such as vault-aws:aws/creds/deploy")]
    VaultAws,
    /// `vault-aws:` where one text is wanted.
    #[error("vault-aws: gives a whole key: write credentials = \"vault-aws:...\" instead of the key's parts")]
    WholeKey,
    /// A scheme that is reserved: taking it for the secret itself would be a guess.
    #[error(
        "the credential asset scheme {scheme}: is not supported by this version; use env:, file:, exec:, vault:, secretsmanager:, ssm: or literal:"
    )]
    Reserved {
        /// The scheme without its colon.
        scheme: &'static str,
    },
    /// What looks like a scheme and is none: a misspelt one would be taken for the secret itself.
    #[error(
        "begins with a scheme that does not exist; there are env:, file:, exec:, vault:, secretsmanager:, ssm: and literal:, and a secret that begins so itself is written literal:TEXT"
    )]
    UnknownScheme,
}

/// Schemes that nothing resolves; never taken for a plain secret.
const RESERVED: [&str; 1] = ["keyring"];

/// The scheme of [`VaultAwsRole`].
const SCHEME_OF_LEASES: &str = "vault-aws";

impl FromStr for AssetReference {
    type Err = InvalidAssetReference;

    fn from_str(text: &str) -> Result<Self, InvalidAssetReference> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return if text.is_empty() {
                Err(InvalidAssetReference::Empty)
            } else {
                Ok(Self::Literal(Secret::new(text)))
            };
        };
        if let Some(scheme) = RESERVED.into_iter().find(|s| *s == scheme) {
            return Err(InvalidAssetReference::Reserved { scheme });
        }
        match scheme {
            "literal" if rest.is_empty() => Err(InvalidAssetReference::Empty),
            "literal" => Ok(Self::Literal(Secret::new(rest))),
            "env" if rest.is_empty() || rest.contains(['=', '\0']) => Err(InvalidAssetReference::Env),
            "env" => Ok(Self::Env {
                variable: rest.to_owned(),
            }),
            "file" => {
                let (path, pointer) = pointer_of(rest).ok_or(InvalidAssetReference::File)?;
                if path.is_empty() || path.contains('\0') {
                    return Err(InvalidAssetReference::File);
                }
                Ok(Self::File {
                    path: PathBuf::from(path),
                    pointer,
                })
            }
            "exec" => {
                let (command, pointer) = CommandLine::parse(rest).ok_or(InvalidAssetReference::Exec)?;
                Ok(Self::Exec { command, pointer })
            }
            "vault" => {
                let (secret, field) = VaultSecret::parse(rest).ok_or(InvalidAssetReference::Vault)?;
                Ok(Self::Vault { secret, field })
            }
            "secretsmanager" => {
                Self::stored(StoreKind::SecretsManager, rest).ok_or(InvalidAssetReference::SecretsManager)
            }
            "ssm" => Self::stored(StoreKind::Ssm, rest).ok_or(InvalidAssetReference::Ssm),
            SCHEME_OF_LEASES => Err(InvalidAssetReference::WholeKey),
            unknown if is_scheme(unknown) => Err(InvalidAssetReference::UnknownScheme),
            _ => Ok(Self::Literal(Secret::new(text))),
        }
    }
}

impl AssetReference {
    /// Every scheme of one secret, without its colon.
    pub const SCHEMES: [&'static str; 7] = ["env", "file", "exec", "vault", "secretsmanager", "ssm", "literal"];

    /// Reads what a secret text says. Where that is the secret itself, it is not copied.
    ///
    /// # Errors
    ///
    /// [`InvalidAssetReference`], as by parsing the text.
    pub fn of(text: &Secret) -> Result<Self, InvalidAssetReference> {
        Ok(match text.expose().parse()? {
            Self::Literal(secret) if secret == *text => Self::Literal(text.clone()),
            reference => reference,
        })
    }

    fn stored(kind: StoreKind, text: &str) -> Option<Self> {
        let (secret, pointer) = StoredSecret::parse(kind, text)?;
        Some(Self::Stored { secret, pointer })
    }
}

/// Whether the text looks like a scheme: a letter, then letters, digits and the signs of names. AWS's secrets and tokens
/// have no colon; what has a `+`, `/` or `=` before one is more likely a secret than a scheme.
fn is_scheme(text: &str) -> bool {
    let text = text.trim();
    let is_inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_inner)
}

/// What stands before a `#`, and the pointer after it; `None` where that is no pointer.
fn pointer_of(text: &str) -> Option<(&str, Option<String>)> {
    match text.split_once('#') {
        None => Some((text, None)),
        Some((place, pointer)) if pointer.starts_with('/') => Some((place, Some(pointer.to_owned()))),
        Some(_) => None,
    }
}

impl fmt::Display for AssetReference {
    /// Where the secret is kept: fit for logs and errors. Of a command only the program is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("literal:<redacted>"),
            Self::Env { variable } => write!(f, "env:{variable}"),
            Self::File { path, pointer: None } => write!(f, "file:{}", path.display()),
            Self::File {
                path,
                pointer: Some(pointer),
            } => write!(f, "file:{}#{pointer}", path.display()),
            Self::Exec { command, .. } => write!(f, "exec:{command}"),
            Self::Vault { secret, field } => {
                write!(f, "vault:{}#{field}", secret.path())?;
                secret.version().map_or(Ok(()), |version| write!(f, "@{version}"))
            }
            Self::Stored { secret, pointer: None } => write!(f, "{secret}"),
            Self::Stored {
                secret,
                pointer: Some(pointer),
            } => write!(f, "{secret}#{pointer}"),
        }
    }
}

impl fmt::Debug for AssetReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssetReference({self})")
    }
}

impl<'de> serde::Deserialize<'de> for AssetReference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(text.parse::<AssetReference>().unwrap().to_string(), shown);
    }

    #[test]
    fn each_scheme_is_read() {
        check("env:NAME", "env:NAME");
        check("file:/run/x", "file:/run/x");
        check("file:/run/x.json#/a/b", "file:/run/x.json#/a/b");
        check("literal:env:NAME", "literal:<redacted>");
        check("wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "literal:<redacted>");
        check("exec:/bin/keys --pin 1234#/a", "exec:/bin/keys");
        check("vault:kv/a#b@2", "vault:kv/a#b@2");
        check("secretsmanager:prod/aws#/a", "secretsmanager:prod/aws#/a");
        check("ssm:/prod/aws", "ssm:/prod/aws");
        check("literal:odd:secret", "literal:<redacted>");
        check("9odd:secret", "literal:<redacted>");
        check("o/d+d:secret", "literal:<redacted>");
        check(":secret", "literal:<redacted>");
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
        assert!(AssetReference::of(&Secret::new("env:")).is_err());
    }

    #[test]
    fn an_unknown_scheme_is_never_a_secret() {
        for text in [
            "evn:NAME",
            "ENV:NAME",
            " env:NAME",
            "gcp:a",
            "secretsmanger:a",
            "arn:aws:iam",
            "a:",
            "odd-1_x.y:a",
        ] {
            assert_eq!(
                text.parse::<AssetReference>(),
                Err(InvalidAssetReference::UnknownScheme),
                "{text}"
            );
        }
    }

    #[test]
    fn every_scheme_is_read() {
        for scheme in AssetReference::SCHEMES {
            let unknown = Err(InvalidAssetReference::UnknownScheme);
            assert_ne!(format!("{scheme}:a").parse::<AssetReference>(), unknown, "{scheme}");
        }
    }

    #[test]
    fn a_reserved_scheme_is_never_a_secret() {
        for (text, want) in [
            ("keyring:a", InvalidAssetReference::Reserved { scheme: "keyring" }),
            ("vault-aws:aws/creds/a", InvalidAssetReference::WholeKey),
            ("ssm:", InvalidAssetReference::Ssm),
            ("secretsmanager:a b", InvalidAssetReference::SecretsManager),
        ] {
            assert_eq!(text.parse::<AssetReference>().unwrap_err(), want, "{text}");
        }
        for text in [
            "",
            "env:",
            "file:",
            "file:#/a",
            "file:/a#b",
            "literal:",
            "exec:",
            "exec:a 'b",
        ] {
            assert!(text.parse::<AssetReference>().is_err(), "{text}");
        }
    }
}
