//! Responses over TLS and HTTP/2 that are cut, or whose head can be read in two ways.

use tokio_rustls::server::TlsStream;

use super::tls::{acceptor, proxy_for};
use super::*;

/// The frame types that the tests write.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` of HPACK's static table.
const STATUS_200: u8 = 0x88;
/// The first stream of a client.
const STREAM: u32 = 1;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field that is not indexed, in plain letters.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

fn head(flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    let fields = fields.iter().flat_map(|(name, value)| field(name, value));
    let block: Vec<u8> = [STATUS_200].into_iter().chain(fields).collect();
    frame(HEADERS, END_HEADERS | flags, STREAM, &block)
}

fn data(flags: u8, text: &str) -> Vec<u8> {
    frame(DATA, flags, STREAM, text.as_bytes())
}

/// A service over TLS that sends these bytes once a request has come, and ends without a closing alert, or waits.
async fn service(protocol: &'static str, script: Vec<u8>, closes: bool, bids_farewell: bool) -> Proxy {
    let (acceptor, ca_file) = acceptor("localhost", &[protocol]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            if protocol == "h2" {
                begin_http2(&mut stream).await;
            } else {
                read_request(&mut stream).await;
            }
            stream.write_all(&script).await.unwrap();
            stream.flush().await.unwrap();
            if bids_farewell {
                stream.shutdown().await.unwrap();
            }
            if !closes {
                tokio::spawn(async move { while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {} });
            }
        }
    });
    // The service's own `Service` has more than is needed here.
    let name = if protocol == "h2" { "dynamodb" } else { "s3" };
    proxy_for(addr, name, Some(&ca_file), "").await
}

/// Reads up to the first request's head.
async fn begin_http2(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.unwrap();
        if head[3] == HEADERS {
            return;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_cut_over_http_2_never_looks_whole() {
    let no_error = 0_u32.to_be_bytes();
    let hello = || [head(0, &[]), data(0, "hello")].concat();
    let with_length = |length| head(0, &[("content-length", length)]);
    let goaway = frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0]);
    for (name, script, closes) in [
        (
            "a reset without an error",
            [hello(), frame(RST_STREAM, 0, STREAM, &no_error)].concat(),
            false,
        ),
        (
            "a reset",
            [hello(), frame(RST_STREAM, 0, STREAM, &2_u32.to_be_bytes())].concat(),
            false,
        ),
        ("the connection's end", hello(), true),
        ("a farewell that names no stream", [hello(), goaway].concat(), true),
        (
            "fewer bytes than announced",
            [with_length("9"), data(END_STREAM, "hello")].concat(),
            false,
        ),
        (
            "more bytes than announced",
            [with_length("2"), data(END_STREAM, "hello")].concat(),
            false,
        ),
        (
            "a reset without an error before the announced length",
            [
                with_length("9"),
                data(0, "hello"),
                frame(RST_STREAM, 0, STREAM, &no_error),
            ]
            .concat(),
            false,
        ),
    ] {
        let mut proxy = service("h2", script, closes, false).await;
        let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
        let is_broken = response.starts_with("HTTP/1.1 502 ")
            || response.is_empty()
            || (!response.ends_with("\r\n0\r\n\r\n") && !response.contains("content-length: 5"));
        assert!(is_broken, "{name}: {response}");
        let record = proxy.record().await;
        assert!(
            record.outcome == Outcome::UpstreamBroke || record.error.is_some(),
            "{name}: {record:?}"
        );
    }
    let whole = [
        head(0, &[]),
        data(END_STREAM, "hello"),
        frame(RST_STREAM, 0, STREAM, &no_error),
    ]
    .concat();
    let mut proxy = service("h2", whole, false, false).await;
    assert!(
        proxy
            .ask("GET /b/k HTTP/1.1", b"")
            .await
            .ends_with("hello\r\n0\r\n\r\n")
    );
    assert_eq!(proxy.record().await.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_head_over_http_2_that_can_be_read_in_two_ways_is_a_bad_gateway() {
    for (name, fields) in [
        (
            "two lengths",
            [("content-length", "2"), ("content-length", "5")].as_slice(),
        ),
        ("two equal lengths", &[("content-length", "5"), ("content-length", "5")]),
        ("a list of lengths", &[("content-length", "5, 5")]),
        ("a transfer coding", &[("transfer-encoding", "chunked")]),
        ("a hop's field", &[("connection", "close")]),
        ("an upgrade", &[("upgrade", "x")]),
    ] {
        let script = [head(0, fields), data(END_STREAM, "hello")].concat();
        let proxy = service("h2", script, false, false).await;
        let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
        assert!(response.starts_with("HTTP/1.1 502 "), "{name}: {response}");
    }
}

/// Without a length only the closing alert says that nothing was cut.
#[tokio::test]
async fn a_body_without_a_length_over_tls_is_whole_only_with_the_closing_alert() {
    for version in ["1.0", "1.1"] {
        let script = || format!("HTTP/{version} 200 OK\r\n\r\nhello").into_bytes();
        let mut proxy = service("http/1.1", script(), true, false).await;
        let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
        assert!(!response.ends_with("0\r\n\r\n"), "{response}");
        assert_eq!(proxy.record().await.outcome, Outcome::UpstreamBroke);
        let mut proxy = service("http/1.1", script(), true, true).await;
        let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
        assert!(response.ends_with("hello\r\n0\r\n\r\n"), "{response}");
        assert_eq!(proxy.record().await.outcome, Outcome::Complete);
    }
}
