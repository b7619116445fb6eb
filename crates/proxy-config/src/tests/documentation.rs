//! `docs/configuration.md` has a row for each key, with its kind and default, and no row for anything else.

use crate::keys::{Fallback, KEYS, Key};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// How the key's row begins; its meaning follows.
fn row(key: &Key) -> String {
    let path = key.path.replace('*', "NAME");
    let variable = path.replace('.', "__").to_ascii_uppercase();
    let default = match key.default {
        Fallback::Absent => "none".to_owned(),
        Fallback::Value(toml) => format!("`{toml}`"),
        Fallback::Same(other) => format!("`{other}`"),
    };
    format!("| `{path}`<br>`SIGNING_PROXY_{variable}` | {} | {default} | ", key.kind)
}

#[test]
fn every_key_has_its_row() {
    let missing: Vec<_> = KEYS.iter().map(row).filter(|row| !PAGE.contains(row)).collect();
    assert!(
        missing.is_empty(),
        "docs/configuration.md lacks rows that begin so:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_row_has_its_key() {
    let rows = PAGE.lines().filter(|line| line.contains("<br>`SIGNING_PROXY_"));
    let strangers: Vec<_> = rows
        .filter(|line| !KEYS.iter().any(|key| line.starts_with(&row(key))))
        .collect();
    assert!(
        strangers.is_empty(),
        "docs/configuration.md has rows of no key:\n{}",
        strangers.join("\n")
    );
}
