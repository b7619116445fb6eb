//! The pipeline between a client and a service that both talk bytes.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_model::SystemClock;
use credential_assets::{Assets, ProcessEnvironment};
use http::Version;
use http_server::{Handler, Peer};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proxy_config::{Config, Environment};
use resource_limits::ListenerRole;
use sts_client::{CredentialSource, StsSettings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;

mod bidirectional;
mod bodies;
mod cut;
mod egress;
mod held;
mod multipart;
mod own_errors;
mod recorded;
mod redactions;
mod rejections;
mod requests;
mod responses;
mod retries;
mod silence;
mod tls;

/// Long enough for any machine; nothing waits for it unless a test fails.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What the service does with the next request.
#[derive(Clone, Debug)]
enum Reply {
    /// Responds, and takes more requests.
    Say(String),
    /// Responds and closes.
    SayAndClose(String),
    /// Closes without a response.
    Close,
    /// Never responds.
    Hang,
    /// Responds with a head, then with pieces as the test releases them.
    Stream(String, Arc<tokio::sync::Mutex<mpsc::Receiver<&'static str>>>),
}

fn ok(body: &str) -> Reply {
    Reply::Say(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// A request as it came off the wire.
#[derive(Debug)]
struct Seen {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Seen {
    fn all(&self, name: &str) -> Vec<&str> {
        let wanted = self.headers.iter().filter(|(n, _)| n == name);
        wanted.map(|(_, value)| value.as_str()).collect()
    }

    #[track_caller]
    fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {self:?}");
        all[0]
    }

    fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }
}

/// A service that does what it is told and tells what it saw.
struct Service {
    addr: SocketAddr,
    seen: mpsc::UnboundedReceiver<Seen>,
    /// A line for each connection: `open` and `end`.
    connections: mpsc::UnboundedReceiver<&'static str>,
    /// What it does with the next requests.
    replies: Arc<Mutex<VecDeque<Reply>>>,
    knows_expect: Arc<AtomicBool>,
}

impl Service {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (seen_sender, seen) = mpsc::unbounded_channel();
        let (connection_sender, connections) = mpsc::unbounded_channel();
        let replies = Arc::new(Mutex::new(VecDeque::from(replies)));
        let knows_expect = Arc::new(AtomicBool::new(true));
        let (all_replies, knows) = (Arc::clone(&replies), Arc::clone(&knows_expect));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (replies, seen, connections) =
                    (Arc::clone(&all_replies), seen_sender.clone(), connection_sender.clone());
                let knows = Arc::clone(&knows);
                tokio::spawn(async move {
                    let _ = connections.send("open");
                    serve_by(stream, &replies, &seen, &knows).await;
                    let _ = connections.send("end");
                });
            }
        });
        Self {
            addr,
            seen,
            connections,
            replies,
            knows_expect,
        }
    }

    /// Responds to the head where `100 Continue` is expected.
    fn no_continue(&self) {
        self.knows_expect.store(false, Ordering::Relaxed);
    }

    async fn next(&mut self) -> Seen {
        timeout(LONGEST_WAIT, self.seen.recv()).await.unwrap().unwrap()
    }

    #[track_caller]
    fn saw_nothing(&mut self) {
        let seen = self.seen.try_recv();
        assert!(seen.is_err(), "{seen:?}");
    }
}

async fn serve<T>(stream: T, replies: &Mutex<VecDeque<Reply>>, seen: &mpsc::UnboundedSender<Seen>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    serve_by(stream, replies, seen, &AtomicBool::new(true)).await;
}

async fn serve_by<T>(
    mut stream: T,
    replies: &Mutex<VecDeque<Reply>>,
    seen: &mpsc::UnboundedSender<Seen>,
    knows_expect: &AtomicBool,
) where
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(request) = read_request_by(&mut stream, knows_expect.load(Ordering::Relaxed)).await {
        seen.send(request).unwrap();
        let reply = replies.lock().unwrap().pop_front().unwrap_or_else(|| ok(""));
        match reply {
            Reply::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Reply::SayAndClose(text) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                return;
            }
            Reply::Close => return,
            Reply::Hang => {
                let _ = stream.read(&mut [0]).await;
                return;
            }
            Reply::Stream(head, pieces) => {
                stream.write_all(head.as_bytes()).await.unwrap();
                let mut pieces = pieces.lock().await;
                let mut byte = [0];
                loop {
                    tokio::select! {
                        piece = pieces.recv() => match piece {
                            Some(piece) => stream.write_all(piece.as_bytes()).await.unwrap(),
                            None => return,
                        },
                        _ = stream.read(&mut byte) => return,
                    }
                }
            }
        }
    }
}

async fn read_request<T: AsyncRead + AsyncWrite + Unpin>(stream: &mut T) -> Option<Seen> {
    read_request_by(stream, true).await
}

