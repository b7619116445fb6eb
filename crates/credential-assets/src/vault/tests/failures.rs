//! What goes wrong, and what is said of it.

use auth_model::{KeyAssets, KeyParts};

use super::*;
use crate::Outlook;
use crate::call::tests::ObservedCalls;
use crate::vault::VaultProblem;
use crate::{CallOutcome, CallTarget};

const ASSET: &str = "vault:kv/team/aws#secret";

pub(super) fn problem(error: AssetError) -> VaultProblem {
    match error {
        AssetError::Source { problem, .. } => problem.downcast_ref::<VaultProblem>().unwrap().clone(),
        other => panic!("{other}"),
    }
}

/// The error of a vault that responds by this script.
async fn failing(script: Script, reference: &str) -> AssetError {
    let server = Server::start(script).await;
    let error = read(&assets(settings(&server, token_auth())), reference)
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with(reference), "{error}");
    error
}

#[tokio::test]
async fn each_failure_of_the_server_is_distinguished() {
    let rows = [
        (503, "{}", VaultProblem::Sealed, Outlook::Passing),
        (500, "{}", VaultProblem::Status { status: 500 }, Outlook::Passing),
        (429, "{}", VaultProblem::Status { status: 429 }, Outlook::Passing),
        (307, "", VaultProblem::Status { status: 307 }, Outlook::Local),
        (
            403,
            "{}",
            VaultProblem::LoginRejected { status: 403 },
            Outlook::Permanent,
        ),
        (
            200,
            "<html>",
            VaultProblem::UnreadableResponse { status: 200 },
            Outlook::Passing,
        ),
        (
            200,
            "{}",
            VaultProblem::UnreadableResponse { status: 200 },
            Outlook::Passing,
        ),
    ];
    for (status, body, want, outlook) in rows {
        let error = failing(Script::always(status, body), ASSET).await;
        assert_eq!(error.outlook(), outlook, "{status}");
        assert_eq!(problem(error), want);
    }
    let too_large = format!("\"{SECRET}{}\"", "x".repeat(1 << 20));
    let error = failing(Script::always(200, &too_large), ASSET).await;
    assert!(!format!("{error:?}").contains("wJal"), "{error:?}");
    assert_eq!(problem(error), VaultProblem::UnreadableResponse { status: 200 });
}

#[tokio::test]
async fn what_is_not_there_is_distinguished() {
    let deleted = json!({"data": {"data": null, "metadata": {"deletion_time": "2026-01-01T00:00:00Z"}}});
    let script = || {
        one_secret()
            .on("GET kv/data/team/aws?version=2", "given-token", 404, &deleted)
            .on(
                "GET sys/internal/ui/mounts/pki/a",
                "given-token",
                200,
                &json!({"data": {"path": "pki/", "type": "pki"}}),
            )
            .on(
                "GET sys/internal/ui/mounts/old/a",
                "given-token",
                200,
                &mount("old/", "1"),
            )
            .on(
                "GET sys/internal/ui/mounts/kv/other",
                "given-token",
                200,
                &mount("kv/", "2"),
            )
            .on("GET sys/internal/ui/mounts/kv/secret", "given-token", 403, &json!({}))
    };
    for reference in ["vault:kv/team/aws#secret@2", "vault:kv/other#a"] {
        let error = failing(script(), reference).await;
        assert!(matches!(error, AssetError::Missing { .. }), "{error}");
    }
    for (reference, want) in [
        ("vault:kv/team/aws#other", VaultProblem::NoField),
        ("vault:pki/a#b", VaultProblem::NotKeyValue),
        ("vault:old/a#b@1", VaultProblem::NotVersioned),
        ("vault:kv/secret#b", VaultProblem::Denied),
    ] {
        let error = failing(script(), reference).await;
        assert_eq!(error.outlook(), Outlook::Local, "{reference}");
        assert_eq!(problem(error), want);
    }
    let error = failing(script(), "vault:kv/team/aws#n").await;
    assert!(matches!(error, AssetError::NotAString { .. }), "{error}");
}

