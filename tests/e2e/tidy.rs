//! What the compiler cannot check about the tree: who may use whom, how long a file may be, that links resolve.
//!
//! Every check collects what it finds and fails once, with the whole list.

mod documents;
mod edges;
mod modules;
mod named;
mod picture;
mod sources;
mod tokens;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours: what git, cargo, Python and the fuzzer leave behind.
const NOT_OURS: [&str; 6] = [".git", "target", "__pycache__", "corpus", "artifacts", "coverage"];

/// The top of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is a folder of the workspace")
}

/// One file of the tree, as text.
struct Page {
    /// Relative to the workspace, with `/` between the parts.
    path: String,
    text: String,
}

impl Page {
    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }
}

/// Every text file of the tree. Files that are not UTF-8 (data) are left out.
fn pages() -> Vec<Page> {
    let mut found = Vec::new();
    walk(root(), &mut |path| {
        if let Ok(text) = fs::read_to_string(path) {
            found.push(Page {
                path: relative(path),
                text,
            });
        }
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 30, "the walk found only {} files", found.len());
    found
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let entry = entry.expect("a readable folder entry");
        let name = entry.file_name();
        let kind = entry.file_type().expect("a file type");
        if NOT_OURS.iter().any(|skipped| name == *skipped) {
            continue;
        } else if kind.is_dir() {
            walk(&entry.path(), visit);
        } else if kind.is_file() {
            visit(&entry.path());
        }
    }
}

fn relative(path: &Path) -> String {
    let parts: Vec<_> = path
        .strip_prefix(root())
        .expect("below the root")
        .iter()
        .map(|p| p.to_string_lossy())
        .collect();
    parts.join("/")
}

fn read(path: &str) -> String {
    let full: PathBuf = root().join(path);
    fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}
