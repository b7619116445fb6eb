//! Documents and scripts: what must exist exists, what a page points at is there.

use std::collections::BTreeSet;
use std::process::Command;

use super::{Page, assert_none, pages, read, root};

#[test]
fn what_a_newcomer_looks_for_is_there() {
    let wanted = [
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "Cargo.lock",
        ".ci/run",
        ".ci/long",
        ".deny.toml",
        ".editorconfig",
        ".github/dependabot.yml",
        ".github/pull_request_template.md",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        "clippy.toml",
        "rust-toolchain.toml",
        "rustfmt.toml",
        "docs/architecture.md",
        "docs/check.md",
        "docs/clients.md",
        "docs/configuration.md",
        "docs/releasing.md",
        "docs/threat-model.md",
        "deploy/Dockerfile",
        "deploy/README.md",
        "deploy/example.toml",
        "tests/fuzz",
        "tests/instructions",
        "tests/outside/run",
    ];
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|path| !root().join(path).is_file())
        .map(str::to_owned)
        .collect();
    assert_none("missing files", &missing);
}

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

/// The tables of section 3, under the name of their crate.
#[test]
fn architecture_names_modules_that_exist() {
    let page = read("docs/architecture.md");
    let section = page.split("\n## ").find(|section| section.starts_with("3. "));
    let (mut folder, mut missing, mut named) = (String::new(), Vec::new(), 0);
    for line in section.expect("a section 3").lines() {
        if let Some(name) = line.strip_prefix("### ") {
            folder = match name {
                "proxy" => "proxy/src".to_owned(),
                name => format!("crates/{name}/src"),
            };
        }
        let Some((cell, _)) = line.strip_prefix("| `").and_then(|row| row.split_once(" |")) else {
            continue;
        };
        for module in cell.split([',', '`', ' ']).filter(|word| !word.is_empty()) {
            named += 1;
            if !root().join(&folder).join(format!("{module}.rs")).is_file() {
                missing.push(format!("{folder}/{module}.rs"));
            }
        }
    }
    assert!(named > 60, "the tables name only {named} modules");
    assert_none(
        "modules that docs/architecture.md names and that are not there",
        &missing,
    );
}

#[test]
fn every_step_of_the_checks_is_documented_and_every_documented_step_is_there() {
    for script in [".ci/run", ".ci/long"] {
        let there = steps(script);
        let row = format!("| `{script} ");
        let rows: Vec<_> = read("docs/architecture.md")
            .lines()
            .filter_map(|line| Some(line.strip_prefix(&*row)?.split_once('`')?.0.to_owned()))
            .collect();
        assert_eq!(rows, there, "{script} and its rows in docs/architecture.md");
        let defined: BTreeSet<_> = read(script)
            .lines()
            .filter_map(|line| Some(line.strip_prefix("step_")?.split_once('(')?.0.to_owned()))
            .collect();
        assert_eq!(defined, there.iter().cloned().collect(), "the steps of {script}");
        let named = format!("{script} ");
        let unknown: Vec<_> = pages()
            .iter()
            .flat_map(|page| {
                page.text
                    .split('`')
                    .filter_map(|code| code.strip_prefix(&*named))
                    .flat_map(str::split_whitespace)
                    .filter(|step| !step.starts_with("--") && !step.starts_with("STEP"))
                    .filter(|step| !there.iter().any(|known| known == step))
                    .map(|step| format!("{}: {script} {step}", page.path))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_none("steps that are not there", &unknown);
    }
}

#[test]
fn the_forge_runs_every_step_and_the_oldest_toolchain() {
    let workflow = read(".github/workflows/ci.yml");
    let listed = workflow
        .lines()
        .skip_while(|line| line.trim() != "step:" || !line.starts_with("        "))
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let listed: Vec<_> = listed.map_while(|line| line.strip_prefix("- ")).collect();
    assert_eq!(listed, steps(".ci/run"), "the matrix of .github/workflows/ci.yml");
    // The version itself is written in Cargo.toml only.
    let reads = r#"sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml"#;
    assert!(
        workflow.contains(reads),
        "it does not read rust-version from Cargo.toml"
    );
}

/// The steps of a script, as it lists them.
fn steps(script: &str) -> Vec<String> {
    let output = Command::new(root().join(script)).arg("--list").output();
    let output = output.expect("the script runs");
    assert!(output.status.success(), "{script} --list: {output:?}");
    let text = String::from_utf8(output.stdout).expect("names");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_program_that_is_shipped_is_the_one_that_is_checked() {
    let features = "--package signing-proxy --no-default-features";
    let missing: Vec<_> = [".ci/run", "deploy/Dockerfile", ".github/workflows/release.yml"]
        .into_iter()
        .filter(|path| !read(path).contains(features))
        .map(str::to_owned)
        .collect();
    assert_none("builds of other features", &missing);
}

#[test]
fn every_fuzz_target_is_built_and_run() {
    let listed: BTreeSet<_> = read("fuzz/Cargo.toml")
        .lines()
        .filter_map(|line| {
            line.strip_prefix("path = \"fuzz_targets/")?
                .strip_suffix(".rs\"")
                .map(str::to_owned)
        })
        .collect();
    let files: BTreeSet<_> = pages()
        .iter()
        .filter_map(|page| {
            page.path
                .strip_prefix("fuzz/fuzz_targets/")?
                .strip_suffix(".rs")
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(
        listed, files,
        "fuzz/Cargo.toml and fuzz/fuzz_targets/ disagree; tests/fuzz runs what Cargo.toml lists"
    );
    assert!(!files.is_empty());
}

#[test]
fn links_lead_somewhere() {
    let pages: Vec<_> = pages().into_iter().filter(|page| page.has_extension("md")).collect();
    let broken: Vec<_> = pages
        .iter()
        .flat_map(|page| links(page).into_iter().filter_map(|link| broken(page, &link)))
        .collect();
    assert_none("links that lead nowhere", &broken);
}

/// The targets of `[text](target)` outside of code blocks.
fn links(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in page.text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        for piece in line.split("](").skip(1) {
            found.extend(piece.split_once(')').map(|(target, _)| target.to_owned()));
        }
    }
    found
}

fn broken(page: &Page, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let here = root().join(&page.path);
    let target = if file.is_empty() {
        here
    } else {
        here.parent()?.join(file)
    };
    if !target.exists() {
        return Some(format!("{}: {link}", page.path));
    }
    let heads_of = |text: String| {
        text.lines()
            .filter(|line| line.starts_with('#'))
            .map(slug)
            .collect::<Vec<_>>()
    };
    let known = anchor.is_empty()
        || heads_of(std::fs::read_to_string(&target).ok()?)
            .iter()
            .any(|head| head == anchor);
    (!known).then(|| format!("{}: {link} (no such heading)", page.path))
}

/// A heading's anchor, as the common renderers make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
