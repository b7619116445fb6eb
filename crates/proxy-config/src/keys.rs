//! Every key there is, declared once: how it is read, its bounds, its default, its variable, and what the reference and the
//! example say of it.
//!
//! The declarations are in the modules below, a table of the file in each `tables!` entry; [`declare`] says how they are
//! written. Of each table a raw type is made, for "raw, then typed": integers, lists and booleans are what they are, and
//! everything else is a string until it is checked. Keys with a default are always set, since the defaults are filled in
//! before.

mod auth;
mod connections;
mod credentials;
mod declare;
mod kind;
mod server;
mod upstream;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::key_path::KeyPath;
use declare::{Declared as _, Place, tables};

pub(crate) use auth::{ACCESS_KEY, ASSUME_ROLE, DEFAULT_CHAIN, MANAGED, METHODS, RawAuth};
pub(crate) use connections::RawConnection;
pub(crate) use credentials::{RawAssets, RawIdentity, RawStore, RawSts, RawVault, RawVaultAuth, VAULT_METHODS};
pub(crate) use kind::Kind;
pub(crate) use server::{RawBrowsers, RawLog, RawProcess, RawServer};
pub(crate) use upstream::{RawDefaults, RawLimits, RawRetry, RawTimeouts, RawUpstream};

/// What the variables that set keys begin with.
pub(crate) const PREFIX: &str = "SIGNING_PROXY_";

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HOUR: u64 = 3_600;

tables! {
    /// The whole of it, in the order of the reference.
    RawConfig {
        [server]: RawServer;
        [process]: RawProcess;
        [log]: RawLog;
        [sts]: RawSts, note "where roles are assumed";
        [assets]: RawAssets;
        [upstream]: RawUpstream;
        [retry]: RawRetry, note "of every connection that has none of its own";
        [defaults]: RawDefaults;
        #[serde(default)]
        [identities]: BTreeMap<String, RawIdentity>, note "the operator's IAM user for one customer organisation";
        #[serde(default)]
        [connections]: BTreeMap<String, RawConnection>;
    }
}

/// That a secret was written. Its text is stored apart, see [`Table::secret`](super::table::Table::secret).
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(from = "serde::de::IgnoredAny")]
pub(crate) struct Written;

impl From<serde::de::IgnoredAny> for Written {
    fn from(_: serde::de::IgnoredAny) -> Self {
        Self
    }
}

/// One key that can be configured.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its dotted path; `*` is for a name the operator chose.
    pub(crate) path: String,
    /// What its value looks like.
    pub(crate) kind: Kind,
    /// What it is where nobody wrote it.
    pub(crate) default: Fallback,
    /// What it means, as the reference has it: Markdown on one line.
    pub(crate) meaning: &'static str,
    /// The comment behind it in the example; may be empty.
    pub(crate) note: &'static str,
    /// Its value in the example, as TOML; empty where it has a default.
    pub(crate) sample: &'static str,
    /// The methods of its table that it belongs to; none where it belongs to all.
    pub(crate) methods: &'static [&'static str],
}

impl Key {
    /// The variable that sets it, with `NAME` for a name the operator chose.
    pub(crate) fn variable(&self) -> String {
        let path = self.path.replace('*', "NAME").replace('.', "__");
        format!("{}{}", PREFIX, path.to_ascii_uppercase())
    }

    /// The path of its table.
    pub(crate) fn table(&self) -> &str {
        let path = self.path.strip_suffix(".*").unwrap_or(&self.path);
        path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Its name in its table; `NAME.*` for keys whose names the operator chooses.
    pub(crate) fn name(&self) -> &str {
        self.path.get(self.table().len() + 1..).unwrap_or(&self.path)
    }
}

/// What a key is where nobody wrote it.
#[derive(Debug)]
pub(crate) enum Fallback {
    /// Nothing: it is optional, or required and then missing.
    Absent,
    /// This value, as TOML.
    Value(&'static str),
    /// What this other key is.
    Same(String),
}

/// A table, and the comment behind its header in the example.
#[derive(Debug)]
pub(crate) struct DeclaredTable {
    pub(crate) path: String,
    pub(crate) note: &'static str,
}

/// All keys and tables, in the order of the reference.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    keys: Vec<Key>,
    tables: Vec<DeclaredTable>,
}

static DECLARED: LazyLock<Declarations> = LazyLock::new(|| {
    let mut declared = Declarations::default();
    RawConfig::declare(&Place::default(), &mut declared);
    declared
});

/// Every key.
pub(crate) fn all() -> &'static [Key] {
    &DECLARED.keys
}

/// Every table, those without a key of their own too.
pub(crate) fn tables() -> &'static [DeclaredTable] {
    &DECLARED.tables
}

/// What is at a place in the tree of keys.
pub(crate) enum Node {
    /// A key.
    Key(&'static Key),
    /// A table; these names may be in it.
    Table(Vec<&'static str>),
    /// A table of names that the operator chooses.
    Names,
}

/// What is at this path, whose operator-chosen names are `*`; `None` where nothing is.
pub(crate) fn node(pattern: &[&str]) -> Option<Node> {
    let mut names = Vec::new();
    for key in all() {
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
pub(crate) fn find(path: &KeyPath) -> Option<&'static Key> {
    all().iter().find(|key| {
        let mut names = path.names();
        key.path
            .split('.')
            .all(|part| names.next().is_some_and(|name| part == "*" || part == name))
            && names.next().is_none()
    })
}
