//! What the crate promises, seen by a client that writes and reads bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use resource_limits::ListenerRole;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use self::dummy::{Accepted, BadRequest, Dummy, EARLY_PAUSE, PIPE};
use super::*;
use crate::clients::Clients;
use crate::connection::{ServerContext, serve};
use crate::drain::{CUT_GRACE, Drain, DrainStage};

pub(super) use self::dummy::NoObserver;

mod broken;
mod dummy;
mod early;
mod ending;
mod half_closed;
mod pipelined;
mod resting;
mod slow;

const LIMITS: ServerLimits = ServerLimits {
    header_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(75),
    write_timeout: Duration::from_secs(30),
    max_header_bytes: 16 * 1024,
    http2_max_header_bytes: 16 * 1024,
    max_clients: 100,
    reserve_percent: 10,
    place_kept: Duration::from_secs(1),
    busy_give_way: false,
};

/// One connection over a pipe in memory, so that time can be paused.
struct Pipe {
    client: DuplexStream,
    served: JoinHandle<()>,
    is_reset: Arc<AtomicBool>,
    is_gone: Arc<AtomicBool>,
    is_ended: Arc<AtomicBool>,
    drain: Drain,
    handler: Arc<Dummy>,
    began: Instant,
}

fn pipe() -> Pipe {
    let (client, pipe) = duplex(PIPE);
    let is_reset = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::new(AtomicBool::new(false));
    let is_ended = Arc::new(AtomicBool::new(false));
    let accepted = Accepted {
        pipe,
        is_reset: Arc::clone(&is_reset),
        is_gone: Arc::clone(&is_gone),
        is_ended: Arc::clone(&is_ended),
    };
    let drain = Drain::new();
    let context = ServerContext {
        limits: LIMITS,
        drain: drain.watch(),
        observer: Arc::new(NoObserver),
        rejections: Arc::new(BadRequest),
    };
    let peer = Peer {
        addr: SocketAddr::from(([127, 0, 0, 1], 40_000)),
        listener: ListenerRole::Shared,
    };
    let handler = Arc::new(Dummy::default());
    let place = Clients::new(LIMITS.places(), LIMITS.place_kept)
        .admit(peer.client_key())
        .unwrap();
    let served = tokio::spawn(serve(accepted, peer, Arc::clone(&handler), context, place));
    Pipe {
        client,
        served,
        is_reset,
        is_gone,
        is_ended,
        drain,
        handler,
        began: Instant::now(),
    }
}

impl Pipe {
    async fn send(&mut self, bytes: &str) {
        self.client.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Reads until `end` has come.
    async fn read_to(&mut self, end: &str) -> String {
        read_to(&mut self.client, end).await
    }

    /// What comes until the connection is closed, and how long after its beginning that was.
    async fn read_to_close(&mut self) -> (String, Duration) {
        let mut text = Vec::new();
        self.client.read_to_end(&mut text).await.unwrap();
        (String::from_utf8(text).unwrap(), self.began.elapsed())
    }
}

async fn read_to<T: AsyncRead + Unpin>(io: &mut T, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        text.push(char::from(io.read_u8().await.unwrap()));
    }
    text
}

