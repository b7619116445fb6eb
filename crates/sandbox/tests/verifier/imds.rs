//! Instance metadata: version 2 only, and its keys sign.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use sandbox::principals::INSTANCE_ROLE;
use sandbox::{ManualClock, Sandbox, SandboxSettings};

use crate::support::{Draft, Keys, TestResponse, send};

async fn call(sandbox: &Sandbox, method: &str, path: &str, headers: &[(&str, &str)]) -> TestResponse {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "169.254.169.254");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(sandbox.imds(), request.body(Full::<Bytes>::default()).unwrap()).await
}

const TOKEN: &str = "/latest/api/token";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const HEADER: &str = "x-aws-ec2-metadata-token";

#[tokio::test]
async fn a_token_leads_to_keys_that_sign() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let token = call(&sandbox, "PUT", TOKEN, &[(TTL, "21600")]).await;
    assert_eq!(token.status, 200);
    let with = [(HEADER, token.body.as_str())];
    let role = call(&sandbox, "GET", ROLES, &with).await.body;
    assert_eq!(role, INSTANCE_ROLE.name);
    let keys = call(&sandbox, "GET", &format!("{ROLES}{role}"), &with).await.json();
    assert_eq!(keys["Code"], "Success");
    let text = |name: &str| keys[name].as_str().unwrap().to_owned();
    let draft = Draft::query("sts", "Action=GetCallerIdentity&Version=2011-06-15").with_keys(Keys {
        id: text("AccessKeyId"),
        secret: text("SecretAccessKey"),
        token: Some(text("Token")),
    });
    let identity = send(sandbox.sts(), draft.sign(sandbox.sts())).await;
    assert!(
        identity
            .element("Arn")
            .starts_with("arn:aws:sts::111122223333:assumed-role/sandbox-instance/i-")
    );
    let document = call(&sandbox, "GET", "/latest/dynamic/instance-identity/document", &with)
        .await
        .json();
    assert_eq!(document["region"], "us-east-1");
    assert_eq!(
        call(&sandbox, "GET", "/latest/meta-data/no-such", &with).await.status,
        404
    );
    assert_eq!(call(&sandbox, "GET", &format!("{ROLES}other"), &with).await.status, 404);
}

#[tokio::test]
async fn version_1_and_bad_tokens_are_refused() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000));
    let settings = SandboxSettings {
        clock: Arc::new(clock.clone()),
        ..SandboxSettings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    assert_eq!(call(&sandbox, "GET", ROLES, &[]).await.status, 401);
    assert_eq!(call(&sandbox, "GET", ROLES, &[(HEADER, "guess")]).await.status, 401);
    for ttl in ["0", "21601", "-1", "x"] {
        assert_eq!(call(&sandbox, "PUT", TOKEN, &[(TTL, ttl)]).await.status, 400, "{ttl}");
    }
    assert_eq!(call(&sandbox, "PUT", TOKEN, &[]).await.status, 400);
    assert_eq!(call(&sandbox, "GET", TOKEN, &[]).await.status, 405);
    let proxied = [(TTL, "60"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(call(&sandbox, "PUT", TOKEN, &proxied).await.status, 403);
    let token = call(&sandbox, "PUT", TOKEN, &[(TTL, "60")]).await.body;
    clock.advance(Duration::from_secs(59));
    assert_eq!(call(&sandbox, "GET", ROLES, &[(HEADER, &token)]).await.status, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(call(&sandbox, "GET", ROLES, &[(HEADER, &token)]).await.status, 401);
}
