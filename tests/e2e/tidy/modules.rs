//! The module tables of `docs/architecture.md` are the truth about the modules of each crate; there is no cycle, and no
//! crate grows beyond its share.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{is_test, production_lines};
use super::tokens::{Token, tokens};
use super::{Page, assert_none, pages, read};

/// Module to the modules that it uses, in one crate.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// A crate with more lines than this, of all, has a table of its modules.
const LARGE_PERCENT: usize = 5;

/// No crate has more of all production lines.
const LARGEST_PERCENT: usize = 20;

/// The Rust files of each crate's `src`, by the folder of the crate.
fn crates() -> BTreeMap<String, Vec<Page>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for page in pages().into_iter().filter(|page| page.has_extension("rs")) {
        if let Some((name, _)) = page.path.split_once("/src/") {
            let name = name.strip_prefix("crates/").unwrap_or(name).to_owned();
            found.entry(name).or_default().push(page);
        }
    }
    found.retain(|name, _| name != "tests" && name != "fuzz");
    assert!(found.len() > 8, "only {} crates", found.len());
    found
}

/// The top-level modules of a crate and whom each uses, tests aside.
fn edges(files: &[Page]) -> Edges {
    let place = |page: &Page| page.path.split_once("/src/").map(|(_, inside)| inside.to_owned());
    let module = |inside: &str| inside.split(['/', '.']).next().unwrap_or_default().to_owned();
    let modules: BTreeSet<_> = files.iter().filter_map(place).map(|inside| module(&inside)).collect();
    let mut found = Edges::new();
    for page in files.iter().filter(|page| !is_test(page)) {
        let inside = place(page).expect("a file below src/");
        let from = module(&inside);
        // These hold the crate together and may name every module.
        if ["lib", "main"].contains(&from.as_str()) {
            continue;
        }
        let depth = inside.matches('/').count() + 1;
        let tokens = tokens(&page.path, &page.text, true);
        let used = roots(&tokens, depth).into_iter();
        let others = used.filter(|name| *name != from && modules.contains(name));
        found.entry(from.clone()).or_default().extend(others);
    }
    found
}

/// The first name of each path that begins at the crate's root: behind `crate::`, or behind as many `super::` as the file
/// lies deep; also of each branch of a `use` with braces.
fn roots(tokens: &[Token], depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut supers = 0;
    for (at, token) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        let Some([Token::Mark(':'), Token::Mark(':'), then @ ..]) = tokens.get(at + 1..) else {
            supers = 0;
            continue;
        };
        supers = if name == "super" { supers + 1 } else { 0 };
        if name != "crate" && supers != depth {
            continue;
        }
        match then {
            [Token::Name(root), ..] => {
                found.insert(root.clone());
            }
            [Token::Mark('{'), inside @ ..] => branches(inside, &mut found),
            _ => {}
        }
    }
    found
}

/// The first names between braces, up to the closing one.
fn branches(inside: &[Token], found: &mut BTreeSet<String>) {
    let (mut open, mut is_first) = (0, true);
    for token in inside {
        match token {
            Token::Mark('{') => open += 1,
            Token::Mark('}') if open == 0 => return,
            Token::Mark('}') => open -= 1,
            Token::Mark(',') if open == 0 => is_first = true,
            Token::Name(name) if open == 0 && is_first => {
                found.insert(name.clone());
                is_first = false;
            }
            _ => {}
        }
    }
}

/// The modules that reach themselves again.
fn cycle(edges: &Edges) -> BTreeSet<String> {
    let reached = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = edges.get(from).into_iter().flatten().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        seen
    };
    edges
        .keys()
        .filter(|module| reached(module).contains(*module))
        .cloned()
        .collect()
}

#[test]
fn modules_of_a_crate_have_no_cycle() {
    let cycles: Vec<_> = crates()
        .iter()
        .map(|(name, files)| (name, cycle(&edges(files))))
        .filter(|(_, cycle)| !cycle.is_empty())
        .map(|(name, cycle)| format!("{name}: {cycle:?}"))
        .collect();
    assert_none("dependency cycles between modules", &cycles);
}

/// The rows below `### Modules of NAME`, by crate: module, and what its second column lets it use.
fn tables() -> BTreeMap<String, Edges> {
    let page = read("docs/architecture.md");
    let mut found = BTreeMap::<_, Edges>::new();
    let mut current = None;
    for line in page.lines() {
        if line.starts_with('#') {
            current = line
                .strip_prefix("### Modules of ")
                .map(|name| name.trim().trim_matches('`').to_owned());
        } else if let (Some(name), true) = (&current, line.starts_with("| `")) {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let uses = cells.get(1).copied().unwrap_or_default().split(',').map(str::trim);
            let uses = uses
                .map(|name| name.trim_matches('`').to_owned())
                .filter(|name| name != "-");
            let rows = found.entry(name.clone()).or_default();
            for module in cells[0].split(',').map(|module| module.trim().trim_matches('`')) {
                rows.insert(module.to_owned(), uses.clone().collect());
            }
        }
    }
    found
}

fn lines(files: &[Page]) -> usize {
    files.iter().map(production_lines).sum()
}

#[test]
fn modules_use_only_what_their_table_allows() {
    let (crates, tables) = (crates(), tables());
    let total: usize = crates.values().map(|files| lines(files)).sum();
    let mut wrong = Vec::new();
    for (name, files) in &crates {
        let Some(table) = tables.get(name) else {
            if lines(files) * 100 > total * LARGE_PERCENT {
                wrong.push(format!(
                    "{name}: a large crate without a table \"### Modules of `{name}`\""
                ));
            }
            continue;
        };
        for (module, uses) in edges(files) {
            match table.get(&module) {
                None => wrong.push(format!("{name}: {module} has no row")),
                Some(allowed) => {
                    wrong.extend(
                        uses.difference(allowed)
                            .map(|used| format!("{name}: {module} uses {used}")),
                    );
                    wrong.extend(
                        allowed
                            .difference(&uses)
                            .map(|used| format!("{name}: {module} does not use {used}")),
                    );
                }
            }
        }
    }
    assert_none(
        "edges that differ from the module tables of docs/architecture.md",
        &wrong,
    );
}

#[test]
fn no_crate_has_more_than_its_share_of_the_lines() {
    let crates = crates();
    let total: usize = crates.values().map(|files| lines(files)).sum();
    let large: Vec<_> = crates
        .iter()
        .map(|(name, files)| (name, lines(files)))
        .filter(|(_, lines)| lines * 100 > total * LARGEST_PERCENT)
        .map(|(name, lines)| format!("{name}: {lines} of {total}"))
        .collect();
    assert_none("crates over 20 % of the production lines", &large);
}

#[test]
fn roots_of_paths_are_found() {
    let text = "use crate::a::B; use crate::{c, d::{e, f}, g as h}; use super::super::i::J; fn k() { super::l(); crate::m::n(); }";
    let found = roots(&tokens("a.rs", text, true), 2);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "c", "d", "g", "i", "m"]);
    let edges = Edges::from([
        ("a".to_owned(), BTreeSet::from(["b".to_owned()])),
        ("b".to_owned(), BTreeSet::from(["c".to_owned()])),
        ("c".to_owned(), BTreeSet::from(["b".to_owned()])),
    ]);
    assert_eq!(cycle(&edges).into_iter().collect::<Vec<_>>(), ["b", "c"]);
}
