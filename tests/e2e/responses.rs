//! Hostile and broken upstreams: a client gets one well-formed response, or a `502`, or one that visibly breaks off.

mod ends;
mod rows;
mod truncated;

use std::io::ErrorKind;
use std::net::SocketAddr;

use signing_proxy::app::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::hostile::Hostile;
use crate::support::world::{connection, proxy};
use crate::support::{LONGEST_WAIT, ask};
use rows::Want::{Broken, BrokenOrMalformed, Failed, Malformed, Passed};
use rows::{Row, bodies, framings, heads, row};

/// A proxy before an upstream with these scripts.
async fn before(rows: &[Row]) -> (Hostile, Proxy) {
    let upstream = Hostile::start(rows.iter().map(|row| row.script.clone()).collect()).await;
    let endpoint = format!("http://{}", upstream.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    (upstream, proxy)
}

/// What came until the connection ended.
struct Received {
    text: String,
    /// Whether it was reset: an end too, but that of a response that breaks off.
    is_reset: bool,
}

/// Everything that the proxy sends until it closes.
async fn bytes_of(to: SocketAddr, version: &str, method: &str, path: &str) -> Received {
    let request = format!(
        "{method} {path} {version}\r\nhost: localhost\r\naccept: application/json\r\nconnection: close\r\n\r\n"
    );
    let mut socket = TcpStream::connect(to).await.expect("the proxy listens");
    socket.write_all(request.as_bytes()).await.expect("a request");
    received(&mut socket).await
}

/// Everything that comes until the connection ends.
async fn received(socket: &mut TcpStream) -> Received {
    let mut bytes = Vec::new();
    let ended = timeout(LONGEST_WAIT, socket.read_to_end(&mut bytes))
        .await
        .expect("an end in time");
    let is_reset = ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
    let text = String::from_utf8(bytes).expect("text");
    Received { text, is_reset }
}

/// The whole response to a request on HTTP/2; `None` where its stream was reset.
async fn on_http2(to: SocketAddr, method: &str, path: &str) -> Option<(u16, String)> {
    let socket = TcpStream::connect(to).await.expect("the proxy listens");
    let (sender, http2) = h2::client::handshake(socket).await.expect("a connection");
    tokio::spawn(http2);
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://localhost{path}"))
        .body(())
        .expect("a request");
    let mut sender: h2::client::SendRequest<bytes::Bytes> = sender.ready().await.expect("room for a stream");
    let (response, _) = sender.send_request(request, true).expect("a stream");
    let response = timeout(LONGEST_WAIT, response).await.expect("a head in time").ok()?;
    let (status, mut body) = (response.status().as_u16(), response.into_body());
    let mut text = String::new();
    while let Some(data) = timeout(LONGEST_WAIT, body.data()).await.expect("an end in time") {
        text.push_str(std::str::from_utf8(&data.ok()?).expect("text"));
    }
    Some((status, text))
}

/// Status, and the body where it is as long as the head says, or the connection's end does on HTTP/1.0.
#[track_caller]
fn whole(received: &Received, method: &str) -> Option<(u16, String)> {
    let response = received.text.as_str();
    let (head, body) = response.split_once("\r\n\r\n")?;
    let head = head.to_ascii_lowercase();
    let status: u16 = head[9..12].parse().expect("a status");
    let all = |name: &str| {
        head.lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .collect::<Vec<_>>()
    };
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "two lengths: {response}");
    if method == "HEAD" || matches!(status, 204 | 304) {
        assert_eq!(body, "", "{response}");
        assert!(status != 204 || lengths.is_empty(), "{response}");
        return Some((status, String::new()));
    }
    if let Some(length) = lengths.first() {
        let length: usize = length.parse().expect("a length");
        assert!(body.len() <= length, "{response}");
        return (body.len() == length).then(|| (status, body.to_owned()));
    }
    if head.starts_with("http/1.0 ") {
        assert!(codings.is_empty(), "{response}");
        return (!received.is_reset).then(|| (status, body.to_owned()));
    }
    assert_eq!(codings, ["chunked"], "no length: {response}");
    let (mut rest, mut data) = (body, String::new());
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            assert_eq!(after, "\r\n", "{response}");
            return Some((status, data));
        }
        data.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

