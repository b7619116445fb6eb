//! Keys that are rotated and clocks that differ while requests run: the sandbox verifies by its own clock.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use auth_model::SystemClock;
use proxy_config::Config;
use sandbox::principals::{REPORT_READER, ROBOT};
use sandbox::{Fault, KeyKind, ManualClock, Reason, Sandbox, SandboxSettings};
use signing_proxy::app::Proxy;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{RawResponse, World, ask};

/// The sandbox and a proxy, each with a clock that is set by hand.
struct Stage {
    sandbox: Sandbox,
    proxy: Proxy,
    /// The sandbox's.
    theirs: ManualClock,
    /// The proxy's.
    ours: ManualClock,
    folder: TempDir,
}

/// A quarter of an hour: the shortest session.
const SESSION: Duration = Duration::from_mins(15);

fn start() -> SystemTime {
    auth_model::Clock::now(&SystemClock)
}

impl Stage {
    /// The connections `kept` (keys with a session token in a file), `role` (an assumed role) and `issuer` (STS with the
    /// robot's keys).
    async fn new(theirs: SystemTime) -> Self {
        let (theirs, ours) = (ManualClock::at(theirs), ManualClock::at(start()));
        let settings = SandboxSettings {
            clock: Arc::new(theirs.clone()),
            ..SandboxSettings::default()
        };
        let sandbox = Sandbox::start(settings).await.expect("the sandbox starts");
        let folder = TempDir::new().expect("a folder");
        let (id, secret) = (ROBOT.access_key_id, ROBOT.secret_access_key);
        let keys = format!("access_key_id = \"{id}\"\nsecret_access_key = \"literal:{secret}\"\n");
        let file = key_file(folder.path());
        let kept = ["access_key_id", "secret_access_key", "session_token"]
            .map(|part| format!("{part} = \"file:{}#/{part}\"\n", file.display()))
            .concat();
        let role = format!(
            "method = \"access-key-assume-role\"\nsession_duration = \"15m\"\nrole = \"{}\"\n{keys}",
            REPORT_READER.arn
        );
        let connection = |name: &str, service: &str, auth: &str| {
            format!(
                "[connections.{name}]\nservice = \"{service}\"\nregion = \"us-east-1\"\nendpoint = \"http://{}\"\n\
                 [connections.{name}.auth]\n{auth}",
                sandbox.service(service).expect("a service")
            )
        };
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[sts]\nendpoint = \"http://{}\"\n{}{}{}",
            sandbox.sts(),
            connection("kept", "s3", &format!("method = \"access-key\"\n{kept}")),
            connection("role", "s3", &role),
            connection("issuer", "sts", &format!("method = \"access-key\"\n{keys}")).replace(
                "[connections.issuer.auth]",
                "vend_credentials = [\"sts:AssumeRole\"]\n[connections.issuer.auth]"
            ),
        );
        let config = Config::from_toml(&toml, &crate::support::environment()).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start_at(config, Arc::new(ours.clone()))
            .await
            .expect("the proxy starts");
        Self {
            sandbox,
            proxy,
            theirs,
            ours,
            folder,
        }
    }

    /// Time passes for both.
    fn pass(&self, time: Duration) {
        self.theirs.advance(time);
        self.ours.advance(time);
    }

    /// Has STS issue a session, and puts it where `kept` looks, in one step.
    async fn rotate(&self) {
        let form = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=kept&DurationSeconds={}&RoleArn={}",
            SESSION.as_secs(),
            REPORT_READER.arn.replace('/', "%2F").replace(':', "%3A")
        );
        let request = format!(
            "POST /@issuer/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let response = ask(self.proxy.addr().expect("a listener"), request).await;
        let text = response.text();
        let part = |name: &str| {
            let (_, rest) = text
                .split_once(&format!("<{name}>"))
                .unwrap_or_else(|| panic!("no {name} in {text}"));
            rest.split_once("</").expect("an end").0.to_owned()
        };
        let json = serde_json::json!({
            "access_key_id": part("AccessKeyId"),
            "secret_access_key": part("SecretAccessKey"),
            "session_token": part("SessionToken"),
        });
        let file = key_file(self.folder.path());
        let draft = file.with_extension("new");
        std::fs::write(&draft, json.to_string()).expect("a file");
        std::fs::rename(draft, file).expect("one step");
    }

    async fn list(&self, connection: &str) -> RawResponse {
        list(self.proxy.addr().expect("a listener"), connection).await
    }

    /// A metric's value for the connection.
    fn metric(&self, name: &str, connection: &str, more: &str) -> String {
        let text = self.proxy.metrics().encode().expect("metrics");
        let line = format!("signing_proxy_{name}{{connection=\"{connection}\"{more}}} ");
        let value = text.lines().find_map(|found| found.strip_prefix(&line));
        value.unwrap_or_else(|| panic!("no {line} in {text}")).to_owned()
    }

    fn retries(&self, connection: &str, reason: &str) -> String {
        self.metric("retries_total", connection, &format!(",reason=\"{reason}\""))
    }

    /// What `/readyz` tells of the connection, and its status.
    async fn readiness(&self, connection: &str) -> (u16, String) {
        let admin = self.proxy.admin_addr().expect("an admin listener");
        let request = format!("GET /readyz?connection={connection} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = ask(admin, request).await;
        (response.status, response.text())
    }
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("keys.json")
}

