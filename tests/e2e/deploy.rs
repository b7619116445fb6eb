//! The configurations below `deploy/` are ones the program takes, and its images are ones that are pinned.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proxy_config::Config;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn check(name: &str, toml: &str) {
    let config =
        Config::from_toml(toml, &crate::support::environment()).unwrap_or_else(|error| panic!("{name}: {error}"));
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

/// The unit as systemd reads it, but for the program, which is not installed here.
#[cfg(target_os = "linux")]
#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = folder.path().join("signing-proxy.service");
    let verify = |text: &str| {
        fs::write(&unit, text).expect("a file");
        Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&unit)
            .output()
    };
    let text = read("systemd/signing-proxy.service").replace("/usr/bin/signing-proxy", "/bin/true");
    let Ok(output) = verify(&text) else {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!is_ci, "systemd-analyze is missing");
        println!("systemd-analyze is missing: nothing is tested");
        return;
    };
    let found = |output: std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(found(output), "");
    // As it says of a key that it does not know.
    let wrong = verify(&text.replace("WatchdogSec=", "WatchdogSecs=")).expect("it runs");
    assert!(found(wrong).contains("Unknown key"), "the test sees nothing");
}

/// What the proxy reports, the unit expects.
#[test]
fn the_unit_waits_for_readiness_and_reloads_by_the_signal() {
    let unit = read("systemd/signing-proxy.service");
    for line in [
        "Type=notify",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WatchdogSec=30",
        "Restart=on-failure",
        "RestartPreventExitStatus=8",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    let later = read("systemd/notify-reload.conf");
    let settings: Vec<_> = later.lines().filter(|line| !line.starts_with('#')).collect();
    // With the signal that systemd sends itself, the unit's own would be a second one.
    assert_eq!(settings, ["[Service]", "Type=notify-reload", "ExecReload="]);
}

/// Containers have no shell, so each check is the program itself, with arguments that it takes.
#[test]
fn containers_are_checked_by_the_program_itself() {
    let command = |text: &str, before: &str| {
        let (_, list) = text.split_once(before).expect("a health check");
        let list = list.lines().next().expect("a line");
        serde_json::from_str::<Vec<String>>(list).expect("a list of words")
    };
    let of_image = command(
        &read("Dockerfile"),
        "HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \\\n    CMD ",
    );
    let of_compose = command(&read("compose/compose.yaml"), "test: ");
    let words = ["/usr/bin/signing-proxy", "healthcheck", "--config"];
    let file = "/etc/signing-proxy/signing-proxy.toml";
    assert_eq!(of_image, [&words[..], &[file]].concat());
    assert_eq!(of_compose, [&["CMD"], &words[..], &[file]].concat());
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

/// What `docker buildx imagetools inspect` prints of an image of two platforms, as a table or, with a format, as indented JSON.
const DOCKER: &str = r#"#!/usr/bin/env bash
[ "$1 $2 $3" = "buildx imagetools inspect" ] || exit 1
list=sha256:1111111111111111111111111111111111111111111111111111111111111111
platform=sha256:2222222222222222222222222222222222222222222222222222222222222222
attestation=sha256:3333333333333333333333333333333333333333333333333333333333333333
case $* in *absent*) echo "ERROR: $4: not found" >&2; exit 1 ;; esac
case $* in
  *--format*)
    cat <<JSON
{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "digest": "$list",
  "size": 9218,
  "manifests": [
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "$platform",
      "size": 1022
    },
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "$attestation",
      "size": 841
    }
  ]
}
JSON
    ;;
  *)
    cat <<TABLE
Name:      $4
MediaType: application/vnd.oci.image.index.v1+json
Digest:    $list

Manifests:
  Name:        $4@$platform
  MediaType:   application/vnd.oci.image.manifest.v1+json
  Platform:    linux/amd64
  Digest:      $platform

  Name:        $4@$attestation
  MediaType:   application/vnd.oci.image.manifest.v1+json
  Platform:    unknown/unknown
  Annotations:
    vnd.docker.reference.digest: $platform
    vnd.docker.reference.type:   attestation-manifest
