//! Uploads that go out while they come in: every mode, stored byte for byte or not at all. The sandbox verifies each
//! chunk's and the trailer's signature, and the checksum.

use tokio::time::timeout;

use crate::support::world::connection;
use crate::support::{LONGEST_WAIT, RawResponse, Wire, World, ask};

/// Modes, and whether they need TLS. The threshold of `auto` is below the bodies here.
const MODES: [(&str, bool); 9] = [
    ("payload = \"auto\"", false),
    ("payload = \"auto\"", true),
    ("payload = \"unsigned\"", true),
    ("payload = \"streaming\"", false),
    ("payload = \"streaming\"\nchunk_size = \"8KiB\"", false),
    ("payload = \"streaming-trailer\"", false),
    (
        "payload = \"streaming-trailer\"\nchecksum = \"crc32c\"\nchunk_size = \"1MiB\"",
        false,
    ),
    ("payload = \"unsigned-trailer\"", true),
    ("payload = \"unsigned-trailer\"\nchecksum = \"crc32c\"", true),
];

async fn world_with(keys: &str, tls: bool) -> World {
    let keys = format!("{keys}\nlimits = {{ memory_body = \"100KiB\" }}");
    World::over(tls, "s3", |endpoint| connection("store", "s3", endpoint, &keys)).await
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * at / 7 + at / 3) as u8).collect()
}

fn put(key: &str, headers: &str) -> Vec<u8> {
    format!("PUT /sandbox-bucket/{key} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

async fn fetch(world: &World, key: &str) -> RawResponse {
    let get = format!("GET /sandbox-bucket/{key} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ask(world.address(), get).await
}

#[tokio::test]
async fn every_mode_stores_what_was_sent() {
    for (keys, tls) in MODES {
        let mut world = world_with(keys, tls).await;
        // No whole number of chunks of any size.
        let body = noise(3 * 1024 * 1024 + 17);
        let mut request = put(
            "whole",
            &format!("Content-Length: {}\r\nContent-Encoding: gzip\r\n", body.len()),
        );
        request.extend(&body);
        let stored = ask(world.address(), request).await;
        assert_eq!(stored.status, 200, "{keys}: {}", stored.text());
        world.accepted("s3");
        let fetched = fetch(&world, "whole").await;
        assert_eq!(fetched.status, 200);
        assert!(fetched.body == body, "{keys}: {} bytes came back", fetched.body.len());
    }
}

/// Of a client's own chunks.
const CHUNK: usize = 70_000;

/// In chunks of a client's own, which nobody can verify, and with its checksum behind.
fn wrapped(body: &[u8], checksum: &str) -> Vec<u8> {
    let signature = "0".repeat(64);
    let mut framed = Vec::new();
    for chunk in body.chunks(CHUNK) {
        framed.extend(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).into_bytes());
        framed.extend(chunk);
        framed.extend(b"\r\n");
    }
    let end = format!(
        "0;chunk-signature={signature}\r\nx-amz-checksum-crc32:{checksum}\r\nx-amz-trailer-signature:{signature}\r\n\r\n"
    );
    framed.extend(end.into_bytes());
    framed
}

fn wrapped_put(key: &str, framed: &[u8], decoded_length: usize) -> Vec<u8> {
    let mut request = put(
        key,
        &format!(
            "Content-Length: {}\r\nContent-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: {decoded_length}\r\n\
             X-Amz-Trailer: x-amz-checksum-crc32\r\nAccept: application/json\r\n\
             X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\r\n",
            framed.len()
        ),
    );
    request.extend(framed);
    request
}

const LENGTH: usize = 200_000;
/// CRC-32 of so much noise, in base64: as zlib computes it.
const CRC32: &str = "FFoZYg==";

#[tokio::test]
async fn a_clients_own_chunks_are_stored_as_what_is_in_them() {
    for (keys, tls) in MODES {
        let mut world = world_with(keys, tls).await;
        let body = noise(LENGTH);
        let stored = ask(world.address(), wrapped_put("wrapped", &wrapped(&body, CRC32), LENGTH)).await;
        assert_eq!(stored.status, 200, "{keys}: {}", stored.text());
        world.accepted("s3");
        let fetched = fetch(&world, "wrapped").await;
        assert!(fetched.body == body, "{keys}");
        assert_eq!(fetched.header("content-encoding"), None, "{keys}");
    }
}

#[tokio::test]
async fn a_clients_own_chunks_that_are_wrong_store_nothing() {
    let body = noise(LENGTH);
    let sound = wrapped(&body, CRC32);
    let mut corrupted = sound.clone();
    corrupted[150_000] ^= 1;
    let chunk = sound.len() - wrapped(&body[CHUNK..], CRC32).len();
    let reordered = [&sound[chunk..2 * chunk], &sound[..chunk], &sound[2 * chunk..]].concat();
    let mut resized = sound.clone();
    resized[0] = b'2';
    let truncated = sound[..sound.len() - 2].to_vec();
    let without_end = sound[..150_000].to_vec();
    let other_sum = wrapped(&body, "AAAAAA==");
    for (keys, tls) in MODES {
        let world = world_with(keys, tls).await;
        for (what, framed) in [
            ("corrupted", &corrupted),
            ("reordered", &reordered),
            ("resized", &resized),
            ("truncated", &truncated),
            ("without-end", &without_end),
            ("other-sum", &other_sum),
        ] {
            let response = ask(world.address(), wrapped_put(what, framed, LENGTH)).await;
            let (status, code, hint) = response.rejection();
            assert_eq!((status, code.as_str()), (400, "aws-chunked-malformed"), "{keys} {what}");
            assert!(hint.contains("aws-chunked"), "{hint}");
            assert_eq!(fetch(&world, what).await.status, 404, "{keys} {what}");
        }
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_leaves_no_object() {
    for (keys, tls) in MODES {
        let mut world = world_with(keys, tls).await;
        // Half of it is more than the largest chunk, so that the store sees some of it.
        let body = noise(4 * 1024 * 1024);
        let mut wire = Wire::connect(world.address()).await;
        wire.send(put("cut", &format!("Content-Length: {}\r\n", body.len())))
            .await;
        wire.send(&body[..body.len() / 2]).await;
        drop(wire);
        // The store has noticed once it tells of the request.
        let noticed = timeout(LONGEST_WAIT, async {
            while world.events.drain().iter().all(|event| event.service != "s3") {
                tokio::task::yield_now().await;
            }
        });
        noticed.await.expect("the store reports the broken upload");
        assert_eq!(fetch(&world, "cut").await.status, 404, "{keys}");
    }
}
