//! The examples of the crates do what they say, against the sandbox.

use auth_model::{KeyParts, Region};
use sandbox::principals::{REPORTER, ROBOT};
use sts_client::StsSettings;

use crate::support::sandbox;

#[expect(dead_code, reason = "its `main` reads the command line")]
#[path = "../../crates/sts-client/examples/credential_process.rs"]
mod credential_process;

#[tokio::test]
async fn the_credential_source_alone_prints_a_roles_credentials() {
    let sandbox = sandbox().await;
    let sts = sandbox.service("sts").expect("an STS");
    let settings = StsSettings {
        endpoint: Some(format!("http://{sts}").parse().expect("a URL")),
        ..StsSettings::default()
    };
    let keys = KeyParts {
        access_key_id: ROBOT.access_key_id.parse().expect("a literal"),
        secret_access_key: ROBOT.secret_access_key.parse().expect("a literal"),
        session_token: None,
    };
    let role = "team/report-reader".parse().expect("a role's name");
    let region = Region::parse("us-east-1").expect("a region");
    let source = credential_process::source(region, role, keys, &settings).expect("a source");
    let credentials = source.credentials().await.expect("STS issues a session");
    let json = credential_process::to_json(&credentials).expect("an expiry");
    assert_eq!(json["Version"], 1);
    assert!(
        json["AccessKeyId"].as_str().is_some_and(|id| id.starts_with("ASIA")),
        "{json}"
    );
    assert!(json["SessionToken"].is_string());
    let expiration = json["Expiration"].as_str().expect("a time");
    assert!(
        expiration.len() == "2026-01-01T00:00:00Z".len() && expiration.ends_with('Z'),
        "{expiration}"
    );
}

#[expect(dead_code, reason = "its `main` reads the command line")]
#[path = "../../proxy/examples/embedded.rs"]
mod embedded;

#[tokio::test]
async fn a_program_with_the_proxy_inside_gets_its_requests_signed() {
    let sandbox = sandbox().await;
    let endpoint = format!("http://{}", sandbox.service("s3").expect("an S3"));
    let (id, secret) = (REPORTER.access_key_id, REPORTER.secret_access_key);
    let proxy = embedded::start(&endpoint, id, secret).await.expect("a proxy");
    let response = embedded::get(&proxy, "/sandbox-bucket?list-type=2")
        .await
        .expect("a response");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("<Name>sandbox-bucket</Name>"), "{response}");
    let wrong = embedded::start(&endpoint, id, "not-the-secret").await.expect("a proxy");
    let response = embedded::get(&wrong, "/sandbox-bucket?list-type=2")
        .await
        .expect("a response");
    assert!(response.contains("SignatureDoesNotMatch"), "{response}");
}
