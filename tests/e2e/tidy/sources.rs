//! The rules of the source files.

use super::{Page, assert_none, pages};

/// Longer than this and a file is two files.
const LONGEST: usize = 400;

fn rust() -> Vec<Page> {
    pages().into_iter().filter(|page| page.has_extension("rs")).collect()
}

/// Lines before the tests at the end. Files of tests alone and generated tables count nothing.
pub(super) fn production_lines(page: &Page) -> usize {
    if is_test(page) || page.path.contains("generated") {
        return 0;
    }
    page.text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .count()
}

/// A module of unit tests: its name says what it is for.
pub(super) fn is_test(page: &Page) -> bool {
    page.path.ends_with("/tests.rs") || page.path.contains("/tests/")
}

#[test]
fn files_are_short() {
    let long: Vec<_> = rust()
        .iter()
        .map(|page| (production_lines(page), &page.path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none("files over 400 production lines", &long);
}

#[test]
fn files_say_what_they_are_for() {
    let bare: Vec<_> = rust()
        .iter()
        .filter(|page| !page.path.ends_with("/tests.rs"))
        .filter(|page| {
            let first = page.text.lines().find(|line| !line.starts_with("#!["));
            !first.is_some_and(|line| line.starts_with("//! ") && line.len() > 12)
        })
        .map(|page| page.path.clone())
        .collect();
    assert_none("files that do not begin with a `//!` sentence", &bare);
}

#[test]
fn modules_are_named_files() {
    let named_mod = rust()
        .into_iter()
        .map(|page| page.path)
        .filter(|path| path.ends_with("/mod.rs"));
    assert_none("foo.rs + foo/bar.rs, not foo/mod.rs", &named_mod.collect::<Vec<_>>());
}

#[test]
fn nothing_is_silenced_or_left_open() {
    // In two halves, so that this file passes its own check.
    let banned = [
        concat!("#[al", "low("),
        concat!("#![al", "low("),
        concat!("#[ig", "nore"),
        concat!("#[should", "_panic"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    assert_none("unfinished or silenced", &lines_with(&rust(), &banned));
}

#[test]
fn the_tree_names_no_machine_and_no_mirror() {
    let banned = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/runner"),
        concat!("index", "-url"),
        concat!("arti", "factory"),
        concat!("mirror", "s/"),
    ];
    let everything: Vec<_> = pages()
        .into_iter()
        .filter(|page| !page.path.ends_with(".lock"))
        .collect();
    assert_none("paths or hosts of one machine", &lines_with(&everything, &banned));
}

fn lines_with(pages: &[Page], banned: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for page in pages {
        for (number, line) in page.text.lines().enumerate() {
            if let Some(word) = banned.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{}: {word}", page.path, number + 1));
            }
        }
    }
    found
}
