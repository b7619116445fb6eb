//! What an operator lets a connection hand out.

use std::collections::BTreeSet;

use super::TABLE;

/// Stands for every action.
const ALL: &str = "*";

/// The actions by which a connection may hand out credentials: none, some, or all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct VendedActions {
    all: bool,
    actions: BTreeSet<&'static str>,
}

/// The action hands out no credentials that the table knows.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0} is no action that hands out credentials")]
pub struct UnknownAction(pub String);

impl VendedActions {
    /// Reads a list of actions in any case; `*` stands for all. `s3:CreateSession` is S3's own name for
    /// `s3express:CreateSession`.
    ///
    /// # Errors
    ///
    /// [`UnknownAction`] for the first that the table does not have.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownAction> {
        let mut list = Self::default();
        for name in names {
            if name == ALL {
                list.all = true;
                continue;
            }
            let written = match name.to_ascii_lowercase().as_str() {
                "s3:createsession" => "s3express:CreateSession",
                _ => name,
            };
            let known = Self::known().find(|known| known.eq_ignore_ascii_case(written));
            list.actions
                .insert(known.ok_or_else(|| UnknownAction(name.to_owned()))?);
        }
        Ok(list)
    }

    /// Every action of the table.
    pub fn known() -> impl Iterator<Item = &'static str> {
        TABLE.entries.iter().map(|entry| entry.action)
    }

    /// Whether the action is in the list.
    #[must_use]
    pub fn allows(&self, action: &str) -> bool {
        self.all || self.actions.contains(action)
    }
}