async fn read_request_by<T: AsyncRead + AsyncWrite + Unpin>(stream: &mut T, knows_expect: bool) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    if headers.iter().any(|(name, _)| name == "expect") {
        if !knows_expect {
            let body = Vec::new();
            return Some(Seen { line, headers, body });
        }
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { line, headers, body })
}

/// Keeps the records.
#[derive(Debug)]
struct Records(mpsc::UnboundedSender<RequestRecord>);

impl Observer for Records {
    fn finished(&self, record: &RequestRecord) {
        let _ = self.0.send(record.clone());
    }
}

/// A proxy with one listener.
struct Proxy {
    addr: SocketAddr,
    records: mpsc::UnboundedReceiver<RequestRecord>,
    metrics: crate::metrics::Metrics,
}

impl Proxy {
    /// `connection` are the keys of the one connection besides its authentication.
    async fn with(connection: &str) -> Self {
        let config = format!(
            "[connections.c]\n{connection}\n[connections.c.auth]\nmethod = \"access-key\"\n\
             access_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"literal:wJalrXUtnFEMI\"\n"
        );
        Self::start(&config).await
    }

    async fn s3(service: &Service, more: &str) -> Self {
        Self::of("s3", service, more).await
    }

    /// Before a service that passes for the one of AWS with this name.
    async fn of(name: &str, service: &Service, more: &str) -> Self {
        let addr = service.addr;
        Self::with(&format!(
            "service = \"{name}\"\nregion = \"eu-west-1\"\nendpoint = \"http://{addr}\"\n{more}"
        ))
        .await
    }

    async fn start(config: &str) -> Self {
        Self::speaking(Version::HTTP_11, config).await
    }

    /// A proxy whose clients speak one version only.
    async fn speaking(version: Version, config: &str) -> Self {
        let config = Config::from_toml(config, &Environment::empty()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, records) = mpsc::unbounded_channel();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sources = config.connections.iter().map(|(name, connection)| {
            let assets = Assets::new(ProcessEnvironment);
            let settings = StsSettings::default();
            let source = CredentialSource::new(&connection.connection, assets, &settings, Arc::clone(&clock));
            (name.clone(), source.unwrap())
        });
        let metrics = crate::metrics::Metrics::new();
        let pipeline = Pipeline::new(
            &config,
            sources.collect(),
            Arc::clone(&clock),
            Arc::new(Records(sender)),
            &metrics,
        );
        let pipeline = Arc::new(pipeline.unwrap());
        tokio::spawn(async move {
            while let Ok((stream, client)) = listener.accept().await {
                let peer = Peer {
                    addr: client,
                    listener: ListenerRole::Shared,
                };
                let pipeline = Arc::clone(&pipeline);
                let service = service_fn(move |request| {
                    let begun = pipeline.begin(&request, &peer);
                    let response = Arc::clone(&pipeline).handle(request, begun);
                    async move { Ok::<_, std::convert::Infallible>(response.await) }
                });
                let stream = TokioIo::new(stream);
                if version == Version::HTTP_2 {
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    tokio::spawn(server.serve_connection(stream, service));
                } else {
                    tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service));
                }
            }
        });
        Self { addr, records, metrics }
    }

    /// Sends bytes; the client of the rest of the exchange.
    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// A request on a connection of its own, and the whole response.
    async fn ask(&self, head: &str, body: &[u8]) -> String {
        self.ask_at("localhost", head, body).await
    }

    /// As [`ask`](Self::ask), with a `Host` header of the test's own.
    async fn ask_at(&self, host: &str, head: &str, body: &[u8]) -> String {
        let head = format!(
            "{}\r\nhost: {host}\r\nconnection: close\r\n\r\n",
            head.replace('\n', "\r\n")
        );
        let mut stream = self.send(&[head.as_bytes(), body].concat()).await;
        read_all(&mut stream).await
    }

    async fn record(&mut self) -> RequestRecord {
        timeout(LONGEST_WAIT, self.records.recv()).await.unwrap().unwrap()
    }
}

async fn read_all<T: AsyncRead + Unpin>(stream: &mut T) -> String {
    let mut response = Vec::new();
    timeout(LONGEST_WAIT, stream.read_to_end(&mut response))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(response).unwrap()
}

/// Reads until the text has come.
async fn read_until<T: AsyncRead + Unpin>(stream: &mut T, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let byte = timeout(LONGEST_WAIT, stream.read_u8()).await.unwrap().unwrap();
        write!(text, "{}", char::from(byte)).unwrap();
    }
    text
}

#[track_caller]
fn assert_refused(response: &str, status: u16, code: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    assert!(
        response.contains(&format!("\r\nx-signing-proxy-error: {code}\r\n")),
        "{response}"
    );
    assert!(response.contains("\r\nx-signing-proxy-request-id: "), "{response}");
}
