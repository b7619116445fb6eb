//! The default chain with nothing faked but the machine: each scenario runs in a child process
//! with an environment of its own, because the chain reads the process's.
//!
//! The child is this test binary again, which [`IS_CHILD`] marks.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the tests themselves; the child writes for its parent"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use auth_model::{AuthMethod, Connection, ConnectionName, Credentials, Region, ServiceId, SystemClock};
use credential_assets::{Assets, ProcessEnvironment};
use sts_client::{CredentialError, CredentialSource, StsSettings};
use tempfile::TempDir;

const IS_CHILD: &str = "STS_CLIENT_TEST_CHILD";

/// Names a profile in the child's connection.
const PROFILE: &str = "STS_CLIENT_TEST_PROFILE";

/// Replaces the profile file by this one after the first set.
const NEXT_CONFIG: &str = "STS_CLIENT_TEST_NEXT_CONFIG";

/// Not a test: what the child does. Prints lines that begin with `RESULT`.
#[tokio::test]
async fn child() {
    if std::env::var_os(IS_CHILD).is_none() {
        return;
    }
    let connection = Connection {
        name: ConnectionName::parse("child").unwrap(),
        service: ServiceId::parse("s3").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        signing_name: None,
        auth: AuthMethod::DefaultChain {
            profile: std::env::var_os(PROFILE).map(|name| name.into_string().unwrap()),
        },
    };
    let assets = Assets::new(ProcessEnvironment);
    let source = CredentialSource::new(&connection, assets, &StsSettings::default(), Arc::new(SystemClock)).unwrap();
    let first = source.credentials().await;
    report(&first);
    if let Some(next) = std::env::var_os(NEXT_CONFIG) {
        fs::copy(next, std::env::var_os("AWS_CONFIG_FILE").unwrap()).unwrap();
        report(&source.refresh_rejected(&first.unwrap()).await);
    }
}

fn report(outcome: &Result<Arc<Credentials>, CredentialError>) {
    match outcome {
        Ok(set) => println!(
            "RESULT ok id={} secret={} token={} expires={}",
            set.access_key_id,
            set.secret_access_key.expose(),
            set.session_token.as_ref().map_or("-", |token| token.expose()),
            set.expires_at.is_some()
        ),
        Err(error) => println!("RESULT error {} {error}", error.code()),
    }
}

/// A machine: a home directory and the variables that are set on it.
struct Machine {
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    /// No metadata service, and proxies that nobody may use: the chain takes none from the environment.
    fn new() -> Self {
        let dead_end = "http://127.0.0.1:9".to_owned();
        Self {
            home: TempDir::new().unwrap(),
            variables: vec![
                ("AWS_EC2_METADATA_DISABLED", "true".into()),
                ("HTTP_PROXY", dead_end.clone()),
                ("HTTPS_PROXY", dead_end),
            ],
        }
    }

    fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
        self
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn profile(self, content: &str) -> Self {
        let path = self.file("config", content);
        self.set("AWS_CONFIG_FILE", path.display().to_string())
    }

    /// What the child printed, a line for each set.
    fn run(&self) -> String {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env(IS_CHILD, "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let results = text.lines().filter_map(|line| line.split_once("RESULT "));
        results.map(|(_, result)| result).collect::<Vec<_>>().join("\n")
    }
}

/// A server on loopback that responds with a fixed text per request line; the requests come out of the channel.
fn server(response: fn(&str) -> String) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Some(request) = stream.ok().and_then(|stream| serve(stream, response)) else {
                continue;
            };
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

/// Reads one request, head and body, and responds.
fn serve(stream: TcpStream, response: fn(&str) -> String) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.split_once("content-length: ").map_or("0", |(_, rest)| rest);
    let mut body = vec![0; length.lines().next()?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let text = response(head.lines().next()?);
    let length = text.len();
    let head_out = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\nconnection: close\r\n\r\n"
    );
    reader.get_mut().write_all((head_out + &text).as_bytes()).ok()?;
    Some(format!("{head}{}", String::from_utf8_lossy(&body)))
}

const CONTAINER_JSON: &str = r#"{"Code":"Success","AccessKeyId":"ASIAMACHINE","SecretAccessKey":"s3cr3t","Token":"t0k3n",
    "Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2026-01-01T00:00:00Z","Type":"AWS-HMAC"}"#;

#[test]
fn environment_variables_are_found() {
    let machine = Machine::new()
        .set("AWS_ACCESS_KEY_ID", "AKIAENV")
        .set("AWS_SECRET_ACCESS_KEY", "s");
    assert_eq!(machine.run(), "ok id=AKIAENV secret=s token=- expires=false");
}

