//! Dotted paths of keys, such as `connections.reports.auth.role`.

use std::fmt;

/// Where a key is: the names of its tables and its own.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct KeyPath(Vec<String>);

impl KeyPath {
    /// Reads a path of names that hold no dots themselves; for paths of our own.
    pub(super) fn of(dotted: &str) -> Self {
        Self(dotted.split('.').map(str::to_owned).collect())
    }

    /// The key of this name in this table.
    pub(super) fn child(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.extend(name.split('.').map(str::to_owned));
        Self(names)
    }

    /// The key of this name in this table, whatever the operator put into the name.
    pub(super) fn entry(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }

    /// The table the key is in; `None` at the top.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, names) = self.0.split_last()?;
        Some(Self(names.to_vec()))
    }

    /// The names from the top down.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the key is this one or below it.
    pub(super) fn is_within(&self, table: &Self) -> bool {
        self.0.starts_with(&table.0)
    }
}

impl fmt::Display for KeyPath {
    /// As TOML spells it: names that are no bare keys are quoted and escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            let is_bare = !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            if is_bare {
                f.write_str(name)?;
            } else {
                write!(f, "{name:?}")?;
            }
        }
        Ok(())
    }
}
