//! The threat model names files and tests: each is there, under that name.

use super::{Page, assert_none, pages, read};

const DOCUMENT: &str = "docs/threat-model.md";

#[test]
fn every_file_and_test_that_the_threat_model_names_exists() {
    let pages = pages();
    let document = read(DOCUMENT);
    let files = files_in(&document);
    let items = items_in(&document);
    assert!(
        files.len() > 30 && items.len() > 40,
        "{} files, {} tests",
        files.len(),
        items.len()
    );
    let mut missing: Vec<_> = files.into_iter().filter(|file| !has_file(&pages, file)).collect();
    missing.extend(items.into_iter().filter(|item| !has_item(&pages, item)));
    assert_none(&format!("{DOCUMENT} names what is not there"), &missing);
}

/// Words that end like a source file's name, links of the page aside.
fn files_in(document: &str) -> Vec<String> {
    let is_outside = |c: char| !(c.is_ascii_alphanumeric() || "._/-".contains(c));
    let without_links = document
        .split("](")
        .enumerate()
        .map(|(index, part)| match part.split_once(')') {
            Some((_, rest)) if index > 0 => rest,
            _ => part,
        });
    let words = without_links.flat_map(|part| part.split(is_outside));
    let names = words.map(|word| word.trim_end_matches(['.', '/']));
    names
        .filter(|word| [".rs", ".py"].iter().any(|end| word.ends_with(end)))
        .map(str::to_owned)
        .collect()
}

/// Everything in backticks that is a path of Rust's, or a test of Python's.
fn items_in(document: &str) -> Vec<String> {
    let quoted = document.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|text| {
            let is_name = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            text.split("::").all(is_name) && (text.contains("::") || text.starts_with("test_"))
        })
        .map(str::to_owned)
        .collect()
}

/// A whole path, or its end.
fn has_file(pages: &[Page], file: &str) -> bool {
    pages
        .iter()
        .any(|page| page.path == file || page.path.ends_with(&format!("/{file}")))
}

/// A function of this name, or a row of a macro that makes one, in the file, folder, module or type that stands before it.
fn has_item(pages: &[Page], item: &str) -> bool {
    let Some((place, name)) = item.rsplit_once("::") else {
        return pages.iter().any(|page| page.text.contains(&format!("def {item}(")));
    };
    let place = place.rsplit("::").next().unwrap_or(place);
    let (function, row) = (format!("fn {name}("), format!("\n    {name}: \""));
    pages.iter().any(|page| {
        let is_file = page.path.trim_end_matches(".rs").split('/').any(|part| part == place);
        let is_inside = ["mod", "struct", "enum", "impl"]
            .iter()
            .any(|word| page.text.contains(&format!("{word} {place} ")));
        page.has_extension("rs")
            && [&function, &row].iter().any(|text| page.text.contains(*text))
            && (is_file || is_inside)
    })
}

#[test]
fn what_is_not_there_is_found() {
    let page = |path: &str, text: &str| Page {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let pages = [
        page("tests/e2e/hosts.rs", "fn others() {}"),
        page("tests/outside/test_a.py", "def test_one(a):"),
    ];
    let document = "| a | `hosts::others`, `hosts::nobody`, `heads::others` | tests/e2e/hosts.rs, test_a.py `test_one`, `test_two` |\n\
                    | b ([c](d/e.rs)) | proxy/hosts.rs, e2e/hosts.rs. | `sts:GetSessionToken`, `x::y z` |";
    let (files, items) = (files_in(document), items_in(document));
    assert_eq!(
        files,
        ["tests/e2e/hosts.rs", "test_a.py", "proxy/hosts.rs", "e2e/hosts.rs"]
    );
    assert_eq!(
        items,
        [
            "hosts::others",
            "hosts::nobody",
            "heads::others",
            "test_one",
            "test_two"
        ]
    );
    let missing: Vec<_> = files.iter().filter(|file| !has_file(&pages, file)).collect();
    assert_eq!(missing, ["proxy/hosts.rs"]);
    let missing: Vec<_> = items.iter().filter(|item| !has_item(&pages, item)).collect();
    assert_eq!(missing, ["hosts::nobody", "heads::others", "test_two"]);
}
