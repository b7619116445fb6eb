//! Clients that close their sending side behind a request, or altogether.

use super::*;

/// In seconds.
const HOUR: u64 = 3_600;

const UPLOADS: [&str; 4] = [
    "PUT /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi",
    "PUT /echo HTTP/1.0\r\ncontent-length: 2\r\n\r\nhi",
    "PUT /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "GET /ok HTTP/1.1\r\nhost: a\r\n\r\nPUT /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi",
];

#[tokio::test(start_paused = true)]
async fn an_upload_whose_client_closes_its_side_is_responded_to() {
    for request in UPLOADS {
        let mut pipe = pipe();
        pipe.send(request).await;
        pipe.client.shutdown().await.unwrap();
        let (response, after) = pipe.read_to_close().await;
        assert!(response.ends_with("\r\n\r\nhi"), "{request:?}: {response}");
        assert_eq!(after, Duration::ZERO, "{request:?}");
    }
}

/// Until it is known that nobody waits for it; GETs are in `a_client_that_only_closes_its_sending_side_gets_its_response`.
#[tokio::test(start_paused = true)]
async fn a_request_with_an_effect_may_take_as_long_as_any_then() {
    for (request, seconds) in [
        ("PUT /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi", HOUR),
        ("POST /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", HOUR),
        ("DELETE /wait HTTP/1.1\r\nhost: a\r\n\r\n", HOUR),
        ("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n", 2),
    ] {
        let mut pipe = pipe();
        pipe.send(request).await;
        pipe.client.shutdown().await.unwrap();
        (&mut pipe.served).await.unwrap();
        assert_eq!(pipe.began.elapsed(), Duration::from_secs(seconds), "{request:?}");
        assert_eq!(pipe.handler.seen.load(Ordering::SeqCst), 1, "{request:?}");
    }
}

/// Who closes its side in the middle of a response leaves; it was sent behind the request by whoever waits for the whole.
#[tokio::test(start_paused = true)]
async fn a_client_that_ends_in_the_middle_of_a_response_is_waited_for_briefly() {
    for ends_at_once in [true, false] {
        let mut pipe = pipe();
        let (sender, frames) = mpsc::channel(1);
        pipe.handler.streams.lock().unwrap().push(frames);
        pipe.send("POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
            .await;
        if ends_at_once {
            pipe.client.shutdown().await.unwrap();
        }
        sender.send(Bytes::from_static(b"event\n")).await.unwrap();
        pipe.read_to("event\n\r\n").await;
        if !ends_at_once {
            pipe.client.shutdown().await.unwrap();
        }
        (&mut pipe.served).await.unwrap();
        let seconds = if ends_at_once { HOUR } else { 2 };
        assert_eq!(pipe.began.elapsed(), Duration::from_secs(seconds), "{ends_at_once}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_behind_the_end_is_noticed_within_a_second() {
    let mut pipe = pipe();
    pipe.send("PUT /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi")
        .await;
    pipe.client.shutdown().await.unwrap();
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    pipe.is_gone.store(true, Ordering::SeqCst);
    (&mut pipe.served).await.unwrap();
    assert_eq!(pipe.began.elapsed(), Duration::from_secs(11));
}

/// What may be behind the running request: no read shows then that the client is gone.
const BEHIND: [&str; 3] = ["X", "GET /ok HTTP/1.1\r\nhost: a\r\n\r\n", "\r\nPUT"];

#[tokio::test(start_paused = true)]
async fn bytes_behind_a_request_do_not_hide_that_the_client_closed_its_side() {
    for behind in BEHIND {
        let mut pipe = pipe();
        pipe.send(&format!("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n{behind}"))
            .await;
        tokio::time::sleep(Duration::from_millis(10_500)).await;
        pipe.is_ended.store(true, Ordering::SeqCst);
        (&mut pipe.served).await.unwrap();
        // Seen at the next look; then there are the two seconds of a GET.
        assert_eq!(pipe.began.elapsed(), Duration::from_secs(13), "{behind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_a_request_do_not_hide_a_reset() {
    for behind in BEHIND {
        for is_ended in [false, true] {
            let mut pipe = pipe();
            pipe.is_ended.store(is_ended, Ordering::SeqCst);
            let head = "PUT /wait HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi";
            pipe.send(&format!("{head}{behind}")).await;
            tokio::time::sleep(Duration::from_millis(10_500)).await;
            pipe.is_gone.store(true, Ordering::SeqCst);
            (&mut pipe.served).await.unwrap();
            assert_eq!(pipe.began.elapsed(), Duration::from_secs(11), "{behind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_is_no_request() {
    let mut pipe = pipe();
    pipe.send("PUT /ok HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nhi")
        .await;
    pipe.client.shutdown().await.unwrap();
    pipe.read_to_close().await;
    assert_eq!(pipe.began.elapsed(), Duration::ZERO);
}

/// hyper may see that the client is gone before the request's future runs for the first time.
#[tokio::test(start_paused = true)]
async fn a_request_is_noted_whose_client_is_gone_at_once() {
    for request in UPLOADS.iter().take(3) {
        let mut pipe = pipe();
        pipe.is_gone.store(true, Ordering::SeqCst);
        pipe.send(request).await;
        pipe.client.shutdown().await.unwrap();
        (&mut pipe.served).await.unwrap();
        assert_eq!(pipe.handler.begun.load(Ordering::SeqCst), 1, "{request:?}");
    }
}