async fn list(address: SocketAddr, connection: &str) -> RawResponse {
    ask(
        address,
        format!("GET /@{connection}/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    )
    .await
}

#[tokio::test]
async fn a_rotated_session_token_costs_one_read_and_no_request() {
    let stage = Stage::new(start()).await;
    stage.rotate().await;
    assert_eq!(stage.list("kept").await.status, 200);
    // Less than the ten seconds after which files are read again anyway.
    stage.ours.advance(Duration::from_secs(9));
    stage.theirs.advance(SESSION);
    stage.rotate().await;
    let mut events = stage.sandbox.events();
    let response = stage.list("kept").await;
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.header("x-signing-proxy-error").is_none());
    let seen = events.drain();
    let accepted: Vec<_> = seen.iter().map(sandbox::VerifiedRequest::is_accepted).collect();
    assert_eq!(accepted, [false, true], "{seen:#?}");
    assert_eq!(seen[1].key, Some(KeyKind::Temporary));
    assert_eq!(stage.retries("kept", "credentials"), "1");
    assert_eq!(stage.readiness("kept").await.0, 200);
}

#[tokio::test]
async fn a_session_token_that_nobody_rotates_is_reported() {
    let stage = Stage::new(start()).await;
    stage.rotate().await;
    assert_eq!(stage.list("kept").await.status, 200);
    assert_eq!(stage.metric("credentials_valid", "kept", ""), "1");
    stage.pass(SESSION);
    for _ in 0..3 {
        let response = stage.list("kept").await;
        assert_eq!(
            (response.status, response.header("x-signing-proxy-error")),
            (400, Some("credentials-rejected"))
        );
        assert!(
            response.text().contains("<Code>ExpiredToken</Code>"),
            "{}",
            response.text()
        );
    }
    assert_eq!(stage.retries("kept", "credentials"), "0");
    assert_eq!(stage.metric("credentials_valid", "kept", ""), "0");
    let (status, report) = stage.readiness("kept").await;
    assert!(status == 503 && report.contains("rejected-by-aws"), "{status} {report}");

    // Looked up again on demand, as ever: nothing has to be restarted. One of the next requests finds it.
    stage.rotate().await;
    stage.pass(Duration::from_mins(1));
    while stage.list("kept").await.status != 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.readiness("kept").await.0, 200);
}

/// Clients that send one request after the other until they are stopped; each counts its responses.
struct Traffic {
    is_over: Arc<AtomicBool>,
    responses: Vec<Arc<AtomicU64>>,
    clients: JoinSet<()>,
}

