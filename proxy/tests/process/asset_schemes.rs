//! What is taken for a reference to a secret, for the secret itself, or for a mistake: seen by loading a configuration.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Whether a configuration with this secret is loaded, and all that the program writes.
fn check(secret: &str, more: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("signing-proxy.toml");
    let toml = format!(
        "[connections.store]\nservice = \"s3\"\nregion = \"us-east-1\"\nendpoint = \"http://127.0.0.1:9\"\n\
         [connections.store.auth]\nmethod = \"access-key\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\n\
         secret_access_key = \"{secret}\"\n{more}"
    );
    fs::write(&file, toml).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_signing-proxy"))
        .args(["config", "check", "--config"])
        .arg(&file)
        .env_remove("SIGNING_PROXY_CONFIG")
        .output()
        .expect("the program runs");
    let written = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&written).into_owned())
}

#[test]
fn an_unknown_scheme_is_an_error_that_names_the_nearest_and_never_the_secret() {
    for (secret, want) in [
        ("evn:hunter2", "did you mean env:?"),
        ("ENV:hunter2", "did you mean env:?"),
        ("secretsmanger:hunter2", "did you mean secretsmanager:?"),
        ("vualt:kv/a#hunter2", "did you mean vault:?"),
        (
            "gcp:hunter2",
            "there are env:, file:, exec:, vault:, secretsmanager:, ssm: and literal:",
        ),
        ("my:hunter2", "literal:TEXT"),
        ("hunter2:x", "literal:TEXT"),
    ] {
        let (is_loaded, text) = check(secret, "");
        assert!(!is_loaded && text.contains(want), "{secret}: {text}");
        assert!(
            text.contains("literal:TEXT") && !text.contains("hunter2"),
            "{secret}: {text}"
        );
    }
}

#[test]
fn literal_is_the_way_to_write_a_secret_that_looks_like_a_reference() {
    for secret in ["literal:my:secret", "literal:evn:NAME", "literal:literal:x"] {
        let (is_loaded, text) = check(secret, "");
        assert!(is_loaded, "{secret}: {text}");
    }
}

#[test]
fn what_does_not_begin_with_a_word_and_a_colon_is_the_secret_itself() {
    for secret in [
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "a+b:c",
        "a/b:c",
        "a=b:c",
        "9a:b",
        ":a",
    ] {
        let (is_loaded, text) = check(secret, "");
        assert!(is_loaded, "{secret}: {text}");
    }
    let token = "[assets.vault]\naddress = \"http://127.0.0.1:8200\"\n[assets.vault.auth]\nmethod = \"token\"\n\
                 token = \"hvs.CAESIJlU9JMYEhOPYv4igdhm9PnZDrabYTobQ4Ymnlq1qY\"\n";
    let session = "session_token = \"FwoGZXIvYXdzEBYaDHqa0AP1+/x==\"\n";
    for more in [session, token] {
        let (is_loaded, text) = check("wJalrXUtnFEMI", more);
        assert!(is_loaded, "{more}: {text}");
    }
}

#[test]
fn an_external_id_is_no_reference() {
    let more = "[identities.acme]\norganisation = \"Acme\"\naccess_key_id = \"AKIAI44QH8DHBEXAMPLE\"\n\
                secret_access_key = \"literal:my:secret\"\n\
                [connections.customer]\nservice = \"s3\"\nregion = \"us-east-1\"\n[connections.customer.auth]\n\
                method = \"managed-cross-account\"\nidentity = \"acme\"\n\
                role_arn = \"arn:aws:iam::111122223333:role/reader\"\nexternal_id = \"evn:acme:7\"\n";
    let (is_loaded, text) = check("wJalrXUtnFEMI", more);
    assert!(is_loaded, "{text}");
}

#[test]
fn every_scheme_is_in_the_documentation() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = all_text(&docs);
    for scheme in sts_client::asset_schemes().iter() {
        let reference = format!("`{}:", scheme.name());
        assert!(text.contains(&reference), "{reference} is described nowhere in docs/");
    }
}

fn all_text(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text += &all_text(&path);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            text += &fs::read_to_string(&path).expect("a page");
        }
    }
    text
}