#[track_caller]
fn check_rejected(response: &str, want: Rejection) {
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(
        response.contains(&format!("x-rejection: {want:?}\r\n")),
        "{response}: {want:?}"
    );
    assert!(response.contains("connection: close\r\n"), "{response}");
    assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{response}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_closed_without_a_response() {
    let mut pipe = pipe();
    assert_eq!(pipe.read_to_close().await, (String::new(), LIMITS.header_timeout));
}

#[tokio::test(start_paused = true)]
async fn half_a_preface_is_closed() {
    let mut pipe = pipe();
    pipe.send("PRI * HT").await;
    let (response, after) = pipe.read_to_close().await;
    check_rejected(&response, Rejection::HeadTimeout);
    assert_eq!(after, LIMITS.header_timeout);
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_closed_however_steadily_it_drips() {
    let mut pipe = pipe();
    pipe.send("GET /ok HTTP/1.1\r\n").await;
    let drip = async {
        loop {
            tokio::time::sleep(Duration::from_secs(3)).await;
            if pipe.client.write_all(b"x-a: b\r\n").await.is_err() {
                return;
            }
        }
    };
    let _ = timeout(LIMITS.header_timeout, drip).await;
    let (response, after) = pipe.read_to_close().await;
    check_rejected(&response, Rejection::HeadTimeout);
    assert_eq!(after, LIMITS.header_timeout);
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_may_pause_longer_than_a_head_but_not_for_ever() {
    let mut pipe = pipe();
    pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pipe.read_to("ok\n").await;
    tokio::time::sleep(LIMITS.header_timeout * 3).await;
    pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pipe.read_to("ok\n").await;
    let (rest, after) = pipe.read_to_close().await;
    assert_eq!(
        (rest.as_str(), after),
        ("", LIMITS.header_timeout * 3 + LIMITS.idle_timeout)
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_may_take_longer_than_any_wait_for_the_client() {
    let mut pipe = pipe();
    let (sender, frames) = mpsc::channel(1);
    pipe.handler.streams.lock().unwrap().push(frames);
    pipe.send("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await;
    for _ in 0..5 {
        tokio::time::sleep(LIMITS.idle_timeout * 2).await;
        sender.send(Bytes::from_static(b"event\n")).await.unwrap();
        pipe.read_to("event\n").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_is_cut() {
    let mut pipe = pipe();
    pipe.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n").await;
    (&mut pipe.served).await.unwrap();
    assert_eq!(pipe.began.elapsed(), LIMITS.write_timeout);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_cancels_its_request() {
    for (request, is_reset) in [
        ("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n", false),
        // One that may have an effect is served on for longer, unless the client says that it is gone.
        ("PUT /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi", true),
    ] {
        let mut pipe = pipe();
        pipe.send(request).await;
        while pipe.handler.seen.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let (dropped, served) = (Arc::clone(&pipe.handler.dropped), pipe.served);
        pipe.is_gone.store(is_reset, Ordering::SeqCst);
        drop(pipe.client);
        timeout(Duration::from_secs(3), dropped.notified()).await.unwrap();
        served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_closes_its_sending_side_gets_its_response() {
    let mut pipe = pipe();
    let (sender, frames) = mpsc::channel(1);
    pipe.handler.streams.lock().unwrap().push(frames);
    pipe.send("GET /stream HTTP/1.0\r\n\r\n").await;
    pipe.client.shutdown().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..3 {
        sender.send(Bytes::from_static(b"event\n")).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    drop(sender);
    let (response, after) = pipe.read_to_close().await;
    assert!(response.ends_with("event\nevent\nevent\n"), "{response}");
    assert!(after < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn after_a_half_closed_request_the_connection_ends_at_once() {
    let mut pipe = pipe();
    pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pipe.client.shutdown().await.unwrap();
    let (response, after) = pipe.read_to_close().await;
    assert!(response.ends_with("ok\n"), "{response}");
    assert_eq!(after, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_gets_the_response_of_the_application() {
    let long = "x".repeat(LIMITS.max_header_bytes);
    let many = "a: b\r\n".repeat(1000);
    let rows = [
        ("nonsense\r\n\r\n".to_owned(), Rejection::RequestLine),
        (
            "GET / HTTP/1.1\r\nbad header: x\r\n\r\n".to_owned(),
            Rejection::FieldName,
        ),
        ("GET / HTTP/3.7\r\n\r\n".to_owned(), Rejection::Version),
        (
            "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            Rejection::Target { byte: b' ', offset: 2 },
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
            Rejection::HeadTooLong,
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
            Rejection::HeadTooLong,
        ),
        ("\u{16}\u{3}\u{1}\u{2}".to_owned(), Rejection::Tls),
    ];
    for (bytes, want) in rows {
        let mut pipe = pipe();
        let (mut reader, mut writer) = tokio::io::split(&mut pipe.client);
        let mut response = String::new();
        let (sent, read) = tokio::join!(writer.write_all(bytes.as_bytes()), reader.read_to_string(&mut response));
        sent.unwrap();
        read.unwrap();
        check_rejected(&response, want);
        assert_eq!(pipe.handler.seen.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_second_request_is_rejected_like_the_first() {
    let mut pipe = pipe();
    pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pipe.read_to("ok\n").await;
    pipe.send("no http\r\n\r\n").await;
    let response = pipe.read_to("}\n").await;
    check_rejected(&response, Rejection::RequestLine);
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_get_their_responses_in_order() {
    let mut pipe = pipe();
    pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\nPUT /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\ntwo\n")
        .await;
    assert!(pipe.read_to("ok\n").await.starts_with("HTTP/1.1 200 "));
    assert!(pipe.read_to("two\n").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn http_1_0_gets_a_response_and_is_closed() {
    let mut pipe = pipe();
    pipe.send("GET /ok HTTP/1.0\r\n\r\n").await;
    let response = pipe.read_to("ok\n").await;
    assert!(
        response.starts_with("HTTP/1.0 200 ") && response.contains("content-length: 3\r\n"),
        "{response}"
    );
    pipe.client.shutdown().await.unwrap();
    assert_eq!(pipe.read_to_close().await.1, Duration::ZERO);
}
