//! Responses that end before they are whole, and those that only seem to: to a client of HTTP/1.0 the end of the
//! connection is that of the response, unless it is a reset.

use super::*;

const OLD: &str = "GET /stream HTTP/1.0\r\n\r\n";

/// A connection whose client has sent this request for a body of these frames, and how to send more.
async fn requested(request: &str, frames: &[&Bytes]) -> (Pipe, mpsc::Sender<Bytes>) {
    let mut pipe = pipe();
    let (sender, body) = mpsc::channel(frames.len().max(1));
    pipe.handler.streams.lock().unwrap().push(body);
    pipe.send(request).await;
    for frame in frames {
        sender.send(Bytes::clone(frame)).await.unwrap();
    }
    (pipe, sender)
}

/// Waits until the connection has ended; whether it was reset.
async fn is_reset(pipe: &mut Pipe) -> bool {
    (&mut pipe.served).await.unwrap();
    pipe.is_reset.load(Ordering::SeqCst)
}

/// More than the pipe holds, and less than hyper's buffer: the rest waits there for the client.
fn more_than_a_pipe() -> Bytes {
    Bytes::from(vec![b'x'; PIPE * 2])
}

#[tokio::test(start_paused = true)]
async fn a_whole_response_is_closed_and_not_reset() {
    for request in [OLD, "GET /stream HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"] {
        let (mut pipe, sender) = requested(request, &[&more_than_a_pipe()]).await;
        drop(sender);
        let (response, _) = pipe.read_to_close().await;
        assert!(response.len() > PIPE * 2, "{response}");
        assert!(!is_reset(&mut pipe).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_resets_the_connection() {
    for request in [
        "GET /broken HTTP/1.0\r\n\r\n",
        "GET /broken HTTP/1.1\r\nhost: a\r\n\r\n",
        "PUT /broken HTTP/1.0\r\ncontent-length: 1\r\n\r\nx",
    ] {
        let mut pipe = pipe();
        pipe.send(request).await;
        assert!(is_reset(&mut pipe).await, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_cut_resets_what_is_still_in_a_buffer() {
    let (mut pipe, sender) = requested(OLD, &[&more_than_a_pipe()]).await;
    drop(sender);
    // Until nothing happens any more: the handler and its body are done with.
    tokio::time::sleep(Duration::from_secs(1)).await;
    pipe.drain.advance(DrainStage::Cut);
    assert!(is_reset(&mut pipe).await);
}

#[tokio::test(start_paused = true)]
async fn the_drain_and_the_cut_close_what_is_written() {
    for stage in [DrainStage::Draining, DrainStage::Cut] {
        let mut pipe = pipe();
        pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await;
        pipe.read_to("ok\n").await;
        pipe.drain.advance(stage);
        assert!(!is_reset(&mut pipe).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closed_its_sending_side_gets_what_is_still_in_a_buffer() {
    let (mut pipe, sender) = requested(OLD, &[&more_than_a_pipe()]).await;
    pipe.client.shutdown().await.unwrap();
    drop(sender);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (response, _) = pipe.read_to_close().await;
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.len(), PIPE * 2);
    assert!(!is_reset(&mut pipe).await);
}