#[tokio::test]
async fn a_login_that_fails_says_why() {
    let server =
        Server::start(Script::new().on("POST auth/approle/login", "", 400, &json!({"errors": [SECRET]}))).await;
    let error = read(&assets(settings(&server, approle())), ASSET).await.unwrap_err();
    assert!(!format!("{error:?}").contains("wJal"), "{error:?}");
    assert_eq!(problem(error), VaultProblem::LoginRejected { status: 400 });

    let auth = VaultLogin::Token {
        token: "env:ABSENT".parse().unwrap(),
    };
    let error = problem(read(&assets(settings(&server, auth)), ASSET).await.unwrap_err());
    let VaultProblem::LoginAsset(cause) = error else {
        panic!("{error}");
    };
    assert_eq!(cause.to_string(), "env:ABSENT does not exist");

    let none = Assets::new(FixedEnvironment::from_iter([("A", "b")]));
    let error = read(&none, ASSET).await.unwrap_err();
    assert!(
        matches!(error, AssetError::NotConfigured { table: "vault", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn while_a_vault_is_sealed_or_cannot_be_reached_its_last_secret_is_served_stale() {
    let server = Server::start(one_secret()).await;
    let assets = assets(settings(&server, token_auth()));
    assert_eq!(read(&assets, ASSET).await.unwrap(), SECRET);
    server.play(Script::always(503, ""));
    assert_eq!(read(&assets, ASSET).await.unwrap(), SECRET);
    let other = read(&assets, "vault:kv/other#a").await.unwrap_err();
    assert_eq!(problem(other), VaultProblem::Sealed);

    drop(server);
    pass(10).await;
    assert_eq!(read(&assets, ASSET).await.unwrap(), SECRET);
    let other = problem(read(&assets, "vault:kv/other#a").await.unwrap_err());
    assert!(matches!(other, VaultProblem::Unreachable { .. }), "{other}");

    // Not what AWS rejected, and not for ever.
    let asset: AssetReference = ASSET.parse().unwrap();
    assets.invalidate(&KeyAssets::Parts(KeyParts {
        access_key_id: asset.clone(),
        secret_access_key: asset,
        session_token: None,
    }));
    read(&assets, ASSET).await.unwrap_err();
}

#[tokio::test]
async fn a_vault_that_does_not_respond_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start(Script::new()).await;
    let settings = VaultSettings {
        address: format!("http://{}", silent.local_addr().unwrap()).parse().unwrap(),
        timeout: Duration::from_millis(50),
        ..settings(&server, token_auth())
    };
    let error = read(&assets(settings), ASSET).await.unwrap_err();
    assert_eq!(problem(error), VaultProblem::TimedOut);
}

#[tokio::test]
async fn every_exchange_with_a_vault_is_measured_however_it_ends() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start(one_secret()).await;
    let outcomes = async |settings: VaultSettings| {
        let heard = Arc::new(ObservedCalls::default());
        let environment = FixedEnvironment::from_iter([("TOKEN", "given-token")]);
        let assets = Assets::new(environment).with_observer(Some(heard.clone()));
        // Its outcome is that of the exchanges.
        let _ = read(&assets.with_vault(settings).unwrap(), ASSET).await;
        let heard = heard.0.lock().unwrap();
        assert!(heard.iter().all(|(target, ..)| *target == CallTarget::Asset("vault")));
        heard.iter().map(|(_, outcome, _)| *outcome).collect::<Vec<_>>()
    };
    let plain = || settings(&server, token_auth());
    let of = |address: String| VaultSettings {
        address: address.parse().unwrap(),
        timeout: Duration::from_millis(50),
        ..plain()
    };
    let all = outcomes(plain()).await;
    assert!(
        all.len() > 1 && all.iter().all(|outcome| *outcome == CallOutcome::Ok),
        "{all:?}"
    );
    let silent = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(outcomes(of(silent)).await.first(), Some(&CallOutcome::TimedOut));
    server.play(Script::always(503, ""));
    assert_eq!(outcomes(plain()).await.first(), Some(&CallOutcome::Failed));
    server.play(Script::always(403, ""));
    assert_eq!(outcomes(plain()).await.first(), Some(&CallOutcome::Rejected));
    let settings = plain();
    drop(server);
    assert_eq!(outcomes(settings).await.first(), Some(&CallOutcome::Unreachable));
}

#[tokio::test]
async fn settings_that_cannot_work_are_rejected() {
    use crate::InvalidVaultSettings as Invalid;
    let server = Server::start(Script::new()).await;
    let check = |change: &dyn Fn(&mut VaultSettings), want: Invalid| {
        let mut settings = settings(&server, token_auth());
        change(&mut settings);
        let rejected = Assets::new(FixedEnvironment::from_iter([("A", "b")])).with_vault(settings);
        assert_eq!(rejected.unwrap_err(), want);
    };
    for address in [
        "vault.internal",
        "ftp://vault",
        "http://me:pw@vault",
        "https://vault/v1",
        "/x",
    ] {
        check(
            &|settings| settings.address = address.parse().unwrap(),
            Invalid::Address,
        );
    }
    check(
        &|settings| settings.namespace = Some("a\nb".to_owned()),
        Invalid::Namespace,
    );
    check(&|settings| settings.extra_roots_pem = b"x".to_vec(), Invalid::Roots);
}
