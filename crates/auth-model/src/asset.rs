//! Credential assets: where a secret is kept.

mod command;
mod vault;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use command::CommandLine;
pub use vault::VaultSecret;

use crate::secret::Secret;

/// A reference to a secret kept elsewhere, or the secret itself.
///
/// `env:NAME`, `file:/path`, `file:/path#/json/pointer`, `exec:program arguments`,
/// `exec:program arguments#/json/pointer`, `vault:mount/path#field`, `vault:mount/path#field@version`,
/// `literal:text`; a text without one of the known schemes is the secret itself. `Debug` shows where it is kept, never the secret.
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
    /// A scheme that is reserved: taking it for the secret itself would be a guess.
    #[error(
        "the credential asset scheme {scheme}: is not supported by this version; use env:, file:, exec:, vault: or literal:"
    )]
    Reserved {
        /// The scheme without its colon.
        scheme: &'static str,
    },
}

/// Schemes that a later version resolves; never taken for a plain secret.
const RESERVED: [&str; 4] = ["vault-aws", "secretsmanager", "ssm", "keyring"];

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
                let (path, pointer) = match rest.split_once('#') {
                    Some((path, pointer)) => (path, Some(pointer)),
                    None => (rest, None),
                };
                let pointer_is_good = pointer.is_none_or(|p| p.starts_with('/'));
                if path.is_empty() || path.contains('\0') || !pointer_is_good {
                    return Err(InvalidAssetReference::File);
                }
                Ok(Self::File {
                    path: PathBuf::from(path),
                    pointer: pointer.map(str::to_owned),
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
            _ => Ok(Self::Literal(Secret::new(text))),
        }
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
        check("odd:secret", "literal:<redacted>");
    }

    #[test]
    fn a_reserved_scheme_is_never_a_secret() {
        for text in ["vault-aws:aws/creds/a", "ssm:/a", "secretsmanager:a"] {
            assert!(
                matches!(
                    text.parse::<AssetReference>(),
                    Err(InvalidAssetReference::Reserved { .. })
                ),
                "{text}"
            );
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
