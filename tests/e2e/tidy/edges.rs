//! The dependency table of `docs/architecture.md` is the truth about the crates.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::{assert_none, pages, read, root};

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The rows of the table whose second column is `may use (ours)`. Only rows that list crates by name bind here:
/// the last two (`proxy`, `tests`) say "all …" and are checked by hand below.
fn table() -> (Edges, BTreeSet<String>) {
    let page = read("docs/architecture.md");
    let mut edges = Edges::new();
    let mut open = BTreeSet::new();
    let rows = page.lines().skip_while(|line| !line.contains("may use (ours)")).skip(2);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (name, uses) = (cells[0].to_owned(), cells[1]);
        if uses.starts_with("all") {
            open.insert(name);
        } else {
            edges.insert(
                name,
                uses.split(',')
                    .map(str::trim)
                    .filter(|used| *used != "-")
                    .map(str::to_owned)
                    .collect(),
            );
        }
    }
    (edges, open)
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version=1",
            "--manifest-path",
        ])
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// Our crates and, of each, the ones of ours it depends on of the wanted kind.
fn dependencies(metadata: &Value, wanted: impl Fn(&Value) -> bool) -> Edges {
    let packages = metadata["packages"].as_array().expect("packages");
    let names: BTreeSet<_> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let ours = |package: &Value| {
        let listed = package["dependencies"].as_array().expect("dependencies").iter();
        listed
            .filter(|dependency| wanted(dependency))
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|name| names.contains(name))
            .map(str::to_owned)
            .collect()
    };
    packages
        .iter()
        .map(|package| (package["name"].as_str().expect("a name").to_owned(), ours(package)))
        .collect()
}

/// The page calls the packages by the folder's name.
const FOLDER_NAMES: [(&str, &str); 2] = [("proxy", "signing-proxy"), ("tests", "e2e")];

/// Of every kind: the tests of a crate stay within its edges too.
#[test]
fn crates_use_only_what_the_table_allows() {
    let (table, _) = table();
    let found = dependencies(&metadata(), |_| true);
    let mut wrong = Vec::new();
    for (name, uses) in &table {
        match found.get(name) {
            Some(found) => wrong.extend(found.difference(uses).map(|extra| format!("{name} uses {extra}"))),
            None => wrong.push(format!("{name}: in the table, but no such crate")),
        }
    }
    assert_none("edges that docs/architecture.md does not have", &wrong);
}

#[test]
fn every_crate_has_its_row() {
    let (table, open) = table();
    let rows: BTreeSet<_> = table.into_keys().chain(open).collect();
    let packages = dependencies(&metadata(), |_| false).into_keys();
    let called = |name: String| {
        FOLDER_NAMES
            .iter()
            .find(|(_, package)| *package == name)
            .map_or(name, |(folder, _)| (*folder).to_owned())
    };
    assert_eq!(packages.map(called).collect::<BTreeSet<_>>(), rows);
}

#[test]
fn proxy_has_the_sandbox_behind_its_feature_only() {
    let metadata = metadata();
    let required = dependencies(&metadata, |dependency| {
        dependency["kind"].is_null() && dependency["optional"] == false
    });
    assert!(!required["signing-proxy"].contains("sandbox"));
    assert!(!required["signing-proxy"].contains("e2e"));
    let package = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .find(|package| package["name"] == "signing-proxy");
    assert_eq!(
        package.expect("the proxy")["features"]["sandbox"],
        serde_json::json!(["dep:sandbox"])
    );
}

#[test]
fn manifests_inherit_versions_and_lints() {
    let mut wrong = Vec::new();
    for page in pages()
        .iter()
        .filter(|page| page.path.ends_with("/Cargo.toml") && !page.path.starts_with("fuzz/"))
    {
        let mut section = "";
        for line in page.text.lines() {
            let line = line.trim();
            if line.starts_with('[') {
                section = line;
            } else if section.ends_with("dependencies]") && line.contains(" = ") && !line.contains("workspace = true") {
                wrong.push(format!("{}: `{line}` has a version of its own", page.path));
            }
        }
        // tests/ sets its own, without the panic and print bans.
        if page.path != "tests/Cargo.toml" && !page.text.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{}: does not take the workspace's lints", page.path));
        }
    }
    assert_none("versions and lints are set once, in the workspace", &wrong);
}

#[test]
fn every_dependency_comes_from_the_public_registry() {
    let lock = read("Cargo.lock");
    let sources = lock.lines().filter_map(|line| line.strip_prefix("source = "));
    let strange: Vec<_> = sources
        .filter(|source| *source != "\"registry+https://github.com/rust-lang/crates.io-index\"")
        .map(str::to_owned)
        .collect();
    assert_none("Cargo.lock names other sources than crates.io", &strange);
}