async fn check(rows: Vec<Row>) {
    let (_upstream, proxy) = before(&rows).await;
    let address = proxy.addr().expect("a shared listener");
    for (number, row) in rows.iter().enumerate() {
        let path = format!("/b/{number}");
        for version in ["HTTP/1.1", "HTTP/1.0"] {
            let received = bytes_of(address, version, row.method, &path).await;
            let whole = whole(&received, row.method);
            let Received {
                text: response,
                is_reset,
            } = received;
            let code = |code: &str| response.contains(&format!("\r\nx-signing-proxy-error: {code}\r\n"));
            let begins = |status: &str| response.starts_with(&format!("{version} {status} "));
            let is_malformed = begins("502") && code("upstream-malformed");
            // The connection may end before the head was written.
            let is_broken = (response.is_empty() || begins("200")) && whole.is_none();
            let is_right = match row.want {
                Malformed => is_malformed,
                Failed => begins("502") && code("upstream-failed"),
                Broken => is_broken,
                BrokenOrMalformed => is_broken || is_malformed,
                Passed(status, body) => {
                    whole == Some((status, body.to_owned())) && !response.contains("x-signing-proxy-error")
                }
            };
            assert!(is_right, "{version}, {}: {:?}, not {response}", row.name, row.want);
            assert_eq!(
                is_reset,
                is_broken && matches!(row.want, Broken | BrokenOrMalformed),
                "{version}, {}: {response}",
                row.name
            );
            assert!(!response.contains("POISON"), "{}: {response}", row.name);
        }
        let whole = on_http2(address, row.method, &path).await;
        let is_right = match row.want {
            Malformed | Failed => whole.is_some_and(|(status, _)| status == 502),
            Broken => whole.is_none(),
            BrokenOrMalformed => whole.is_none_or(|(status, _)| status == 502),
            Passed(status, body) => whole == Some((status, body.to_owned())),
        };
        assert!(is_right, "HTTP/2, {}: {:?}", row.name, row.want);
        // Whatever came, the next request gets its own response.
        let next = ask(address, "GET /b/next HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!((next.status, next.text().as_str()), (200, "ok"), "after {}", row.name);
    }
}

#[tokio::test]
async fn a_response_with_two_lengths_or_an_odd_coding_is_a_bad_gateway() {
    check(framings()).await;
}

#[tokio::test]
async fn a_head_that_is_no_valid_http_or_has_no_bounds_is_a_bad_gateway() {
    check(heads()).await;
}

#[tokio::test]
async fn a_body_that_is_cut_never_looks_whole_and_one_that_must_not_be_there_is_no_response() {
    check(bodies()).await;
}

/// A stream whose first event is a long time coming: the client has the head before.
#[tokio::test]
async fn a_head_does_not_wait_for_its_body() {
    let script = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let (_upstream, proxy) = before(&[row("", script, Broken)]).await;
    let mut socket = TcpStream::connect(proxy.addr().expect("a shared listener"))
        .await
        .expect("it listens");
    let request = "GET /b/0 HTTP/1.1\r\nhost: localhost\r\n\r\n";
    socket.write_all(request.as_bytes()).await.expect("a request");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let read = timeout(LONGEST_WAIT, socket.read_buf(&mut head))
            .await
            .expect("the head in time");
        assert_ne!(read.expect("a head"), 0);
    }
    assert!(head.starts_with(b"HTTP/1.1 200 "));
}

/// Its body may arrive late, as the response to the next request.
#[tokio::test]
async fn a_connection_whose_response_may_have_more_bytes_takes_no_other_request() {
    for bytes in [
        "HTTP/1.1 204 No Content\r\ncontent-length: 50\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 2, 2\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let rows = [row("", bytes, Malformed)];
        let (mut upstream, proxy) = before(&rows).await;
        let address = proxy.addr().expect("a shared listener");
        bytes_of(address, "HTTP/1.1", "GET", "/b/0").await;
        bytes_of(address, "HTTP/1.1", "GET", "/b/next").await;
        // Else it would wait for the third request.
        upstream.connection_ended().await;
    }
}
