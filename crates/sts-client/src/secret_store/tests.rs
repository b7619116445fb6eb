//! A store that plays a script.

use auth_model::{AuthMethod, Connection, ConnectionName, KeyParts};
use credential_assets::{Assets, FixedEnvironment};

use super::*;
use crate::testing::VirtualClock;
use crate::testing::sts::{Received, ScriptedResponse, ScriptedSts};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY";
const ARN: &str = "secretsmanager:arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:prod/aws-AbCdEf";

fn settings(endpoint: Option<&str>) -> SecretStoreSettings {
    SecretStoreSettings {
        region: Region::parse("eu-west-1").unwrap(),
        endpoint: endpoint.map(|endpoint| endpoint.parse().unwrap()),
        timeout: Duration::from_secs(10),
        extra_roots_pem: Vec::new(),
        proxy: None,
        addresses: aws_endpoints::AddressRules::default(),
    }
}

/// Called with keys of a folder's files, which may change.
fn store(scheme: &str, folder: &std::path::Path, endpoint: Option<&str>, script: &ScriptedSts) -> AwsSecretStore {
    let part = |name: &str| format!("file:{}", folder.join(name).display()).parse().unwrap();
    let keys = KeyParts {
        access_key_id: part("id"),
        secret_access_key: "env:SECRET".parse().unwrap(),
        session_token: Some("env:TOKEN".parse().unwrap()),
    };
    let connection = Connection {
        name: ConnectionName::parse("keeper").unwrap(),
        service: ServiceId::parse("s3").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        signing_name: None,
        auth: AuthMethod::AccessKey { keys: keys.into() },
    };
    let assets = Assets::new(FixedEnvironment::from_iter([
        ("SECRET", SECRET),
        ("TOKEN", "FwoGZXIvYXdz"),
    ]));
    let clock = Arc::new(VirtualClock::new());
    let source = CredentialSource::new(&connection, assets, &StsSettings::default(), clock.clone()).unwrap();
    let connector = SharedHttpConnector::new(script.clone());
    let store = stores::store(scheme).unwrap();
    AwsSecretStore::with_connector(store, source, &settings(endpoint), clock, connector)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("id"), "AKIDEXAMPLE").unwrap();
    folder
}

fn stored(reference: &str) -> StoredSecret {
    let (scheme, location) = reference.split_once(':').unwrap();
    let store = stores::store(scheme).unwrap();
    store.locate(&AssetLocation::new(scheme, location)).unwrap().0
}

/// Fetches once from a store that responds with this; what was sent comes too.
async fn fetch(
    reference: &str,
    endpoint: Option<&str>,
    status: u16,
    body: &str,
) -> (Result<String, StoreProblem>, Vec<Received>) {
    let body = body.to_owned();
    let script = ScriptedSts::new(move |_| ScriptedResponse::Status(status, body.clone()));
    let folder = folder();
    let secret = stored(reference);
    let outcome = store(secret.scheme, folder.path(), endpoint, &script)
        .fetch(&secret)
        .await;
    (outcome.map(|text| text.expose().to_owned()), script.take())
}

