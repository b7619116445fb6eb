//! The reference in `docs/` and `deploy/example.toml` are what the declarations of the keys say.
//!
//! `UPDATE_GOLDEN=1 cargo test -p proxy-config reference` makes both again. In the pages everything between
//! `<!-- keys: TABLE, TABLE -->` and `<!-- end of keys -->` is made, and all else is written by hand.

use std::path::{Path, PathBuf};

use crate::{example, reference, tables};

const BEGIN: &str = "<!-- keys: ";
const END: &str = "<!-- end of keys -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages of the reference, with their paths from the root.
fn pages() -> Vec<(String, String)> {
    let folder = std::fs::read_dir(root().join("docs/configuration"));
    let below = folder.into_iter().flatten().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        format!("docs/configuration/{name}")
    });
    let paths = ["docs/configuration.md".to_owned()].into_iter().chain(below);
    paths
        .map(|path| {
            let text = std::fs::read_to_string(root().join(&path)).unwrap();
            (path, text)
        })
        .collect()
}

/// The tables that a line begins the keys of; `None` for any other line.
fn begun(line: &str) -> Option<Vec<&str>> {
    let tables = line.strip_prefix(BEGIN)?.strip_suffix(" -->")?;
    Some(tables.split(", ").collect())
}

/// The page with its keys as they are declared.
fn made(page: &str) -> String {
    let mut made = String::new();
    let mut is_in_keys = false;
    for line in page.split_inclusive('\n') {
        is_in_keys &= line.trim_end() != END;
        if !is_in_keys {
            made += line;
        }
        if let Some(tables) = begun(line.trim_end()) {
            made.extend(["\n", &reference(&tables), "\n"]);
            is_in_keys = true;
        }
    }
    assert!(!is_in_keys, "{END} is missing");
    made
}

#[track_caller]
fn is_up_to_date(path: &str, text: &str, want: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(root().join(path), want).unwrap();
        return;
    }
    let differs = text.lines().zip(want.lines()).find(|(line, want)| line != want);
    assert!(
        text == want,
        "{path} is stale: run UPDATE_GOLDEN=1 cargo test -p proxy-config reference\n{differs:#?}"
    );
}

#[test]
fn pages_have_the_keys_as_they_are_declared() {
    for (path, text) in pages() {
        is_up_to_date(&path, &text, &made(&text));
    }
}

#[test]
fn each_table_is_in_one_page() {
    let pages = pages();
    let lines = pages.iter().flat_map(|(_, text)| text.lines());
    let mut shown: Vec<&str> = lines.filter_map(begun).flatten().collect();
    let mut declared: Vec<&str> = tables().collect();
    shown.sort_unstable();
    declared.sort_unstable();
    assert_eq!(shown, declared, "the `{BEGIN}` lines of docs/configuration*");
}

#[test]
fn no_row_is_written_by_hand() {
    for (path, text) in pages() {
        let rows = made(&text);
        let rows = rows.lines().filter(|line| line.contains("<br>`SIGNING_PROXY_")).count();
        let tables: Vec<&str> = text.lines().filter_map(begun).flatten().collect();
        let made = reference(&tables).lines().count() - 2;
        assert_eq!(rows, made, "{path}");
    }
}

#[test]
fn example_is_the_one_that_is_installed() {
    let path = "deploy/example.toml";
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    is_up_to_date(path, &text, &example());
}
