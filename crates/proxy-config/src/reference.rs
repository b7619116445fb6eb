//! The reference of the keys, as rows of Markdown tables.

use std::fmt::Write as _;

use super::keys::{self, Fallback, Key};
use super::service_defaults;

/// The table of the reference for the keys of these tables, whose paths have `*` for a name that the operator chooses, such
/// as `connections.*`: a row for each key with its variable, what is allowed, its default and its meaning. Ends with a line
/// break. Of no keys, where there is no such table.
///
/// ```
/// let table = proxy_config::reference(&["process"]);
/// assert!(table.contains("| `process.landlock`<br>`SIGNING_PROXY_PROCESS__LANDLOCK` | true or false | `false` | "));
/// ```
#[must_use]
pub fn reference(tables: &[&str]) -> String {
    let mut text = "| Key and variable | Value | Default | Meaning |\n|---|---|---|---|\n".to_owned();
    for key in keys::all().iter().filter(|key| tables.contains(&key.table())) {
        let path = key.path.replace('*', "NAME");
        let default = match &key.default {
            Fallback::Absent => "none".to_owned(),
            Fallback::Value(toml) => format!("`{toml}`"),
            Fallback::Same(other) => format!("`{other}`"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| `{path}`<br>`{}` | {} | {default} | {} |",
            key.variable(),
            key.kind,
            meaning(key)
        );
    }
    text
}

/// The paths of the tables that have keys, in the order of the reference.
pub fn tables() -> impl Iterator<Item = &'static str> {
    let tables = keys::tables().iter().map(|table| table.path.as_str());
    tables.filter(|table| keys::all().iter().any(|key| key.table() == *table))
}

fn meaning(key: &Key) -> String {
    let Fallback::Same(other) = &key.default else {
        return key.meaning.to_owned();
    };
    let of_service = service_defaults::of_key(key)
        .map(|value| format!(r#"; for some services [`"{value}"`](defaults.md#defaults-of-services)"#));
    format!("As `{other}`, for this connection{}.", of_service.unwrap_or_default())
}
