//! Documents and scripts: what must exist exists, what a page points at is there.

use super::{assert_none, pages, read, root};

#[test]
fn what_a_newcomer_looks_for_is_there() {
    let wanted = [
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "Cargo.lock",
        ".ci/run",
        ".deny.toml",
        "clippy.toml",
        "rustfmt.toml",
        "docs/architecture.md",
        "tests/fuzz",
    ];
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|path| !root().join(path).is_file())
        .map(str::to_owned)
        .collect();
    assert_none("missing files", &missing);
}

#[cfg(unix)]
#[test]
fn scripts_are_executable() {
    use std::os::unix::fs::PermissionsExt as _;

    let scripts = pages().into_iter().filter(|page| page.text.starts_with("#!/"));
    let dull = scripts.map(|page| page.path).filter(|path| {
        let metadata = root().join(path).metadata().expect("a file that was just read");
        metadata.permissions().mode() & 0o111 == 0
    });
    assert_none("scripts that cannot be run", &dull.collect::<Vec<_>>());
}

#[test]
fn readme_has_the_two_commands_first() {
    let readme = read("README.md");
    let commands: Vec<_> = readme
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("cargo "))
        .take(2)
        .collect();
    assert_eq!(commands, ["cargo run --release -- sandbox", "cargo test --workspace"]);
}

#[test]
fn architecture_names_every_crate() {
    let page = read("docs/architecture.md");
    let crates = root().join("crates").read_dir().expect("crates/");
    let missing: Vec<_> = crates
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !page.contains(&format!("  {name}/ ")))
        .collect();
    assert_none("crates that the map leaves out", &missing);
}
