//! Hostile and broken upstreams: a client gets one well-formed response, or a `502`, or one that visibly breaks off.

mod rows;

use std::net::SocketAddr;

use signing_proxy::server::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::hostile::Hostile;
use crate::support::world::{connection, proxy};
use crate::support::{PATIENCE, ask};
use rows::Want::{Broken, Failed, Malformed, Passed};
use rows::{Row, bodies, framings, heads, row};

/// A proxy before an upstream with these scripts.
async fn before(rows: &[Row]) -> (Hostile, Proxy) {
    let upstream = Hostile::start(rows.iter().map(|row| row.script.clone()).collect()).await;
    let endpoint = format!("http://{}", upstream.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    (upstream, proxy)
}

/// Everything that the proxy sends until it closes.
async fn bytes_of(to: SocketAddr, method: &str, path: &str) -> String {
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\nconnection: close\r\n\r\n");
    let mut socket = TcpStream::connect(to).await.expect("the proxy listens");
    socket.write_all(request.as_bytes()).await.expect("a request");
    let mut bytes = Vec::new();
    // A reset is an end too: that of a response that breaks off.
    let _ = timeout(PATIENCE, socket.read_to_end(&mut bytes))
        .await
        .expect("an end in time");
    String::from_utf8(bytes).expect("text")
}

/// Status, and the body where it is as long as the head says.
#[track_caller]
fn whole(response: &str, method: &str) -> Option<(u16, String)> {
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
        let response = bytes_of(address, row.method, &format!("/b/{number}")).await;
        let whole = whole(&response, row.method);
        let code = |code: &str| response.contains(&format!("\r\nx-signing-proxy-error: {code}\r\n"));
        let is_right = match row.want {
            Malformed => response.starts_with("HTTP/1.1 502 ") && code("upstream-malformed"),
            Failed => response.starts_with("HTTP/1.1 502 ") && code("upstream-failed"),
            // The connection may end before the head was written.
            Broken => (response.is_empty() || response.starts_with("HTTP/1.1 200 ")) && whole.is_none(),
            Passed(status, body) => {
                whole == Some((status, body.to_owned())) && !response.contains("x-signing-proxy-error")
            }
        };
        assert!(is_right, "{}: {:?}, not {response}", row.name, row.want);
        assert!(!response.contains("POISON"), "{}: {response}", row.name);
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
        bytes_of(address, "GET", "/b/0").await;
        bytes_of(address, "GET", "/b/next").await;
        // Else it would wait for the third request.
        upstream.connection_ended().await;
    }
}
