//! Responses in pieces: each goes on as it comes, and a client that leaves is noticed upstream.

use tokio::time::timeout;

use crate::support::world::streamed_question;
use crate::support::{LONGEST_WAIT, Wire, World};

#[tokio::test]
async fn the_first_frame_arrives_while_the_second_is_held() {
    let mut world = World::with_models().await;
    let gate = world.sandbox.stream_gate();
    gate.hold();
    let mut wire = Wire::connect(world.address()).await;
    wire.send(streamed_question()).await;
    let (status, headers) = wire.head().await;
    assert_eq!(status, 200);
    let content_type = headers
        .iter()
        .find(|(name, _)| name == "content-type")
        .map(|(_, value)| value.as_str());
    assert_eq!(content_type, Some("application/vnd.amazon.eventstream"));

    let first = wire.chunk().await;
    assert_eq!(
        frame_length(&first),
        first.len(),
        "one whole frame, and nothing of the next"
    );
    gate.release_one();
    let second = wire.chunk().await;
    assert_eq!(frame_length(&second), second.len());
    gate.open();
    while !wire.chunk().await.is_empty() {}
    world.accepted("bedrock-runtime");
    assert_eq!(gate.abandoned(), 0);
}

/// The length that an event stream's frame begins with.
fn frame_length(frame: &[u8]) -> usize {
    u32::from_be_bytes(frame[..4].try_into().expect("four bytes"))
        .try_into()
        .expect("it fits")
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_request() {
    let world = World::with_models().await;
    let (wire, gate) = world.held_stream().await;
    drop(wire);
    let noticed = timeout(LONGEST_WAIT, gate.wait_for_abandoned()).await;
    noticed.expect("the upstream request is cancelled");
    assert_eq!(gate.abandoned(), 1);
}
