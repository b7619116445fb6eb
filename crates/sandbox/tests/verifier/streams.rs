//! Event streams: right frames, one after another, held and abandoned on demand.

use std::time::Duration;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use base64::Engine;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sandbox::{Sandbox, SandboxSettings};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::Draft;

/// Begins the request; the body is still to come.
async fn open(sandbox: &Sandbox, verb: &str) -> Incoming {
    let address = sandbox.service("bedrock-runtime").unwrap();
    let body = r#"{"messages":[{"role":"user","content":[{"text":"one two"}]}]}"#;
    let draft = Draft::new("bedrock", "POST", &format!("/model/m/{verb}")).with_body(body);
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(draft.sign(address)).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    response.into_body()
}

async fn frame(body: &mut Incoming) -> Option<Bytes> {
    let frame = body.frame().await?.unwrap();
    Some(frame.into_data().unwrap())
}

/// Decodes with AWS's own decoder, which checks both CRCs.
fn decode(bytes: &[u8]) -> (String, Value) {
    let mut buffer = BytesMut::from(bytes);
    let DecodedFrame::Complete(message) = MessageFrameDecoder::new().decode_frame(&mut buffer).unwrap() else {
        panic!("not a whole frame");
    };
    let header = |name: &str| {
        let found = message
            .headers()
            .iter()
            .find(|header| header.name().as_str() == name)
            .unwrap();
        found.value().as_string().unwrap().as_str().to_owned()
    };
    assert_eq!(header(":message-type"), "event");
    assert_eq!(header(":content-type"), "application/json");
    (
        header(":event-type"),
        serde_json::from_slice(message.payload()).unwrap(),
    )
}

#[tokio::test]
async fn streamed_response_comes_in_frames() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let bytes = open(&sandbox, "converse-stream")
        .await
        .collect()
        .await
        .unwrap()
        .to_bytes();
    let mut buffer = BytesMut::from(&bytes[..]);
    let mut decoder = MessageFrameDecoder::new();
    let mut count = 0;
    while let DecodedFrame::Complete(_) = decoder.decode_frame(&mut buffer).unwrap() {
        count += 1;
    }
    assert_eq!(count, 9);
    assert!(buffer.is_empty());
}

#[tokio::test]
async fn invoke_model_streams_chunks_of_base64() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let mut body = open(&sandbox, "invoke-with-response-stream").await;
    let (event_type, payload) = decode(&frame(&mut body).await.unwrap());
    assert_eq!(event_type, "chunk");
    let inner = base64::engine::general_purpose::STANDARD
        .decode(payload["bytes"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&inner).unwrap()["type"],
        "message_start"
    );
}

#[tokio::test]
async fn the_second_frame_waits_until_it_is_let_go() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let gate = sandbox.stream_gate();
    gate.hold();
    let mut body = open(&sandbox, "converse-stream").await;
    assert_eq!(decode(&frame(&mut body).await.unwrap()).0, "messageStart");
    let early = tokio::time::timeout(Duration::from_millis(50), frame(&mut body)).await;
    assert!(early.is_err(), "the second frame left before it was let go");
    gate.release_one();
    assert_eq!(decode(&frame(&mut body).await.unwrap()).0, "contentBlockDelta");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), frame(&mut body))
            .await
            .is_err()
    );
    gate.open();
    while frame(&mut body).await.is_some() {}
    assert_eq!(gate.abandoned(), 0);
}

#[tokio::test]
async fn a_reader_that_leaves_is_noticed() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let gate = sandbox.stream_gate();
    gate.hold();
    let mut body = open(&sandbox, "converse-stream").await;
    frame(&mut body).await.unwrap();
    drop(body);
    let noticed = tokio::time::timeout(Duration::from_secs(10), gate.wait_for_abandoned());
    noticed.await.unwrap();
    assert_eq!(gate.abandoned(), 1);
}