TABLE
    ;;
esac
"#;

/// What `git ls-remote` prints of an annotated tag: the tag, and the commit behind it.
const GIT: &str = "#!/bin/sh\n\
                   printf '4444444444444444444444444444444444444444\\trefs/tags/v4\\n'\n\
                   printf '5555555555555555555555555555555555555555\\trefs/tags/v4^{}\\n'\n";

/// The script in a tree of its own with this Dockerfile, before programs that print what the real ones do.
fn pin(dockerfile: &str, arguments: &[&str]) -> (bool, String, String) {
    use std::os::unix::fs::PermissionsExt as _;

    let tree = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    };
    write("deploy/pin-images", &read("pin-images"));
    write("deploy/Dockerfile", dockerfile);
    write(".github/workflows/a.yml", "steps:\n  - uses: actions/checkout@v4\n");
    write("bin/docker", DOCKER);
    write("bin/git", GIT);
    let path = std::env::var_os("PATH").expect("a path");
    let output = Command::new(tree.path().join("deploy/pin-images"))
        .args(arguments)
        .env(
            "PATH",
            format!("{}:{}", tree.path().join("bin").display(), path.display()),
        )
        .output()
        .expect("it runs");
    let now = |path: &str| fs::read_to_string(tree.path().join(path)).expect("a file");
    (
        output.status.success(),
        now("deploy/Dockerfile"),
        now(".github/workflows/a.yml"),
    )
}

#[test]
fn images_are_pinned_by_the_digest_of_their_list_and_actions_by_their_commit() {
    let list = format!("sha256:{}", "1".repeat(64));
    let (ended_well, dockerfile, workflow) = pin("FROM rust:1.95 AS build\nFROM build\n", &[]);
    assert!(ended_well);
    assert_eq!(dockerfile, format!("FROM rust:1.95@{list} AS build\nFROM build\n"));
    assert_eq!(
        workflow,
        format!("steps:\n  - uses: actions/checkout@{} # v4\n", "5".repeat(40))
    );
    // What is pinned stays, and passes the check; what is not fails it, and where one cannot be resolved none is changed.
    let pinned = format!("FROM rust:1.95@sha256:{}\n", "6".repeat(64));
    assert_eq!(pin(&pinned, &[]).1, pinned);
    assert!(!pin(&pinned, &["--check"]).0, "the action is not pinned");
    let (ended_well, dockerfile, workflow) = pin("FROM rust:1.95\nCOPY --from=absent:1 / /\n", &[]);
    assert!(!ended_well && dockerfile.starts_with("FROM rust:1.95\n"));
    assert_eq!(workflow, "steps:\n  - uses: actions/checkout@v4\n");
}

/// What builds a release has a version, and nothing but the list of files may be published by what built them.
#[test]
fn the_release_is_built_by_pinned_tools_without_rights_to_publish() {
    let workflow = read("../.github/workflows/release.yml");
    let installs = workflow.lines().filter(|line| line.contains("cargo install"));
    for line in installs {
        assert!(
            line.contains("--locked --version") && line.contains(".ci/run"),
            "{line}"
        );
    }
    let (_, build) = workflow.split_once("\n  build:\n").expect("a job that builds");
    let (build, publish) = build.split_once("\n  publish:\n").expect("a job that publishes");
    assert!(
        build.contains("cargo auditable build") && !build.contains(": write"),
        "{build}"
    );
    assert!(
        publish.contains("needs: build") && publish.contains("contents: write"),
        "{publish}"
    );
    assert!(
        !publish.contains("cargo") && !publish.contains("actions/checkout"),
        "{publish}"
    );
    let pins = read("../.ci/run");
    for tool in ["cargo_auditable=", "cargo_cyclonedx=", "cargo_deny="] {
        let version = pins
            .lines()
            .find_map(|line| line.strip_prefix(tool))
            .expect("a version");
        assert_eq!(version.split('.').count(), 3, "{tool}{version}");
    }
}
