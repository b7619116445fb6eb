//! HTTP/1 requests that come before the response to the one before them.

use super::*;

const GET: &str = "GET /ok HTTP/1.1\r\nhost: a\r\n\r\n";

/// A request that runs until the test ends it, with `behind` sent right behind it.
async fn running(behind: &str) -> (Pipe, mpsc::Sender<Bytes>) {
    let mut pipe = pipe();
    let (sender, frames) = mpsc::channel(1);
    pipe.handler.streams.lock().unwrap().push(frames);
    pipe.send(&format!("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n{behind}"))
        .await;
    pipe.read_to("\r\n\r\n").await;
    (pipe, sender)
}

#[tokio::test(start_paused = true)]
async fn the_next_request_begins_when_the_response_is_written() {
    let (mut pipe, sender) = running(GET).await;
    tokio::time::sleep(LIMITS.idle_timeout * 2).await;
    assert_eq!(pipe.handler.seen.load(Ordering::SeqCst), 1);
    drop(sender);
    pipe.read_to("0\r\n\r\n").await;
    assert!(pipe.read_to("ok\n").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(pipe.handler.seen.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_head_gets_its_response_behind_the_one_before() {
    let (mut pipe, sender) = running("GET / HTTP/2.0\r\n\r\n").await;
    sender.send(Bytes::from_static(b"whole\n")).await.unwrap();
    drop(sender);
    assert_eq!(pipe.read_to("0\r\n\r\n").await, "6\r\nwhole\n\r\n0\r\n\r\n");
    let (response, _) = pipe.read_to_close().await;
    check_rejected(&response, Rejection::Version);
}

#[tokio::test(start_paused = true)]
async fn both_requests_of_a_client_that_closes_its_sending_side_are_served() {
    let (mut pipe, sender) = running(GET).await;
    pipe.client.shutdown().await.unwrap();
    tokio::time::sleep(LIMITS.idle_timeout).await;
    drop(sender);
    let (response, _) = pipe.read_to_close().await;
    assert!(
        response.starts_with("0\r\n\r\nHTTP/1.1 200 ") && response.ends_with("ok\n"),
        "{response}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_line_behind_a_request_does_not_hide_that_the_client_left() {
    let mut pipe = pipe();
    pipe.send("PUT /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi\r\n")
        .await;
    while pipe.handler.seen.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let (dropped, served) = (Arc::clone(&pipe.handler.dropped), pipe.served);
    pipe.is_gone.store(true, Ordering::SeqCst);
    drop(pipe.client);
    timeout(Duration::from_secs(3), dropped.notified()).await.unwrap();
    served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_empty_line_behind_a_request_begins_no_head() {
    let mut pipe = pipe();
    pipe.send("PUT /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi\r\n")
        .await;
    pipe.read_to("hi").await;
    let (rest, after) = pipe.read_to_close().await;
    assert_eq!((rest.as_str(), after), ("", LIMITS.idle_timeout));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_under_way_when_the_drain_begins_is_served() {
    let (first, last) = GET.split_at(9);
    for before in ["", GET] {
        let mut pipe = pipe();
        if !before.is_empty() {
            pipe.send(before).await;
            pipe.read_to("ok\n").await;
        }
        pipe.send(first).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        pipe.drain.advance(DrainStage::Draining);
        tokio::time::sleep(Duration::from_secs(1)).await;
        pipe.send(last).await;
        let (response, _) = pipe.read_to_close().await;
        assert!(response.ends_with("ok\n"), "{before:?}: {response}");
    }
}
