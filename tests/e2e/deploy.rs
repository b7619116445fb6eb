//! The configurations below `deploy/` are ones the program takes, and its images are ones that are pinned.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use signing_proxy::config::{Config, Environment};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn check(name: &str, toml: &str) {
    let config = Config::from_toml(toml, &Environment::empty()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!config.connections.is_empty(), "{name}");
    let shared = config.server.listen.expect("a shared listener");
    assert!(
        shared.ip().is_loopback(),
        "{name}: clients that are not authenticated stay on loopback"
    );
}

#[test]
fn the_compose_files_configuration_loads() {
    check("compose/signing-proxy.toml", &read("compose/signing-proxy.toml"));
}

#[test]
fn the_pods_configuration_loads() {
    let manifest = read("kubernetes/sidecar.yaml");
    let (_, block) = manifest.split_once("signing-proxy.toml: |\n").expect("the ConfigMap");
    let lines = block
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    let toml: Vec<_> = lines
        .map(|line| line.strip_prefix("    ").unwrap_or_default())
        .collect();
    // The one path that must exist when it loads.
    let spool = tempfile::tempdir().expect("a folder");
    let toml = toml.join("\n").replace("\"/spool\"", &format!("{:?}", spool.path()));
    check("kubernetes/sidecar.yaml", &toml);
}

/// What operators build themselves: it has no digest before.
const OWN: [&str; 2] = ["signing-proxy:latest", "my-robot:latest"];

/// `FILE:LINE:NAME` of every image and action that anything below `deploy/` and `.github/` is made of, whatever the file
/// is called. Read in another way than the script reads them.
fn images() -> BTreeSet<String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::from("deploy"), PathBuf::from(".github")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(top.join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("a type").is_dir() {
                folders.push(path);
                continue;
            }
            if path.ends_with("pin-images") {
                continue;
            }
            let text = fs::read_to_string(entry.path()).expect("a text");
            let mut stages = Vec::new();
            for (index, line) in text.lines().enumerate() {
                if let Some(name) = image(line, &mut stages) {
                    found.insert(format!("{}:{}:{name}", path.display(), index + 1));
                }
            }
        }
    }
    found
}

/// The image or action that this line uses; `stages` are the names of the file's own images so far.
fn image(line: &str, stages: &mut Vec<String>) -> Option<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let name = match words.as_slice() {
        ["FROM", rest @ ..] => {
            let mut rest = rest.iter().skip_while(|word| word.starts_with("--"));
            let name = rest.next()?;
            stages.extend(rest.nth(1).map(|stage| (*stage).to_owned()));
            name
        }
        ["COPY", from, ..] => from.strip_prefix("--from=")?,
        ["image:" | "uses:", name, ..] | ["-", "image:" | "uses:", name, ..] => name,
        [comment, ..] if line.starts_with('#') && comment.contains("syntax=") => comment.split_once('=')?.1,
        ["#", syntax, ..] => syntax.strip_prefix("syntax=")?,
        _ => return None,
    };
    let is_ours = OWN.contains(&name) || stages.iter().any(|stage| stage == name);
    (!is_ours).then(|| name.trim_matches(['"', '\'']).to_owned())
}

#[test]
fn every_image_is_one_that_the_script_pins() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/pin-images");
    let output = Command::new(script).arg("--list").output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let listed: BTreeSet<_> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, images());
    let kinds = ["deploy/Dockerfile:", "deploy/compose/", ".github/workflows/"];
    for kind in kinds {
        assert!(listed.iter().any(|line| line.starts_with(kind)), "{kind} {listed:?}");
    }
}