#[test]
fn the_chosen_profile_is_found() {
    let machine = Machine::new()
        .profile("[default]\naws_access_key_id=AKIADEFAULT\naws_secret_access_key=s\n[profile p]\naws_access_key_id=AKIAP\naws_secret_access_key=s\naws_session_token=t\n");
    assert_eq!(machine.run(), "ok id=AKIADEFAULT secret=s token=- expires=false");
    assert_eq!(
        machine.set("AWS_PROFILE", "p").run(),
        "ok id=AKIAP secret=s token=t expires=false"
    );
}

#[test]
fn a_credential_process_is_run() {
    let machine = Machine::new();
    let json = r#"{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"s","SessionToken":"t","Expiration":"2099-01-01T00:00:00Z"}"#;
    let path = machine.file("keys.json", json);
    let machine = machine.profile(&format!("[default]\ncredential_process = cat {}\n", path.display()));
    assert_eq!(machine.run(), "ok id=ASIAPROCESS secret=s token=t expires=true");
}

#[test]
fn what_a_failed_credential_process_wrote_is_not_repeated() {
    for command in ["cat /nonexistent/hunter2", "echo hunter2"] {
        let result = Machine::new()
            .profile(&format!("[default]\ncredential_process = {command}\n"))
            .run();
        assert_eq!(
            result,
            "error chain_failed the default chain failed: the profile's credential_process failed"
        );
    }
}

#[test]
fn a_named_profile_is_the_only_place_that_is_searched() {
    let machine = Machine::new()
        .profile("[profile p]\naws_access_key_id=AKIAP\naws_secret_access_key=s\n")
        .set("AWS_ACCESS_KEY_ID", "AKIAENV")
        .set("AWS_SECRET_ACCESS_KEY", "s")
        .set(PROFILE, "p");
    assert_eq!(machine.run(), "ok id=AKIAP secret=s token=- expires=false");
    let result = machine.set(PROFILE, "typo").run();
    assert_eq!(
        result,
        "error chain_misconfigured the default chain is not configured rightly: \
         the profile typo does not exist or has no credentials"
    );
}

#[test]
fn a_rotated_profile_is_picked_up() {
    let machine = Machine::new().profile("[default]\naws_access_key_id=AKIAOLD\naws_secret_access_key=s\n");
    let next = machine.file(
        "next",
        "[default]\naws_access_key_id=AKIANEW\naws_secret_access_key=s\n",
    );
    let machine = machine.set(NEXT_CONFIG, next.display().to_string());
    assert_eq!(
        machine.run(),
        "ok id=AKIAOLD secret=s token=- expires=false\nok id=AKIANEW secret=s token=- expires=false"
    );
}

#[test]
fn a_machine_without_credentials_is_said() {
    assert!(Machine::new().run().starts_with("error chain_empty"));
}

#[test]
fn a_web_identity_is_exchanged_at_sts_without_a_signature() {
    let (sts, requests) = server(|_| {
        r"<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>
        <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
        <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
        </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
            .into()
    });
    let machine = Machine::new();
    let token = machine.file("token", "eyJ.web.token");
    let machine = machine
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", token.display().to_string())
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
        .set("AWS_ROLE_SESSION_NAME", "pod")
        .set("AWS_ENDPOINT_URL_STS", sts);
    assert_eq!(machine.run(), "ok id=ASIAWEB secret=s token=t expires=true");
    let request = requests.recv().unwrap();
    assert!(request.contains("WebIdentityToken=eyJ.web.token"), "{request}");
    assert!(!request.to_lowercase().contains("authorization:"), "{request}");
}

#[test]
fn a_container_is_called_with_its_token() {
    let (container, requests) = server(|_| CONTAINER_JSON.into());
    let machine = Machine::new();
    let token = machine.file("token", "pod-identity-token");
    let machine = machine
        .set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{container}/v1/credentials"),
        )
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.display().to_string());
    assert_eq!(
        machine.run(),
        "ok id=ASIAMACHINE secret=s3cr3t token=t0k3n expires=true"
    );
    let request = requests.recv().unwrap().to_lowercase();
    assert!(request.starts_with("get /v1/credentials http/1.1"), "{request}");
    assert!(request.contains("authorization: pod-identity-token"), "{request}");
}

#[test]
fn an_instance_is_called_by_imds_version_2() {
    let (metadata, requests) = server(|line| match line.split(' ').nth(1) {
        Some("/latest/api/token") => "imds-token".into(),
        Some(path) if path.ends_with("/robot") => CONTAINER_JSON.into(),
        _ => "robot".into(),
    });
    let machine = Machine::new()
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata);
    assert_eq!(
        machine.run(),
        "ok id=ASIAMACHINE secret=s3cr3t token=t0k3n expires=true"
    );
    let requests: Vec<_> = requests.try_iter().map(|request| request.to_lowercase()).collect();
    assert!(requests[0].starts_with("put /latest/api/token"), "{requests:?}");
    assert!(requests.len() >= 2, "{requests:?}");
    for request in &requests[1..] {
        assert!(request.contains("x-aws-ec2-metadata-token: imds-token"), "{request}");
    }
}
