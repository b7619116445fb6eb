//! Sessions that AWS has ended while the proxy holds them for valid: clients that send nothing but `HEAD`, sessions that are
//! seconds old, and refreshes that are held back.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use sandbox::{Events, Sandbox};
use signing_proxy::app::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::world::{by_role, proxy, sandbox};
use crate::support::{RawResponse, ask};

/// What the store does with a session that has ended.
#[derive(Clone, Copy, Debug)]
enum Rejects {
    /// As S3: 400 `ExpiredToken`.
    With400,
    /// As S3 for keys that it does not know, or for a key that is missing.
    With403,
}

#[derive(Debug, Default)]
struct State {
    ended: HashSet<String>,
    ends_all: bool,
    last_token: String,
    /// Method and status of each request.
    seen: Vec<String>,
}

/// An S3 server that knows sessions by their tokens, and a proxy before it.
struct Stage {
    state: Arc<Mutex<State>>,
    proxy: Proxy,
    events: Events,
    _sandbox: Sandbox,
}

impl Stage {
    async fn new(rejects: Rejects) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((socket, _)) = listener.accept().await {
                    tokio::spawn(serve(socket, Arc::clone(&state), rejects));
                }
            }
        });
        let sandbox = sandbox().await;
        let events = sandbox.events();
        let proxy = proxy(&by_role(&sandbox, &format!("http://{address}"))).await;
        Self {
            state,
            proxy,
            events,
            _sandbox: sandbox,
        }
    }

    async fn request(&self, method: &str) -> RawResponse {
        let address: SocketAddr = self.proxy.addr().expect("a listener");
        ask(address, format!("{method} /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
    }

    /// Ends the session of the last request.
    fn end_session(&self) {
        let mut state = self.state.lock().expect("no panic");
        let token = state.last_token.clone();
        state.ended.insert(token);
    }

    fn end_all_sessions(&self, ends_all: bool) {
        self.state.lock().expect("no panic").ends_all = ends_all;
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("no panic").seen)
    }

    /// How often STS has issued a session since the last look.
    fn issued(&mut self) -> usize {
        self.events
            .drain()
            .iter()
            .filter(|event| event.service == "sts")
            .count()
    }
}

async fn serve(mut socket: TcpStream, state: Arc<Mutex<State>>, rejects: Rejects) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("a head in UTF-8");
        let method = head.split(' ').next().expect("a method").to_owned();
        let token = head
            .lines()
            .find_map(|line| line.strip_prefix("x-amz-security-token: "));
        let response = {
            let mut state = state.lock().expect("no panic");
            state.last_token = token.expect("a session token").to_owned();
            let is_rejected = state.ends_all || state.ended.contains(&state.last_token);
            let (status, body) = match (is_rejected, rejects) {
                (false, _) => ("200 OK", "stored"),
                (true, Rejects::With400) => ("400 Bad Request", "<Error><Code>ExpiredToken</Code></Error>"),
                (true, Rejects::With403) => ("403 Forbidden", "<Error><Code>InvalidAccessKeyId</Code></Error>"),
            };
            state.seen.push(format!("{method} {}", &status[..3]));
            let sent = if method == "HEAD" { "" } else { body };
            let (kind, length) = ("content-type: application/xml", body.len());
            format!("HTTP/1.1 {status}\r\n{kind}\r\ncontent-length: {length}\r\n\r\n{sent}")
        };
        socket.write_all(response.as_bytes()).await.ok()?;
    }
}

#[tokio::test]
async fn clients_that_send_nothing_but_head_recover_at_once() {
    for rejects in [Rejects::With400, Rejects::With403] {
        let mut stage = Stage::new(rejects).await;
        assert_eq!(stage.request("HEAD").await.status, 200);
        stage.end_session();
        let status = if matches!(rejects, Rejects::With400) { 400 } else { 403 };
        assert_eq!(
            (stage.request("HEAD").await.status, stage.issued()),
            (200, 2),
            "{rejects:?}"
        );
        // Nothing but what the client sent, and that once more.
        assert_eq!(stage.seen(), ["HEAD 200", &format!("HEAD {status}"), "HEAD 200"]);
        assert_eq!((stage.request("HEAD").await.status, stage.issued()), (200, 0));
    }
}

#[tokio::test]
async fn many_403_to_head_refresh_once_and_hold_no_other_refresh_back() {
    let mut stage = Stage::new(Rejects::With403).await;
    stage.end_all_sessions(true);
    for _ in 0..50 {
        let response = stage.request("HEAD").await;
        // Most likely a key that is missing: nothing to say of it.
        assert_eq!((response.status, response.header("x-signing-proxy-error")), (403, None));
    }
    assert_eq!(stage.issued(), 2, "the first session, and one refresh in a minute");
    stage.end_all_sessions(false);
    assert_eq!(stage.request("GET").await.status, 200);
    stage.end_session();
    assert_eq!((stage.request("GET").await.status, stage.issued()), (200, 1));
}

#[tokio::test]
async fn session_that_is_rejected_a_moment_after_it_was_issued_is_refreshed() {
    let mut stage = Stage::new(Rejects::With400).await;
    assert_eq!(stage.request("GET").await.status, 200);
    stage.end_session();
    let response = stage.request("GET").await;
    assert_eq!(
        (response.status, response.text().as_str(), stage.issued()),
        (200, "stored", 2)
    );
}

#[tokio::test]
async fn refresh_that_is_held_back_says_so_and_until_when() {
    let mut stage = Stage::new(Rejects::With400).await;
    stage.end_all_sessions(true);
    // The one refresh did not help.
    let first = stage.request("GET").await;
    assert_eq!((first.status, first.header("x-signing-proxy-error")), (400, None));
    for method in ["GET", "HEAD"] {
        let response = stage.request(method).await;
        let notice = response.header("x-signing-proxy-error");
        assert_eq!((response.status, notice), (400, Some("refresh-held-back")), "{method}");
        let wait: u64 = response
            .header("retry-after")
            .and_then(|text| text.parse().ok())
            .expect("seconds");
        assert!((1..=5).contains(&wait), "{wait}");
    }
    assert_eq!(stage.issued(), 2);
}
