//! A vault that responds by a script: real sockets, responses as Vault and OpenBao give them.

mod failures;
mod leases;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetReference, VaultLogin};
use serde_json::{Value, json};

use super::VaultSettings;
use crate::{AssetError, Assets, FixedEnvironment};
use server::{Script, Server};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY";

fn token_auth() -> VaultLogin {
    VaultLogin::Token {
        token: "env:TOKEN".parse().unwrap(),
    }
}

fn approle() -> VaultLogin {
    VaultLogin::AppRole {
        mount: "approle".to_owned(),
        role_id: "env:ROLE_ID".parse().unwrap(),
        secret_id: Some("env:SECRET_ID".parse().unwrap()),
    }
}

fn settings(server: &Server, auth: VaultLogin) -> VaultSettings {
    VaultSettings {
        address: server.address().parse().unwrap(),
        namespace: None,
        extra_roots_pem: Vec::new(),
        timeout: Duration::from_secs(5),
        cache: Duration::ZERO,
        auth,
    }
}

fn assets(settings: VaultSettings) -> Assets {
    let environment = FixedEnvironment::from_iter([
        ("TOKEN", "given-token"),
        ("ROLE_ID", "the-role"),
        ("SECRET_ID", "the-secret-id"),
    ]);
    Assets::new(environment).with_vault(settings).unwrap()
}

async fn read(assets: &Assets, reference: &str) -> Result<String, AssetError> {
    let reference: AssetReference = reference.parse().unwrap();
    let secret = assets.read(&reference).await?;
    Ok(secret.expose().to_owned())
}

/// What `sys/internal/ui/mounts` says.
fn mount(path: &str, version: &str) -> Value {
    json!({"data": {"path": path, "type": "kv", "options": {"version": version}}})
}

fn version_2(fields: &Value) -> Value {
    json!({"data": {"data": fields, "metadata": {"version": 3, "destroyed": false}}})
}

fn grant(token: &str, seconds: u64) -> Value {
    json!({"auth": {"client_token": token, "lease_duration": seconds, "renewable": true}})
}

/// A vault with one secret that the token `given-token` reads.
fn one_secret() -> Script {
    Script::new()
        .on(
            "GET auth/token/lookup-self",
            "given-token",
            200,
            &json!({"data": {"ttl": 0}}),
        )
        .on(
            "GET sys/internal/ui/mounts/kv/team/aws",
            "given-token",
            200,
            &mount("kv/", "2"),
        )
        .on(
            "GET kv/data/team/aws",
            "given-token",
            200,
            &version_2(&json!({"secret": SECRET, "n": 3})),
        )
}

#[tokio::test]
async fn both_engines_and_each_version_are_read() {
    let script = one_secret()
        .on(
            "GET kv/data/team/aws?version=1",
            "given-token",
            200,
            &version_2(&json!({"secret": "first"})),
        )
        .on(
            "GET sys/internal/ui/mounts/old/a%20b",
            "given-token",
            200,
            &mount("old/", "1"),
        )
        .on("GET old/a%20b", "given-token", 200, &json!({"data": {"k": "v1"}}))
        .on("GET ancient/a", "given-token", 200, &json!({"data": {"k": "v0"}}));
    let server = Server::start(script).await;
    let assets = assets(settings(&server, token_auth()));
    assert_eq!(read(&assets, "vault:kv/team/aws#secret").await.unwrap(), SECRET);
    assert_eq!(read(&assets, "vault:kv/team/aws#secret@1").await.unwrap(), "first");
    assert_eq!(read(&assets, "vault:old/a b#k").await.unwrap(), "v1");
    assert_eq!(read(&assets, "vault:ancient/a#k").await.unwrap(), "v0");
    // One login and one question for the mount, however many reads.
    read(&assets, "vault:kv/team/aws#secret").await.unwrap();
    assert_eq!(server.count("GET auth/token/lookup-self"), 1);
    assert_eq!(server.count("GET sys/internal/ui/mounts/kv/team/aws"), 1);
    assert_eq!(server.count("GET kv/data/team/aws"), 2);
}