impl Traffic {
    fn begin(address: SocketAddr, connection: &'static str) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let responses: Vec<_> = (0..8).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let mut clients = JoinSet::new();
        for responses in responses.clone() {
            let is_over = Arc::clone(&is_over);
            clients.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let response = list(address, connection).await;
                    assert_eq!(response.status, 200, "{response:?} {}", response.text());
                    responses.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self {
            is_over,
            responses,
            clients,
        }
    }

    /// Waits until each client has begun and ended a request.
    async fn flow(&mut self) {
        let before: Vec<_> = self
            .responses
            .iter()
            .map(|responses| responses.load(Ordering::Relaxed))
            .collect();
        for (responses, before) in self.responses.iter().zip(before) {
            while responses.load(Ordering::Relaxed) < before + 2 {
                if let Some(Err(lost)) = self.clients.try_join_next() {
                    std::panic::resume_unwind(lost.into_panic());
                }
                tokio::task::yield_now().await;
            }
        }
    }

    async fn end(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.expect("no request was lost");
        }
    }
}

#[tokio::test]
async fn keys_rotated_while_traffic_runs_lose_no_request() {
    let stage = Stage::new(start()).await;
    stage.rotate().await;
    let mut traffic = Traffic::begin(stage.proxy.addr().expect("a listener"), "kept");
    stage.pass(SESSION / 3);
    traffic.flow().await;
    // A session ends the moment after its successor is kept; no request is under way for longer than one step.
    for _ in 0..6 {
        stage.pass(SESSION / 3);
        traffic.flow().await;
        stage.rotate().await;
        stage.pass(SESSION / 3);
        traffic.flow().await;
    }
    traffic.end().await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_hours_is_made_up_for() {
    let hours = Duration::from_hours(3);
    for (theirs, skew) in [(start() + hours, 10_800_i64), (start() - hours, -10_800)] {
        let stage = Stage::new(theirs).await;
        for attempts in [2, 1] {
            let mut events = stage.sandbox.events();
            let response = stage.list("role").await;
            assert_eq!(response.status, 200, "{}", response.text());
            let seen = events.drain();
            let by_s3: Vec<_> = seen.iter().filter(|event| event.service == "s3").collect();
            assert_eq!(by_s3.len(), attempts, "{by_s3:#?}");
            assert!(by_s3[attempts - 1].is_accepted());
        }
        assert_eq!(stage.retries("role", "clock"), "1");
        let reported: i64 = stage.metric("clock_skew_seconds", "role", "").parse().expect("seconds");
        assert!((reported - skew).abs() <= 2, "{reported}");
        // A connection to another service learns for itself.
        assert_eq!(stage.metric("clock_skew_seconds", "issuer", ""), "0");
    }
}

#[tokio::test]
async fn a_storm_of_rejections_calls_sts_no_more_often() {
    let mut world = World::start().await;
    let request = "GET /@role-arn-s3/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(ask(world.address(), request).await.status, 200);
    assert!(world.sandbox.fault("s3", Fault::Expired));
    for _ in 0..200 {
        let response = ask(world.address(), request).await;
        assert_eq!(response.status, 400);
        assert!(
            response.text().contains("<Code>ExpiredToken</Code>"),
            "{}",
            response.text()
        );
    }
    let seen = world.events.drain();
    let assumed = seen.iter().filter(|event| event.service == "sts").count();
    let refused = seen
        .iter()
        .filter(|event| event.service == "s3" && !event.is_accepted())
        .count();
    // The first set, and one for each time that the back-off allows: 5 s, 10 s, 20 s after another.
    assert!((1..=4).contains(&assumed), "{assumed} calls of STS");
    assert!((200..=203).contains(&refused), "{refused} requests");
    assert!(seen.iter().all(|event| event.is_accepted()
        || matches!(
            event.outcome,
            sandbox::Outcome::Rejected {
                reason: Reason::ExpiredToken,
                ..
            }
        )));

    assert!(world.sandbox.fault("s3", Fault::None));
    assert_eq!(ask(world.address(), request).await.status, 200);
}

#[tokio::test]
async fn the_first_request_after_a_long_idle_time_costs_one_call_of_sts() {
    let stage = Stage::new(start()).await;
    assert_eq!(stage.list("role").await.status, 200);
    stage.pass(Duration::from_hours(50));
    assert_eq!(
        stage.metric("credentials_valid", "role", ""),
        "0",
        "no request was made since"
    );
    let mut events = stage.sandbox.events();
    assert_eq!(stage.list("role").await.status, 200);
    let seen: Vec<_> = events
        .drain()
        .iter()
        .map(|event| (event.service, event.is_accepted()))
        .collect();
    assert_eq!(seen, [("sts", true), ("s3", true)]);
}
