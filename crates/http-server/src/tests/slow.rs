//! Clients that do not take their responses, or too slowly.

use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};

use super::*;

/// An HTTP/2 client, whose streams have windows of `window` bytes and are given more by nobody but the test. Its
/// connection responds to pings by itself.
async fn client(io: DuplexStream, window: u32) -> SendRequest<Bytes> {
    let (sender, connection) = Builder::new()
        .initial_window_size(window)
        .initial_connection_window_size(16 << 20)
        .handshake(io)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

async fn get(sender: &mut SendRequest<Bytes>, path: &str) -> RecvStream {
    let request = Request::get(format!("http://a{path}")).body(()).unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    response.await.unwrap().into_body()
}

/// Takes what the window holds without giving any of it back, to the stream's end; why it was reset, and after how long.
async fn reset(mut body: RecvStream) -> (Option<Reason>, Duration) {
    let began = Instant::now();
    loop {
        match body.data().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return (error.reason(), began.elapsed()),
            None => return (None, began.elapsed()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_window_is_reset_and_the_others_go_on() {
    let pipe = pipe();
    let mut sender = client(pipe.client, 65_535).await;
    let stuck = tokio::spawn(reset(get(&mut sender, "/flood").await));
    // All the while another stream is served, and the connection is not idle.
    while !stuck.is_finished() {
        assert_eq!(reset(get(&mut sender, "/ok").await).await.0, None);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (reason, after) = stuck.await.unwrap();
    assert_eq!(reason, Some(Reason::CANCEL));
    assert!(
        after >= LIMITS.write_timeout && after < LIMITS.write_timeout + Duration::from_secs(1),
        "{after:?}"
    );
    assert_eq!(reset(get(&mut sender, "/ok").await).await.0, None);
}

#[tokio::test(start_paused = true)]
async fn every_stream_without_window_ends_however_small_its_response() {
    // With a window of one byte hyper hands the rest of a small response to h2 and has done with it.
    for window in [0, 1, 2] {
        let pipe = pipe();
        let mut sender = client(pipe.client, window).await;
        let mut streams = Vec::new();
        for _ in 0..32 {
            streams.push(tokio::spawn(reset(get(&mut sender, "/ok").await)));
        }
        for stream in streams {
            let (reason, after) = stream.await.unwrap();
            assert_eq!(reason, Some(Reason::CANCEL), "window {window}");
            assert_eq!(after, LIMITS.write_timeout, "window {window}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn window_updates_of_a_byte_hold_no_stream() {
    let pipe = pipe();
    let mut sender = client(pipe.client, 100).await;
    let mut body = get(&mut sender, "/flood").await;
    let began = Instant::now();
    let ended = loop {
        match timeout(Duration::from_secs(1), body.data()).await {
            Ok(Some(Err(error))) => break error,
            Ok(Some(Ok(_))) => tokio::time::sleep(Duration::from_secs(1)).await,
            Ok(None) => panic!("the response was whole"),
            Err(_) => {}
        }
        let _ = body.flow_control().release_capacity(1);
    };
    assert_eq!(ended.reason(), Some(Reason::CANCEL));
    assert!(began.elapsed() < LIMITS.write_timeout * 3, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_too_slow_is_reset_and_its_handler_learns_why() {
    let pipe = pipe();
    let mut sender = client(pipe.client, 65_535).await;
    let mut body = get(&mut sender, "/hasty").await;
    // 8 KiB every 16 s: half of the rate.
    let ended = loop {
        match body.data().await.unwrap() {
            Ok(data) => {
                tokio::time::sleep(Duration::from_secs(1) * u32::try_from(data.len()).unwrap() / 512).await;
                let _ = body.flow_control().release_capacity(data.len());
            }
            Err(error) => break error,
        }
    };
    assert_eq!(ended.reason(), Some(Reason::CANCEL));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(pipe.handler.too_slow.is_set());
    assert!(
        pipe.began.elapsed() < Duration::from_mins(5),
        "{:?}",
        pipe.began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_keeps_its_rate_is_served() {
    let pipe = pipe();
    let mut sender = client(pipe.client, 65_535).await;
    let mut body = get(&mut sender, "/hasty").await;
    while pipe.began.elapsed() < Duration::from_hours(1) {
        let data = body.data().await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(1) * u32::try_from(data.len()).unwrap() / 2048).await;
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    assert!(!pipe.handler.too_slow.is_set());
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_never_too_slow() {
    let pipe = pipe();
    let (events, frames) = mpsc::channel(1);
    pipe.handler.streams.lock().unwrap().push(frames);
    let mut sender = client(pipe.client, 65_535).await;
    let mut body = get(&mut sender, "/stream").await;
    for _ in 0..5 {
        tokio::time::sleep(LIMITS.idle_timeout * 10).await;
        events.send(Bytes::from_static(b"event\n")).await.unwrap();
        let mut event = Vec::new();
        while event.len() < 6 {
            event.extend_from_slice(&body.data().await.unwrap().unwrap());
        }
        assert_eq!(event, b"event\n");
    }
}

/// Reads `bytes` every `pause` until the connection ends or an hour is over.
async fn trickle(pipe: &mut Pipe, bytes: usize, pause: Duration) -> Duration {
    let mut piece = vec![0; bytes];
    while pipe.began.elapsed() < Duration::from_hours(1) && !pipe.served.is_finished() {
        tokio::time::sleep(pause).await;
        let _ = pipe.client.read_exact(&mut piece).await;
    }
    pipe.began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_ended_on_http_1() {
    // 80 bytes a second are a third of the rate that holds without a connection's own.
    let mut slow = pipe();
    slow.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let elapsed = trickle(&mut slow, 2_000, Duration::from_secs(25)).await;
    assert!(
        elapsed > Duration::from_mins(5) && elapsed < Duration::from_mins(10),
        "{elapsed:?}"
    );

    let mut hasty = pipe();
    hasty.send("GET /hasty HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let elapsed = trickle(&mut hasty, 2_000, Duration::from_secs(25)).await;
    assert!(elapsed < Duration::from_mins(3), "{elapsed:?}");
    assert!(hasty.handler.too_slow.is_set());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_keeps_the_rate_is_served_on_http_1() {
    let mut pipe = pipe();
    pipe.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let elapsed = trickle(&mut pipe, 250 * 25, Duration::from_secs(25)).await;
    assert!(elapsed >= Duration::from_hours(1), "{elapsed:?}");
}
