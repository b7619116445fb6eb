//! What the value of a key looks like, and what is said of that.

use std::fmt;
use std::ops::RangeInclusive;

use crate::quantity::{shown_duration, shown_size};

/// What the value of a key looks like.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `IP:PORT` or `off`.
    Listener,
    /// `true` or `false`.
    Boolean,
    /// A text such as `30s`; the bounds are seconds.
    Duration(RangeInclusive<u64>),
    /// A text such as `8MiB`; the bounds are bytes.
    Size(RangeInclusive<u64>),
    /// An integer.
    Count(RangeInclusive<u64>),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A string; this tells which, with an article.
    Text(&'static str),
    /// A list of strings of this.
    List(&'static str),
    /// A list of some of these statuses.
    Statuses(&'static [u16]),
    /// A path of a file or folder, relative to the file it is written in.
    Path(&'static str),
    /// `http(s)://HOST[:PORT]`.
    Endpoint,
    /// A credential asset reference, or the secret itself: never shown.
    Asset,
    /// A reference to where whole keys are made; never shown where it is none.
    Lease,
    /// A proxy's URL, which may hold a password: never shown.
    ProxyUrl,
}

use Kind::{
    Asset, Boolean, Choice, Count, Duration, Endpoint, Lease, List, Listener, Path, ProxyUrl, Size, Statuses, Text,
};

impl Kind {
    /// Whether the value may be or hold a secret.
    pub(crate) fn is_secret(&self) -> bool {
        match self {
            Asset | Lease | ProxyUrl => true,
            Listener | Boolean | Duration(_) | Size(_) | Count(_) | Choice(_) | Text(_) | List(_) | Statuses(_)
            | Path(_) | Endpoint => false,
        }
    }
}

impl fmt::Display for Kind {
    /// What is allowed, as it follows "must be" and as the documentation has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listener => f.write_str(r#"an IP address and a port, such as "127.0.0.1:8080", or "off""#),
            Boolean => f.write_str("true or false"),
            Duration(bounds) => write!(
                f,
                r#"a duration from "{}" to "{}""#,
                shown_duration(*bounds.start()),
                shown_duration(*bounds.end())
            ),
            Size(bounds) => write!(
                f,
                r#"a size from "{}" to "{}""#,
                shown_size(*bounds.start()),
                shown_size(*bounds.end())
            ),
            Count(bounds) => write!(f, "an integer from {} to {}", bounds.start(), bounds.end()),
            Choice(choices) => {
                for (index, choice) in choices.iter().enumerate() {
                    let separator = match index {
                        0 => "",
                        _ if index + 1 == choices.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, r#"{separator}"{choice}""#)?;
                }
                Ok(())
            }
            Text(what) => write!(f, "{what}, a string"),
            List(of) => write!(f, "a list of {of}, each a string"),
            Statuses(statuses) => {
                f.write_str("a list of any of")?;
                for (index, status) in statuses.iter().enumerate() {
                    let separator = match index {
                        0 => " ",
                        _ if index + 1 == statuses.len() => " and ",
                        _ => ", ",
                    };
                    write!(f, "{separator}{status}")?;
                }
                Ok(())
            }
            Path(what) => write!(f, "the path of {what}, a string"),
            Endpoint => f.write_str(r#"a URL of scheme, host and port, such as "https://127.0.0.1:8333""#),
            Asset => f.write_str(r#"a credential asset, such as "env:NAME" or "file:PATH", or the secret itself"#),
            Lease => f.write_str(r#"a reference that gives a whole key, such as "vault-aws:aws/creds/deploy""#),
            ProxyUrl => f.write_str(r#"a URL such as "http://proxy.example:3128""#),
        }
    }
}
