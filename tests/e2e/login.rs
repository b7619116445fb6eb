//! Profiles of `aws login`: the console session that the AWS CLI keeps below `~/.aws/login/cache`.

use std::path::Path;
use std::sync::Arc;

use auth_model::SystemClock;
use proxy_config::Config;
use sandbox::{Sandbox, SandboxSettings};
use signing_proxy::check::{Checker, Style};

use crate::support::Recorder;
use crate::support::child;

const IS_CHILD: &str = "E2E_LOGIN_CHILD";

/// SHA-256 of the session's ARN, which is what the AWS CLI calls the file by.
const CACHED: &str = "36db1d138ff460920374e4c3d8e01f53f9f73537e89c88d639f68393df0e2726.json";

const S3: &str = "HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\n<ListAllMyBucketsResult/>\n";

/// Not a test: checks the configuration of [`IS_CHILD`] in a process with a home of its own.
#[tokio::test]
async fn child() {
    let Some(toml) = std::env::var_os(IS_CHILD) else { return };
    let config = Config::from_toml(toml.to_str().unwrap(), &crate::support::environment()).unwrap();
    let mut checker = Checker::new(config, Arc::new(SystemClock)).await.unwrap();
    let report = checker.check_all().await;
    let text: String = report.connections.iter().map(|one| one.to_text(Style::Plain)).collect();
    child::report(&text.split_whitespace().collect::<Vec<_>>().join(" "));
}

/// A home whose profile `ops` has a session that ends then; nothing is cached where there is no end.
fn home(ends_at: Option<&str>) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join(".aws/login/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let profile = "[profile ops]\nlogin_session = arn:aws:iam::0123456789012:user/Admin\nregion = eu-west-1\n";
    std::fs::write(home.path().join(".aws/config"), profile).unwrap();
    if let Some(ends_at) = ends_at {
        std::fs::write(cache.join(CACHED), cached(ends_at)).unwrap();
    }
    home
}

/// What the AWS CLI keeps of a session, with a key of its own.
fn cached(ends_at: &str) -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    // The CLI writes the key as RFC 5915 has it, which PKCS #8 wraps into an octet string.
    let wrapped = key.serialize_der();
    let inner = wrapped
        .windows(4)
        .position(|bytes| matches!(bytes, [4, length, 0x30, rest] if length.checked_sub(2) == Some(*rest)));
    let inner = &wrapped[inner.unwrap() + 2..];
    let encoded = aws_smithy_types::base64::encode(&inner[..usize::from(inner[1]) + 2]);
    let lines: Vec<_> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let lines = lines.join("\n");
    let key = format!("-----BEGIN EC PRIVATE KEY-----\n{lines}\n-----END EC PRIVATE KEY-----\n");
    serde_json::json!({
        "accessToken": {
            "accessKeyId": "ASIALOGINLOGINLOGIN0",
            "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "sessionToken": "token-of-the-session",
            "accountId": "012345678901",
            "expiresAt": ends_at,
        },
        "tokenType": "aws_sigv4",
        "refreshToken": "refresh-me",
        "clientId": "arn:aws:signin:::devtools/same-device",
        "dpopKey": key,
    })
    .to_string()
}

async fn check(home: &Path, s3: &Recorder, upstream: &str) -> String {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let toml = format!(
        "{upstream}\n[connections.it]\nservice = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"http://{}\"\n\
         [connections.it.auth]\nmethod = \"default-chain\"\nprofile = \"ops\"\n",
        s3.address
    );
    let variables = [(IS_CHILD, toml.as_str()), ("HOME", home.to_str().unwrap())];
    child::run("login::child", sandbox.imds(), &variables).await
}

#[tokio::test]
async fn a_profile_of_aws_login_signs_with_its_session() {
    let mut s3 = Recorder::start(S3).await;
    let home = home(Some("2199-12-25T21:30:00Z"));
    let text = check(home.path(), &s3, "").await;
    assert!(text.contains("responded with 200"), "{text}");
    let request = s3.take().await;
    let authorization = request.header("authorization").unwrap();
    assert!(
        authorization.contains("Credential=ASIALOGINLOGINLOGIN0/"),
        "{authorization}"
    );
    assert_eq!(request.header("x-amz-security-token"), Some("token-of-the-session"));
}

#[tokio::test]
async fn a_session_that_has_ended_is_refreshed_at_the_sign_in_service() {
    let mut s3 = Recorder::start(S3).await;
    let mut egress = Recorder::start("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let proxied = format!("[upstream]\nhttps_proxy = \"http://{}\"\n", egress.address);
    let home = home(Some("2020-01-01T00:00:00Z"));
    let text = check(home.path(), &s3, &proxied).await;
    assert!(text.contains("failed to refresh"), "{text}");
    let request = egress.take().await;
    let tunnel = String::from_utf8_lossy(&request.bytes).into_owned();
    assert!(
        tunnel.starts_with("CONNECT eu-west-1.signin.aws.amazon.com:443 "),
        "{tunnel}"
    );
    assert!(text.contains("aws login --profile"), "{text}");
    assert!(!text.contains("credentials-login") && s3.is_untouched(), "{text}");
}

#[tokio::test]
async fn a_profile_that_nobody_has_logged_in_with_says_so() {
    let s3 = Recorder::start(S3).await;
    let home = home(None);
    let text = check(home.path(), &s3, "").await;
    assert!(text.contains("aws login --profile"), "{text}");
}
