//! HTTP/1 connections between requests that are far apart.

use super::*;

const GET: &str = "GET /ok HTTP/1.1\r\nhost: a\r\n\r\n";
const PAUSE: Duration = Duration::from_secs(1);

/// Who holds the handler: the test, the connection, and hyper's service while hyper has the socket.
fn holders(pipe: &Pipe) -> usize {
    Arc::strong_count(&pipe.handler)
}

async fn first_response(pipe: &mut Pipe) {
    pipe.send(GET).await;
    assert!(pipe.read_to("ok\n").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn after_a_while_only_the_socket_is_kept_and_the_client_can_come_back() {
    let mut pipe = pipe();
    for _ in 0..3 {
        first_response(&mut pipe).await;
        // At once is too early: most clients have more to request.
        first_response(&mut pipe).await;
        assert_eq!(holders(&pipe), 3);
        tokio::time::sleep(PAUSE).await;
        assert_eq!(holders(&pipe), 2);
    }
    assert_eq!(pipe.handler.seen.load(Ordering::SeqCst), 6);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_long_is_no_rest() {
    let mut pipe = pipe();
    let (sender, frames) = mpsc::channel(1);
    pipe.handler.streams.lock().unwrap().push(frames);
    pipe.send("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await;
    tokio::time::sleep(PAUSE).await;
    sender.send(Bytes::from_static(b"late\n")).await.unwrap();
    pipe.read_to("late\n\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_rest_is_judged_as_before() {
    let mut malformed = pipe();
    first_response(&mut malformed).await;
    tokio::time::sleep(PAUSE).await;
    malformed.send("no http\r\n\r\n").await;
    check_rejected(&malformed.read_to("}\n").await, Rejection::RequestLine);

    let mut slow = pipe();
    first_response(&mut slow).await;
    tokio::time::sleep(PAUSE).await;
    slow.send("GET /ok").await;
    let (response, after) = slow.read_to_close().await;
    check_rejected(&response, Rejection::HeadTimeout);
    assert_eq!(after, PAUSE + LIMITS.header_timeout);
}

#[tokio::test(start_paused = true)]
async fn the_beginning_of_a_next_request_is_not_lost() {
    let (first, last) = GET.split_at(9);
    let mut pipe = pipe();
    pipe.send(&format!("{GET}{first}")).await;
    pipe.read_to("ok\n").await;
    tokio::time::sleep(PAUSE).await;
    pipe.send(last).await;
    assert!(pipe.read_to("ok\n").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn the_beginning_of_a_next_request_does_not_wait_for_ever() {
    let mut pipe = pipe();
    pipe.send(&format!("{GET}GET /ok")).await;
    pipe.read_to("ok\n").await;
    let (response, after) = pipe.read_to_close().await;
    check_rejected(&response, Rejection::HeadTimeout);
    assert!(after < LIMITS.header_timeout + PAUSE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rest_ends_with_the_client_the_idle_timeout_or_the_drain() {
    let mut left = pipe();
    first_response(&mut left).await;
    tokio::time::sleep(PAUSE).await;
    drop(left.client);
    left.served.await.unwrap();

    let mut idle = pipe();
    first_response(&mut idle).await;
    assert_eq!(idle.read_to_close().await, (String::new(), LIMITS.idle_timeout));

    let mut drained = pipe();
    first_response(&mut drained).await;
    tokio::time::sleep(PAUSE).await;
    drained.drain.advance(DrainStage::Draining);
    assert_eq!(drained.read_to_close().await, (String::new(), PAUSE));
}
