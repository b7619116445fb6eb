//! Responses that are there before the body of their request is.

use super::*;

const PIECE: usize = 4 * 1024;

/// A body of so many pieces, and the field that announces it.
fn bodies(pieces: usize) -> [(String, Vec<String>); 2] {
    let piece = "x".repeat(PIECE);
    let mut chunks = vec![format!("{PIECE:x}\r\n{piece}\r\n"); pieces];
    chunks.push("0\r\n\r\n".to_owned());
    [
        (format!("content-length: {}", pieces * PIECE), vec![piece; pieces]),
        ("transfer-encoding: chunked".to_owned(), chunks),
    ]
}

/// Sends requests whose bodies come after their responses, with a pause before each piece.
async fn send(pipe: &mut Pipe, framing: &str, pieces: &[String], pause: Duration) {
    for _ in 0..3 {
        pipe.send(&format!("PUT /early HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n"))
            .await;
        assert!(pipe.read_to("ok\n").await.starts_with("HTTP/1.1 200 "), "{framing}");
        for piece in pieces {
            tokio::time::sleep(pause).await;
            pipe.send(piece).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_may_come_after_its_response_and_other_requests_after_it() {
    for (framing, pieces) in bodies(8) {
        // The client is slower than the handler, or the handler than the client.
        for pause in [EARLY_PAUSE * 2, Duration::ZERO] {
            let mut pipe = pipe();
            send(&mut pipe, &framing, &pieces, pause).await;
            // Then it rests like any other.
            tokio::time::sleep(EARLY_PAUSE * 10).await;
            assert_eq!(Arc::strong_count(&pipe.handler), 2, "{framing}");
            pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await;
            assert!(pipe.read_to("ok\n").await.starts_with("HTTP/1.1 200 "), "{framing}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_after_its_response_does_not_hold_the_connection_for_ever() {
    let mut pipe = pipe();
    pipe.send("PUT /early HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf")
        .await;
    pipe.read_to("ok\n").await;
    let (rest, after) = pipe.read_to_close().await;
    assert_eq!(rest, "");
    assert!(
        after >= LIMITS.idle_timeout && after < LIMITS.idle_timeout * 2,
        "{after:?}"
    );
}
