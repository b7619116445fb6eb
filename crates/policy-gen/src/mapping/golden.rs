//! The tables say no more than somebody has looked at.
//!
//! `tests/data/granted.tsv` holds every pair of operation and action of the generated tables. A refresh that changes
//! one fails here until the file is written anew, so that the change is read as a diff.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::{dynamodb, ec2, s3, workspaces};

/// `SERVICE`, operation and action of every generated table.
fn granted() -> BTreeSet<String> {
    let s3 = s3::table::TABLE
        .granted()
        .map(|(operation, action)| format!("s3\t{operation}\t{action}"));
    let others = [
        ("dynamodb", &dynamodb::ROWS),
        ("ec2", &ec2::ROWS),
        ("workspaces", &workspaces::ROWS),
    ];
    let others = others.into_iter().flat_map(|(service, rows)| {
        let line = move |(operation, action)| format!("{service}\t{operation}\t{action}");
        rows.granted().map(line)
    });
    s3.chain(others).collect()
}

#[test]
fn a_refresh_widens_nothing_unseen() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/granted.tsv");
    let found = granted();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = found.iter().fold(String::new(), |text, line| text + line + "\n");
        std::fs::write(&path, text).unwrap();
        return;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let seen: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let mut changes = String::new();
    for line in found.difference(&seen) {
        writeln!(changes, "new: {line}").unwrap();
    }
    for line in seen.difference(&found) {
        writeln!(changes, "gone: {line}").unwrap();
    }
    assert!(
        changes.is_empty(),
        "check these against AWS's documentation, then run with UPDATE_GOLDEN=1:\n{changes}"
    );
}
