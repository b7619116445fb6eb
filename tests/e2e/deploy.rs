//! The configurations below `deploy/` are ones the program takes.

use std::fs;
use std::path::Path;

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
