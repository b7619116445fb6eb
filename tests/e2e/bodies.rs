//! Bodies: chunked, empty, spooled, announced by `Expect`, encoded as aws-chunked, too large, cut short.

use std::fmt::Write as _;

use signing_proxy::app::Proxy;

use crate::support::{Recorder, Wire, World, ask, world};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
/// SHA-256 of nothing.
const EMPTY_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn head(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
}

/// A body in chunks of `size` bytes.
fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut framed = Vec::new();
    for piece in body.chunks(size) {
        framed.extend(format!("{:x};note=x\r\n", piece.len()).into_bytes());
        framed.extend(piece);
        framed.extend(b"\r\n");
    }
    framed.extend(b"0\r\n\r\n");
    framed
}

/// A body that does not repeat within a spool's buffer.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Stores a body, sent in the given way, and fetches it again. The sandbox checks hash, length and signature.
async fn check_stored(framing: &str, sent: impl AsRef<[u8]>, body: &[u8], more: &str) {
    let mut world = World::with_store().await;
    let head = head("PUT", "/sandbox-bucket/body", &format!("{framing}{more}"));
    let stored = ask(world.address(), [head.as_bytes(), sent.as_ref()].concat()).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    world.accepted("s3");
    let fetched = ask(world.address(), self::head("GET", "/sandbox-bucket/body", "")).await;
    assert_eq!(fetched.status, 200);
    assert!(
        fetched.body == body,
        "{} bytes came back, {} were sent",
        fetched.body.len(),
        body.len()
    );
}

#[tokio::test]
async fn a_body_with_a_length_is_stored() {
    let body = noise(70_001);
    check_stored("Content-Length: 70001\r\n", &body, &body, "").await;
}

#[tokio::test]
async fn a_chunked_body_gets_a_length() {
    let body = noise(70_001);
    check_stored("Transfer-Encoding: chunked\r\n", chunked(&body, 999), &body, "").await;
}

#[tokio::test]
async fn a_body_beyond_memory_is_spooled() {
    let body = noise(9 * 1024 * 1024);
    check_stored("Transfer-Encoding: chunked\r\n", chunked(&body, 1 << 20), &body, "").await;
}

#[tokio::test]
async fn an_empty_chunked_body_is_an_empty_object() {
    check_stored("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", b"", "").await;
}

#[tokio::test]
async fn trailers_of_a_chunked_body_are_dropped() {
    let sent = "3\r\nabc\r\n0\r\nx-amz-meta-late: 1\r\n\r\n";
    check_stored(
        "Transfer-Encoding: chunked\r\n",
        sent,
        b"abc",
        "Trailer: x-amz-meta-late\r\n",
    )
    .await;
}

/// As newer SDKs send it even when they do not sign: framing inside of the body, with a checksum behind.
#[tokio::test]
async fn an_unsigned_aws_chunked_body_is_unwrapped() {
    let sent = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    let more = "Content-Encoding: aws-chunked\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n\
                X-Amz-Decoded-Content-Length: 5\r\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n";
    check_stored(&format!("Content-Length: {}\r\n", sent.len()), sent, b"hello", more).await;
}

#[tokio::test]
async fn without_a_body_put_and_post_say_so_and_get_does_not() {
    let mut recorder = Recorder::start(OK).await;
    let proxy = proxy_to(&recorder, "s3", "").await;
    let rows = [
        ("PUT", "", Some("0")),
        ("PUT", "Content-Length: 0\r\n", Some("0")),
        ("PUT", "Transfer-Encoding: chunked\r\n", Some("0")),
        ("POST", "", Some("0")),
        ("GET", "", None),
        ("HEAD", "", None),
        ("DELETE", "", None),
    ];
    for (method, framing, length) in rows {
        let end = if framing.starts_with("Transfer") {
            "0\r\n\r\n"
        } else {
            ""
        };
        let response = ask(proxy.addr().unwrap(), head(method, "/b/k", framing) + end).await;
        assert_eq!(response.status, 200, "{method} {framing:?}: {}", response.text());
        let sent = recorder.take().await;
        assert_eq!(sent.header("content-length"), length, "{method} {framing:?}");
        assert_eq!(sent.header("x-amz-content-sha256"), Some(EMPTY_HASH));
        assert!(!sent.signed_headers().contains(&"content-length"));
    }
}

