//! `[assets]`: settings that fit together, and references that have something to lead to.

use super::{REPORTS, read, reject};
use auth_model::VaultLogin;

const APPROLE: &str = "[assets.vault]\naddress = \"https://vault.internal:8200\"\n[assets.vault.auth]\n\
                       method = \"approle\"\nrole_id = \"env:ROLE\"\nsecret_id = \"file:/run/secret-id\"\n";

fn vault(body: &str) -> String {
    format!("[assets.vault]\n{body}{REPORTS}")
}

#[test]
fn each_method_has_its_keys() {
    let config = read(&format!("{APPROLE}{REPORTS}"), &[]).unwrap();
    let vault = config.assets.vault.unwrap();
    assert_eq!(vault.address.to_string(), "https://vault.internal:8200");
    assert!(matches!(vault.auth, VaultLogin::AppRole { mount, secret_id: Some(_), .. } if mount == "approle"));

    let kubernetes = APPROLE
        .replace("approle", "kubernetes")
        .replace("role_id = \"env:ROLE\"", "role = \"proxy\"")
        .replace("secret_id = \"file:/run/secret-id\"", "mount = \"clusters/blue\"");
    let vault = read(&format!("{kubernetes}{REPORTS}"), &[])
        .unwrap()
        .assets
        .vault
        .unwrap();
    let VaultLogin::Kubernetes { mount, role, jwt_file } = vault.auth else {
        panic!("another method");
    };
    assert_eq!((mount.as_str(), role.as_str()), ("clusters/blue", "proxy"));
    assert_eq!(
        jwt_file.to_string_lossy(),
        "/var/run/secrets/kubernetes.io/serviceaccount/token"
    );
}

#[test]
fn what_is_missing_or_does_not_belong_is_named() {
    reject(
        &vault("namespace = \"a b\"\nca_file = \"/nonexistent\"\ntimeout = \"2m\"\n"),
        &[
            "signing-proxy.toml:1:9: assets.vault.address: missing: it names the vault; must be a URL of scheme, \
             host and port, such as \"https://127.0.0.1:8333\"",
            "signing-proxy.toml:2:1: assets.vault.namespace: must be visible ASCII, such as \"team/a\"",
            "signing-proxy.toml:3:1: assets.vault.ca_file: cannot be read: No such file or directory (os error 2)",
            "signing-proxy.toml:4:1: assets.vault.timeout: must be a duration from \"1s\" to \"1m\"",
        ],
    );
    reject(
        &vault("address = \"https://vault\"\n"),
        &[
            "signing-proxy.toml:1:9: assets.vault.auth.method: missing: it selects how to log in to the vault; must be \
             \"token\", \"approle\" or \"kubernetes\"",
        ],
    );
    reject(
        &vault(
            "address = \"https://vault\"\n[assets.vault.auth]\nmethod = \"approle\"\nsecret_id = \"vault:kv/a#b\"\n\
             token = \"env:T\"\nmount = \"a//b\"\n",
        ),
        &[
            "signing-proxy.toml:3:15: assets.vault.auth.role_id: missing: method \"approle\" needs it; must be a \
             credential asset, such as \"env:NAME\" or \"file:PATH\", or the secret itself",
            "signing-proxy.toml:5:1: assets.vault.auth.secret_id: cannot be stored in the vault itself: it is needed to \
             log in",
            "signing-proxy.toml:6:1: assets.vault.auth.token: does not belong to method \"approle\", only to \"token\"",
            "signing-proxy.toml:7:1: assets.vault.auth.mount: must be a path below auth/, such as \"approle\"",
        ],
    );
}

#[test]
fn a_vaults_secret_needs_a_vault() {
    let reports = REPORTS.replace("env:REPORTS_SECRET", "vault:kv/aws#secret");
    read(&format!("{APPROLE}{reports}"), &[]).unwrap();
    reject(
        &reports,
        &[
            "signing-proxy.toml:8:1: connections.reports.auth.secret_access_key: is stored on a server that is not configured: set assets.vault.address",
        ],
    );
}