#[tokio::test(start_paused = true)]
async fn each_store_is_called_in_its_own_protocol_and_signed_for_the_region_of_an_arn() {
    let secret = r#"{"ARN": "x", "SecretString": "{\"a\": \"b\"}"}"#;
    let parameter = r#"{"Parameter": {"Name": "x", "Type": "SecureString", "Value": "S"}}"#;
    for (reference, endpoint, response, uri, target, body, scope, text) in [
        (
            "secretsmanager:prod/aws",
            None,
            secret,
            "https://secretsmanager.eu-west-1.amazonaws.com/",
            "secretsmanager.GetSecretValue",
            r#"{"SecretId":"prod/aws"}"#,
            "20261123/eu-west-1/secretsmanager/aws4_request",
            r#"{"a": "b"}"#,
        ),
        (
            ARN,
            None,
            secret,
            "https://secretsmanager.cn-north-1.amazonaws.com.cn/",
            "secretsmanager.GetSecretValue",
            r#"{"SecretId":"arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:prod/aws-AbCdEf"}"#,
            "20261123/cn-north-1/secretsmanager/aws4_request",
            r#"{"a": "b"}"#,
        ),
        (
            "ssm:/prod/aws:3",
            Some("http://127.0.0.1:4566"),
            parameter,
            "http://127.0.0.1:4566/",
            "AmazonSSM.GetParameter",
            r#"{"Name":"/prod/aws:3","WithDecryption":true}"#,
            "20261123/eu-west-1/ssm/aws4_request",
            "S",
        ),
    ] {
        let (outcome, sent) = fetch(reference, endpoint, 200, response).await;
        assert_eq!(outcome.unwrap(), text);
        let sent = &sent[0];
        assert_eq!(
            (sent.uri.as_str(), sent.header("x-amz-target"), sent.body.as_str()),
            (uri, target, body)
        );
        assert_eq!(sent.header("content-type"), "application/x-amz-json-1.1");
        assert_eq!(sent.header("x-amz-security-token"), "FwoGZXIvYXdz");
        let authorization = sent.header("authorization");
        assert!(
            authorization.contains(&format!("Credential=AKIDEXAMPLE/{scope}")),
            "{authorization}"
        );
        assert!(
            authorization.contains("host;x-amz-date;x-amz-security-token;x-amz-target"),
            "{authorization}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn problems_are_distinguished() {
    let error_response =
        |code: &str| format!(r#"{{"__type": "com.amazonaws.x#{code}", "message": "why not\n{SECRET}"}}"#);
    let named = |code: &str| (code.to_owned(), "why not".to_owned());
    let denied = |code| {
        let (code, message) = named(code);
        StoreProblem::Denied { code, message }
    };
    let refused = |code| {
        let (code, message) = named(code);
        StoreProblem::Rejected { code, message }
    };
    for (status, body, want) in [
        (400, error_response("ResourceNotFoundException"), StoreProblem::Missing),
        (400, error_response("ParameterNotFound"), StoreProblem::Missing),
        (400, error_response("ParameterVersionNotFound"), StoreProblem::Missing),
        (
            400,
            error_response("AccessDeniedException"),
            denied("AccessDeniedException"),
        ),
        (400, error_response("DecryptionFailure"), refused("DecryptionFailure")),
        (
            400,
            error_response("ThrottlingException"),
            StoreProblem::Throttled {
                code: "ThrottlingException".to_owned(),
            },
        ),
        (
            500,
            error_response("InternalServiceError"),
            StoreProblem::Status { status: 500 },
        ),
        (503, "<html>".to_owned(), StoreProblem::Status { status: 503 }),
        (
            407,
            "<html>".to_owned(),
            StoreProblem::UnreadableResponse { status: 407 },
        ),
        (
            200,
            "<html>".to_owned(),
            StoreProblem::UnreadableResponse { status: 200 },
        ),
        (200, "{}".to_owned(), StoreProblem::UnreadableResponse { status: 200 }),
        (200, r#"{"SecretBinary": "d0phbA=="}"#.to_owned(), StoreProblem::Binary),
        (
            200,
            format!(r#"{{"SecretString": "{SECRET}{}"}}"#, "x".repeat(448 * 1024)),
            StoreProblem::UnreadableResponse { status: 200 },
        ),
        (
            400,
            r#"{"__type": "InvalidSignatureException", "message": "Signature expired: 2026"}"#.to_owned(),
            StoreProblem::ClockSkew {
                message: "Signature expired: 2026".to_owned(),
            },
        ),
    ] {
        let (outcome, sent) = fetch("secretsmanager:a", None, status, &body).await;
        let problem = outcome.unwrap_err();
        assert!(!format!("{problem:?}").contains("wJal"), "{problem:?}");
        assert_eq!((problem, sent.len()), (want, 1));
    }
    let (outcome, _) = fetch("ssm:a", None, 200, r#"{"SecretString": "a"}"#).await;
    assert_eq!(outcome.unwrap_err(), StoreProblem::UnreadableResponse { status: 200 });
}

#[tokio::test(start_paused = true)]
async fn a_set_that_a_store_rejects_is_refreshed_once() {
    let script = ScriptedSts::new(|received: &Received| {
        if received.header("authorization").contains("AKIDSECOND") {
            ScriptedResponse::Status(200, r#"{"SecretString": "S"}"#.to_owned())
        } else {
            ScriptedResponse::Status(
                400,
                r#"{"__type": "UnrecognizedClientException", "message": "no"}"#.to_owned(),
            )
        }
    });
    let folder = folder();
    let store = store("secretsmanager", folder.path(), None, &script);
    let secret = stored("secretsmanager:a");
    let refused = store.fetch(&secret).await.unwrap_err();
    assert!(matches!(refused, StoreProblem::CredentialsRejected { .. }), "{refused}");
    assert_eq!(script.take().len(), 2);
    std::fs::write(folder.path().join("id"), "AKIDSECOND").unwrap();
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(store.fetch(&secret).await.unwrap().expose(), "S");
    assert_eq!(script.take().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_reached_or_does_not_respond_is_given_up() {
    let refusing = ScriptedSts::new(|_| ScriptedResponse::ConnectionRefused);
    let folder = folder();
    let secret = stored("ssm:/a");
    let problem = store("ssm", folder.path(), None, &refusing)
        .fetch(&secret)
        .await
        .unwrap_err();
    assert!(matches!(problem, StoreProblem::Unreachable { .. }), "{problem}");
    let silent = ScriptedSts::new(|_| ScriptedResponse::Never);
    let began = tokio::time::Instant::now();
    let problem = store("ssm", folder.path(), None, &silent)
        .fetch(&secret)
        .await
        .unwrap_err();
    assert_eq!(
        (problem, began.elapsed()),
        (StoreProblem::TimedOut, Duration::from_secs(10))
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_without_credentials_says_why() {
    let script = ScriptedSts::new(|_| ScriptedResponse::ConnectionRefused);
    let folder = tempfile::tempdir().unwrap();
    let store = store("ssm", folder.path(), None, &script);
    let problem = store.fetch(&stored("ssm:/a")).await.unwrap_err();
    let text = problem.to_string();
    assert!(
        text.starts_with("there are no credentials for the request: file:") && text.ends_with("does not exist"),
        "{text}"
    );
    assert!(!format!("{store:?}").contains("wJal"));
}