#[tokio::test]
async fn a_get_with_a_body_keeps_it() {
    let mut recorder = Recorder::start(OK).await;
    let proxy = proxy_to(&recorder, "es", "").await;
    let request = head(
        "GET",
        "/index/_search",
        "Content-Length: 2\r\nContent-Type: application/json\r\n",
    ) + "{}";
    assert_eq!(ask(proxy.addr().unwrap(), request).await.status, 200);
    let sent = recorder.take().await;
    assert_eq!(
        (sent.header("content-length"), sent.body.as_slice()),
        (Some("2"), &b"{}"[..])
    );
}

#[tokio::test]
async fn continue_is_said_once_and_before_the_body() {
    let mut world = World::with_store().await;
    let mut wire = Wire::connect(world.address()).await;
    wire.send(head(
        "PUT",
        "/sandbox-bucket/waits",
        "Expect: 100-continue\r\nContent-Length: 5\r\n",
    ))
    .await;
    assert_eq!(wire.head().await.0, 100);
    wire.send("hello").await;
    let (status, _) = wire.head().await;
    assert_eq!(status, 200, "one interim response is enough");
    world.accepted("s3");
}

/// The AWS CLI sends empty files so, and mixes up the next response where the final one came without a `100 Continue`.
#[tokio::test]
async fn an_empty_body_that_expects_continue_ends_the_connection() {
    let mut world = World::with_store().await;
    let mut wire = Wire::connect(world.address()).await;
    wire.send(head(
        "PUT",
        "/sandbox-bucket/empty",
        "Expect: 100-continue\r\nContent-Length: 0\r\n",
    ))
    .await;
    let (status, headers) = wire.head().await;
    assert_eq!(status, 200);
    assert!(
        headers.contains(&("connection".to_owned(), "close".to_owned())),
        "{headers:?}"
    );
    assert!(wire.is_closed().await);
    world.accepted("s3");
}

/// A proxy that takes bodies of 1 KiB at most.
async fn for_a_kibibyte(recorder: &Recorder) -> Proxy {
    let limits = "limits = { memory_body = \"1KiB\", max_body = \"1KiB\" }";
    proxy_to(recorder, "s3", limits).await
}

/// A proxy with one connection, for which the recorder is the service.
async fn proxy_to(recorder: &Recorder, service: &str, more: &str) -> Proxy {
    let endpoint = format!("http://{}", recorder.address);
    world::proxy(&world::connection("only", service, &endpoint, more)).await
}

#[tokio::test]
async fn a_rejected_request_gets_no_100_continue() {
    let mut recorder = Recorder::start(OK).await;
    let proxy = for_a_kibibyte(&recorder).await;
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    wire.send(head(
        "PUT",
        "/b/k",
        "Expect: 100-continue\r\nContent-Length: 1025\r\nAccept: application/json\r\n",
    ))
    .await;
    let response = wire.response().await;
    let (status, code, _) = response.rejection();
    assert_eq!((status, code.as_str()), (413, "body-too-large"));
    assert!(recorder.is_untouched());
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused() {
    let mut recorder = Recorder::start(OK).await;
    let proxy = for_a_kibibyte(&recorder).await;
    let mut request = head(
        "PUT",
        "/b/k",
        "Transfer-Encoding: chunked\r\nAccept: application/json\r\n",
    )
    .into_bytes();
    request.extend(chunked(&noise(1025), 100));
    let (status, code, _) = ask(proxy.addr().unwrap(), request).await.rejection();
    assert_eq!((status, code.as_str()), (413, "body-too-large"));
    assert!(recorder.is_untouched());
}

#[tokio::test]
async fn a_body_that_is_cut_short_sends_nothing() {
    let mut recorder = Recorder::start(OK).await;
    let proxy = proxy_to(&recorder, "s3", "").await;
    let mut framings = String::new();
    for framing in ["Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        wire.send(head("PUT", "/b/k", framing) + "5\r\nab").await;
        drop(wire);
        let _ = write!(framings, "{framing:?} ");
    }
    // A whole request afterwards is the only one to arrive.
    assert_eq!(
        ask(proxy.addr().unwrap(), head("GET", "/b/whole", "")).await.status,
        200
    );
    assert_eq!(recorder.take().await.target, "/b/whole", "{framings}");
    assert!(recorder.is_untouched());
}
