//! Uploads of unknown length with `multipart = true`: the sandbox checks every request and puts the parts together.

use http::Method;
use tokio::time::timeout;

use crate::support::{LONGEST_WAIT, Wire, World, ask};

async fn start() -> World {
    World::with_one("store", "s3", "multipart = true").await
}

const HEAD: &str = "PUT /sandbox-bucket/piped HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
                    Content-Type: text/csv\r\nX-Amz-Meta-Origin: pipe\r\n\r\n";

fn noise(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at * at / 7 + at / 3 + at / 65_536) as u8)
        .collect()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    for piece in body.chunks(300_000) {
        framed.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        framed.extend(piece);
        framed.extend(b"\r\n");
    }
    framed
}

#[tokio::test]
async fn a_pipe_is_stored_in_parts_and_read_as_one() {
    let mut world = start().await;
    let body = noise(17 * 1024 * 1024 + 5);
    let mut request = HEAD.as_bytes().to_vec();
    request.extend(chunked(&body));
    request.extend(b"0\r\n\r\n");
    let stored = ask(world.address(), request).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    assert!(stored.body.is_empty());
    let tag = stored.header("etag").expect("a tag").to_owned();
    let events = world.events.drain();
    assert!(events.iter().all(sandbox::VerifiedRequest::is_accepted), "{events:#?}");
    // Begin, four parts, end.
    assert_eq!(events.len(), 6, "{events:#?}");
    let get = "GET /sandbox-bucket/piped HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let fetched = ask(world.address(), get).await;
    assert!(fetched.body == body, "{} bytes came back", fetched.body.len());
    assert_eq!(fetched.header("x-amz-meta-origin"), Some("pipe"));
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
}

#[tokio::test]
async fn a_pipe_that_breaks_leaves_neither_object_nor_upload() {
    let mut world = start().await;
    let mut wire = Wire::connect(world.address()).await;
    wire.send(HEAD).await;
    wire.send(chunked(&noise(7 * 1024 * 1024))).await;
    drop(wire);
    let aborted = timeout(LONGEST_WAIT, async {
        let is_abort = |event: &sandbox::VerifiedRequest| event.method == Method::DELETE && event.is_accepted();
        while !world.events.drain().iter().any(is_abort) {
            tokio::task::yield_now().await;
        }
    });
    aborted.await.expect("the upload is aborted");
    let get = "GET /sandbox-bucket/piped HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(ask(world.address(), get).await.status, 404);
}
