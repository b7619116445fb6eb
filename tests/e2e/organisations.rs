//! Two organisations with one access key: whoever came later is stopped, and both where neither was first.

use std::path::Path;

use proxy_config::Config;
use sandbox::Sandbox;
use sandbox::principals::{ACME_PROXY, FOR_THE_PROXY, ROBOT};
use signing_proxy::app::Proxy;
use tokio::time::{Instant, sleep};

use crate::support::world::sandbox;
use crate::support::{LONGEST_WAIT, ask};

/// Puts a user's key id and secret into the files of an identity.
fn keep(folder: &Path, identity: &str, user: &sandbox::principals::FakeUser) {
    std::fs::write(folder.join(format!("{identity}-id")), user.access_key_id).unwrap();
    std::fs::write(folder.join(format!("{identity}-secret")), user.secret_access_key).unwrap();
}

fn identity(folder: &Path, sandbox: &Sandbox, name: &str, external_id: &str) -> String {
    let folder = folder.display();
    format!(
        "[identities.{name}]\norganisation = \"{name} Ltd\"\naccess_key_id = \"file:{folder}/{name}-id\"\n\
         secret_access_key = \"file:{folder}/{name}-secret\"\n[connections.{name}-store]\nservice = \"s3\"\n\
         region = \"us-east-1\"\nendpoint = \"http://{}\"\n[connections.{name}-store.auth]\n\
         method = \"managed-cross-account\"\nidentity = \"{name}\"\nrole_arn = \"{}\"\nexternal_id = \"{external_id}\"\n",
        sandbox.s3(),
        FOR_THE_PROXY.arn,
    )
}

fn configuration(sandbox: &Sandbox, identities: &[String]) -> Config {
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[sts]\nendpoint = \"http://{}\"\n{}",
        sandbox.sts(),
        identities.concat()
    );
    Config::from_toml(&toml, &crate::support::environment()).unwrap()
}

/// What a client of the connection gets: the status, the error code where there is one, and the text.
async fn outcome(proxy: &Proxy, connection: &str) -> (u16, String, String) {
    let request = format!("GET /@{connection}/ HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n");
    let response = ask(proxy.addr().unwrap(), request).await;
    let code = response.header("x-signing-proxy-error").unwrap_or("none").to_owned();
    (response.status, code, response.text().to_string())
}

async fn code(proxy: &Proxy, connection: &str) -> String {
    outcome(proxy, connection).await.1
}

/// Asks until the code is this one: a stopped source reads its keys again about once a second.
async fn comes_to(proxy: &Proxy, connection: &str, want: &str) {
    let until = Instant::now() + LONGEST_WAIT;
    while code(proxy, connection).await != want {
        assert!(Instant::now() < until, "{connection} does not come to {want}");
        sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn readiness(proxy: &Proxy, connection: &str) -> (u16, String) {
    let request = format!("GET /readyz?connection={connection} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = ask(proxy.admin_addr().unwrap(), request).await;
    (response.status, response.text().to_string())
}

#[tokio::test]
async fn two_organisations_that_start_with_one_key_are_both_stopped_until_the_keys_differ() {
    let (sandbox, folder) = (sandbox().await, tempfile::tempdir().unwrap());
    keep(folder.path(), "acme", &ACME_PROXY);
    keep(folder.path(), "bolt", &ACME_PROXY);
    let agreed = FOR_THE_PROXY.external_id.unwrap();
    let both = [
        identity(folder.path(), &sandbox, "acme", agreed),
        identity(folder.path(), &sandbox, "bolt", "bolts-own-id"),
    ];
    let proxy = Proxy::start(configuration(&sandbox, &both)).await.unwrap();
    // Bolt's key is not known before somebody asks for it.
    assert_eq!(outcome(&proxy, "acme-store").await.0, 200);
    let (status, code_of_bolt, text) = outcome(&proxy, "bolt-store").await;
    assert_eq!((status, code_of_bolt.as_str()), (503, "identity-clash"));
    let (status, code_of_acme, other) = outcome(&proxy, "acme-store").await;
    assert_eq!((status, code_of_acme.as_str()), (503, "identity-clash"));
    for reported in [text, other] {
        for word in ["Ltd", "file:", "identities.", "AKIA"] {
            assert!(!reported.contains(word), "{reported}");
        }
    }
    for connection in ["acme-store", "bolt-store"] {
        let (status, text) = readiness(&proxy, connection).await;
        assert!(status == 503 && text.contains("identity_clash"), "{text}");
    }
    // Bolt gets a key of its own, and nobody asks for bolt.
    keep(folder.path(), "bolt", &ROBOT);
    comes_to(&proxy, "acme-store", "none").await;
    comes_to(&proxy, "bolt-store", "no-credentials").await;
}

#[tokio::test]
async fn an_organisation_that_a_reload_brings_comes_later() {
    let (sandbox, folder) = (sandbox().await, tempfile::tempdir().unwrap());
    keep(folder.path(), "acme", &ACME_PROXY);
    keep(folder.path(), "bolt", &ACME_PROXY);
    let acme = identity(folder.path(), &sandbox, "acme", FOR_THE_PROXY.external_id.unwrap());
    let bolt = identity(folder.path(), &sandbox, "bolt", "bolts-own-id");
    let proxy = Proxy::start(configuration(&sandbox, std::slice::from_ref(&acme)))
        .await
        .unwrap();
    assert_eq!(outcome(&proxy, "acme-store").await.0, 200);
    proxy
        .reload(Ok(configuration(&sandbox, &[acme.clone(), bolt])))
        .await
        .unwrap();
    assert_eq!(code(&proxy, "bolt-store").await, "identity-clash");
    assert_eq!(outcome(&proxy, "acme-store").await.0, 200);
    // Without it there is nothing to compare with.
    proxy.reload(Ok(configuration(&sandbox, &[acme]))).await.unwrap();
    assert_eq!(outcome(&proxy, "acme-store").await.0, 200);
}

#[tokio::test]
async fn check_names_both_organisations_of_one_key() {
    let (sandbox, folder) = (sandbox().await, tempfile::tempdir().unwrap());
    keep(folder.path(), "acme", &ACME_PROXY);
    keep(folder.path(), "bolt", &ACME_PROXY);
    let both = [
        identity(folder.path(), &sandbox, "acme", FOR_THE_PROXY.external_id.unwrap()),
        identity(folder.path(), &sandbox, "bolt", "bolts-own-id"),
    ];
    let clock = std::sync::Arc::new(auth_model::SystemClock);
    let config = configuration(&sandbox, &both);
    let mut checker = signing_proxy::check::Checker::new(config, clock).await.unwrap();
    let report = checker.check_all().await;
    let texts: Vec<String> = report
        .connections
        .iter()
        .map(|one| one.to_text(signing_proxy::check::Style::Plain))
        .collect();
    let text = texts.join("\n").split_whitespace().collect::<Vec<_>>().join(" ");
    for word in [
        "identities.acme of acme Ltd (file:",
        "identities.bolt of bolt Ltd (file:",
        "an IAM user of its own",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains(ACME_PROXY.access_key_id), "{text}");
}
