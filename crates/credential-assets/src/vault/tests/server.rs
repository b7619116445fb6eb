//! The scripted vault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Responds by `METHOD path` below `/v1/` and by token; everything else is rejected as a vault does.
#[derive(Default)]
pub(super) struct Script(HashMap<(String, String), (u16, String)>);

impl Script {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A vault that gives every request the same response.
    pub(super) fn always(status: u16, body: &str) -> Self {
        Self(HashMap::from([(
            ("*".to_owned(), String::new()),
            (status, body.to_owned()),
        )]))
    }

    pub(super) fn on(mut self, request: &str, token: &str, status: u16, body: &Value) -> Self {
        let key = (request.to_owned(), token.to_owned());
        self.0.insert(key, (status, body.to_string()));
        self
    }

    fn response(&self, request: &Request) -> (u16, String) {
        let key = |line: &str, token: &str| (line.to_owned(), token.to_owned());
        let errors = |text: &str| json!({"errors": [text]}).to_string();
        let is_known = self.0.keys().any(|(_, token)| *token == request.token);
        let response = self
            .0
            .get(&key("*", ""))
            .or_else(|| self.0.get(&key(&request.line, &request.token)));
        match response {
            Some(response) => response.clone(),
            None if is_known => (404, errors("")),
            None => (403, errors("permission denied")),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    /// `METHOD path`, without `/v1/`.
    pub(super) line: String,
    pub(super) head: String,
    pub(super) token: String,
    pub(super) body: Value,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    requests: watch::Sender<Vec<Request>>,
}

pub(super) struct Server {
    address: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            requests: watch::Sender::default(),
        });
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { address, shared, task }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// From now on it responds by this script.
    pub(super) fn play(&self, script: Script) {
        *self.shared.script.lock().unwrap() = script;
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.shared.requests.borrow().clone()
    }

    pub(super) fn count(&self, line: &str) -> usize {
        count(&self.shared.requests.borrow(), line)
    }

    /// Returns as soon as this was requested so many times.
    pub(super) async fn until_requested(&self, line: &str, times: usize) {
        let mut requests = self.shared.requests.subscribe();
        let requested = requests.wait_for(|requests| count(requests, line) >= times);
        timeout(Duration::from_mins(1), requested).await.unwrap().unwrap();
    }
}

fn count(requests: &[Request], line: &str) -> usize {
    requests.iter().filter(|request| request.line == line).count()
}

/// One request, then the connection is closed.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let request = Request {
        line: format!("{method} {}", target.strip_prefix("/v1/").unwrap()),
        token: header("x-vault-token"),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        head: head.clone(),
    };
    let (status, body) = shared.script.lock().unwrap().response(&request);
    shared.requests.send_modify(|requests| requests.push(request));
    let response = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(response.as_bytes()).await;
}
