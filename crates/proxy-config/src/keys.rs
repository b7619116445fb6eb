//! What a key is, and which of them stands where. All of them are in [`KEYS`].

mod list;

use std::fmt;
use std::ops::RangeInclusive;

use super::key_path::KeyPath;
use super::quantity::{shown_duration, shown_size};
pub(super) use list::KEYS;

/// One key that can be configured.
#[derive(Debug)]
pub(super) struct Key {
    /// Its dotted path; `*` stands for a name the operator chose.
    pub(super) path: &'static str,
    /// What its value looks like.
    pub(super) kind: Kind,
    /// What it is where nobody wrote it.
    pub(super) default: Fallback,
}

/// What the value of a key looks like.
#[derive(Debug)]
pub(super) enum Kind {
    /// `IP:PORT` or `off`.
    Listener,
    /// `true` or `false`.
    Switch,
    /// A text such as `30s`; the bounds are seconds.
    Duration(RangeInclusive<u64>),
    /// A text such as `8MiB`; the bounds are bytes.
    Size(RangeInclusive<u64>),
    /// An integer.
    Count(RangeInclusive<u64>),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A text; the string says which, with an article.
    Text(&'static str),
    /// A list of texts; the string says of which.
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

/// What a key is where nobody wrote it.
#[derive(Debug)]
pub(super) enum Fallback {
    /// Nothing: it is optional, or required and then missing.
    Absent,
    /// This value, as TOML.
    Value(&'static str),
    /// What this other key is.
    Same(&'static str),
}

use Kind::{
    Asset, Choice, Count, Duration, Endpoint, Lease, List, Listener, Path, ProxyUrl, Size, Statuses, Switch, Text,
};

/// What stands at a place in the tree of keys.
pub(super) enum Node {
    /// A key.
    Key(&'static Key),
    /// A table; these names may stand in it.
    Table(Vec<&'static str>),
    /// A table of names that the operator chooses.
    Names,
}

/// What stands at this path, whose operator-chosen names are `*`; `None` where nothing does.
pub(super) fn node(pattern: &[&str]) -> Option<Node> {
    let mut names = Vec::new();
    for key in KEYS {
        let mut rest = key.path.split('.');
        if !pattern.iter().all(|name| rest.next() == Some(*name)) {
            continue;
        }
        match rest.next() {
            None => return Some(Node::Key(key)),
            Some("*") => return Some(Node::Names),
            Some(name) if names.last() != Some(&name) => names.push(name),
            Some(_) => {}
        }
    }
    (!names.is_empty()).then_some(Node::Table(names))
}

/// The key at this path, where there is one.
pub(super) fn find(path: &KeyPath) -> Option<&'static Key> {
    KEYS.iter().find(|key| {
        let mut names = path.names();
        key.path
            .split('.')
            .all(|part| names.next().is_some_and(|name| part == "*" || part == name))
            && names.next().is_none()
    })
}

impl Kind {
    /// Whether the value may be or hold a secret.
    pub(super) fn is_secret(&self) -> bool {
        match self {
            Asset | Lease | ProxyUrl => true,
            Listener | Switch | Duration(_) | Size(_) | Count(_) | Choice(_) | Text(_) | List(_) | Statuses(_)
            | Path(_) | Endpoint => false,
        }
    }
}

impl fmt::Display for Kind {
    /// What is allowed, as it follows "must be" and as the documentation has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listener => f.write_str(r#"an IP address and a port, such as "127.0.0.1:8080", or "off""#),
            Switch => f.write_str("true or false"),
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
            Text(what) => write!(f, "{what}, a text"),
            List(of) => write!(f, "a list of {of}, each a text"),
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
            Path(what) => write!(f, "the path of {what}, a text"),
            Endpoint => f.write_str(r#"a URL of scheme, host and port, such as "https://127.0.0.1:8333""#),
            Asset => f.write_str(r#"a credential asset, such as "env:NAME" or "file:PATH", or the text itself"#),
            Lease => f.write_str(r#"a role of a vault's AWS engine, such as "vault-aws:aws/creds/deploy""#),
            ProxyUrl => f.write_str(r#"a URL such as "http://proxy.example:3128""#),
        }
    }
}