#[tokio::test]
async fn each_login_method_brings_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let jwt_file: PathBuf = folder.path().join("jwt");
    std::fs::write(&jwt_file, "the.jwt\n").unwrap();
    let kubernetes = VaultLogin::Kubernetes {
        mount: "clusters/blue".to_owned(),
        role: "proxy".to_owned(),
        jwt_file,
    };
    let rows = [
        (
            approle(),
            "POST auth/approle/login",
            json!({"role_id": "the-role", "secret_id": "the-secret-id"}),
        ),
        (
            kubernetes,
            "POST auth/clusters/blue/login",
            json!({"role": "proxy", "jwt": "the.jwt"}),
        ),
    ];
    for (auth, login, body) in rows {
        let script = one_secret()
            .on(login, "", 200, &grant("granted", 3_600))
            .on(
                "GET sys/internal/ui/mounts/kv/team/aws",
                "granted",
                200,
                &mount("kv/", "2"),
            )
            .on(
                "GET kv/data/team/aws",
                "granted",
                200,
                &version_2(&json!({"secret": SECRET})),
            );
        let server = Server::start(script).await;
        let settings = VaultSettings {
            namespace: Some("team/a".to_owned()),
            ..settings(&server, auth)
        };
        let assets = assets(settings);
        assert_eq!(read(&assets, "vault:kv/team/aws#secret").await.unwrap(), SECRET);
        let requests = server.requests();
        assert_eq!(requests[0].body, body);
        let are_marked = requests.iter().all(|request| {
            request.head.contains("x-vault-namespace: team/a") && request.head.contains("x-vault-request: true")
        });
        assert!(are_marked, "{requests:?}");
        assert_eq!(requests.len(), 3);
    }
}

/// Lets time pass at once; sockets only work while it runs.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_vaults_token_is_renewed_before_it_ends() {
    let script = Script::new()
        .on("POST auth/approle/login", "", 200, &grant("granted", 3_600))
        .on("POST auth/token/renew-self", "granted", 200, &grant("granted", 3_600))
        .on("GET sys/internal/ui/mounts/kv/a", "granted", 200, &mount("kv/", "1"))
        .on("GET kv/a", "granted", 200, &json!({"data": {"k": "v"}}));
    let server = Server::start(script).await;
    let assets = assets(settings(&server, approle()));
    for renewals in 1..=3 {
        read(&assets, "vault:kv/a#k").await.unwrap();
        pass(2_401).await;
        server.until_requested("POST auth/token/renew-self", renewals).await;
    }
    assert_eq!(server.count("POST auth/approle/login"), 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_replaced_before_it_ends() {
    let once = json!({"auth": {"client_token": "granted", "lease_duration": 100, "renewable": false}});
    let script = Script::new()
        .on("POST auth/approle/login", "", 200, &once)
        .on("GET sys/internal/ui/mounts/kv/a", "granted", 200, &mount("kv/", "1"))
        .on("GET kv/a", "granted", 200, &json!({"data": {"k": "v"}}));
    let server = Server::start(script).await;
    let assets = assets(settings(&server, approle()));
    for (passed, logins) in [(80, 1), (15, 1), (0, 2)] {
        read(&assets, "vault:kv/a#k").await.unwrap();
        assert_eq!(server.count("POST auth/approle/login"), logins);
        pass(passed).await;
    }
}

#[tokio::test]
async fn a_token_that_the_vault_no_longer_takes_is_replaced() {
    let script = |token: &str| {
        Script::new()
            .on("POST auth/approle/login", "", 200, &grant(token, 3_600))
            .on("GET sys/internal/ui/mounts/kv/a", token, 200, &mount("kv/", "1"))
            .on("GET kv/a", token, 200, &json!({"data": {"k": token}}))
    };
    let server = Server::start(script("first")).await;
    let assets = assets(settings(&server, approle()));
    assert_eq!(read(&assets, "vault:kv/a#k").await.unwrap(), "first");
    server.play(script("second"));
    assert_eq!(read(&assets, "vault:kv/a#k").await.unwrap(), "second");
    assert_eq!(server.count("POST auth/approle/login"), 2);
}

#[tokio::test]
async fn a_given_token_is_read_again_when_it_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "first").unwrap();
    let script = |token: &str| {
        Script::new()
            .on("GET auth/token/lookup-self", token, 200, &json!({"data": {"ttl": 0}}))
            .on("GET sys/internal/ui/mounts/kv/a", token, 200, &mount("kv/", "1"))
            .on("GET kv/a", token, 200, &json!({"data": {"k": token}}))
    };
    let server = Server::start(script("first")).await;
    let auth = VaultLogin::Token {
        token: format!("file:{}", file.display()).parse().unwrap(),
    };
    let assets = assets(settings(&server, auth));
    assert_eq!(read(&assets, "vault:kv/a#k").await.unwrap(), "first");
    server.play(script("second"));
    let error = read(&assets, "vault:kv/a#k").await.unwrap_err();
    assert_eq!(
        failures::problem(error),
        super::VaultProblem::LoginRejected { status: 403 }
    );
    std::fs::write(&file, "second").unwrap();
    assert_eq!(read(&assets, "vault:kv/a#k").await.unwrap(), "second");
}
