//! HTTP/2, the drain, the cut and the shutdown.

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::*;

#[tokio::test(start_paused = true)]
async fn the_drain_closes_idle_connections_and_those_without_a_request() {
    for begin in ["", "PRI * HT", "GET /ok HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let mut pipe = pipe();
        pipe.send(begin).await;
        if begin.ends_with("\r\n\r\n") {
            pipe.read_to("ok\n").await;
        }
        tokio::task::yield_now().await;
        pipe.drain.advance(DrainStage::Draining);
        let (rest, after) = pipe.read_to_close().await;
        assert_eq!((rest.as_str(), after), ("", Duration::ZERO), "{begin}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_drain_lets_a_stream_finish_and_the_cut_does_not() {
    let mut pipe = pipe();
    let (sender, frames) = mpsc::channel(1);
    pipe.handler.streams.lock().unwrap().push(frames);
    pipe.send("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pipe.read_to("\r\n\r\n").await;
    pipe.drain.advance(DrainStage::Draining);
    tokio::time::sleep(LIMITS.idle_timeout * 2).await;
    sender.send(Bytes::from_static(b"late\n")).await.unwrap();
    pipe.read_to("late\n\r\n").await;
    pipe.drain.advance(DrainStage::Cut);
    (&mut pipe.served).await.unwrap();
    assert!(sender.is_closed());
}

async fn http2<T>(io: T) -> hyper::client::conn::http2::SendRequest<http_body_util::Full<Bytes>>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(path: &str) -> Request<http_body_util::Full<Bytes>> {
    Request::get(format!("http://a{path}"))
        .body(http_body_util::Full::default())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn http_2_with_prior_knowledge_is_served_and_idle_connections_end() {
    let pipe = pipe();
    let mut client = http2(pipe.client).await;
    let mut responses = vec![client.send_request(get("/ok")), client.send_request(get("/ok"))];
    for response in responses.drain(..) {
        assert_eq!(
            response.await.unwrap().into_body().collect().await.unwrap().to_bytes(),
            "ok\n"
        );
    }
    pipe.served.await.unwrap();
    let elapsed = pipe.began.elapsed();
    assert!(
        elapsed >= LIMITS.idle_timeout && elapsed <= LIMITS.idle_timeout * 2,
        "{elapsed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn http_2_requests_outlive_the_idle_timeout_and_finish_in_the_drain() {
    let pipe = pipe();
    let (sender, frames) = mpsc::channel(1);
    pipe.handler.streams.lock().unwrap().push(frames);
    let mut client = http2(pipe.client).await;
    let mut response = client.send_request(get("/stream")).await.unwrap();
    tokio::time::sleep(LIMITS.idle_timeout * 3).await;
    pipe.drain.advance(DrainStage::Draining);
    tokio::time::sleep(LIMITS.idle_timeout * 3).await;
    sender.send(Bytes::from_static(b"late\n")).await.unwrap();
    let mut late = Vec::new();
    while late.len() < 5 {
        late.extend_from_slice(&response.frame().await.unwrap().unwrap().into_data().unwrap());
    }
    assert_eq!(late, b"late\n");
    drop(sender);
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
    pipe.served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_cut_ends_http_2_requests() {
    let pipe = pipe();
    let mut client = http2(pipe.client).await;
    let response = tokio::spawn(client.send_request(get("/wait")));
    while pipe.handler.seen.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    pipe.drain.advance(DrainStage::Cut);
    assert!(response.await.unwrap().is_err());
    pipe.handler.dropped.notified().await;
    assert!(pipe.drain.finished_within(CUT_GRACE).await);
}

fn server() -> (Server, SocketAddr, Arc<Dummy>) {
    let server = Server::new(LIMITS, Arc::new(NoObserver), Arc::new(BadRequest));
    let listener = bind("127.0.0.1:0".parse().unwrap(), "server.listen").unwrap();
    let addr = listener.local_addr().unwrap();
    let handler = Arc::new(Dummy::default());
    server.listen(listener, ListenerRole::Shared, &handler);
    (server, addr, handler)
}

#[tokio::test]
async fn after_the_shutdown_nobody_listens_and_nothing_was_cut() {
    let (server, addr, _handler) = server();
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(b"GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    read_to(&mut client, "ok\n").await;
    assert_eq!(server.clients(), 1);
    assert_eq!(server.shutdown(Duration::from_secs(30)).await, Drained { cut: 0 });
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn requests_that_do_not_finish_by_the_deadline_are_cut() {
    let (server, addr, handler) = server();
    let mut client = TcpStream::connect(addr).await.unwrap();
    client
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    while handler.seen.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.shutdown(Duration::from_millis(20)).await, Drained { cut: 1 });
    assert!(matches!(client.read(&mut [0; 16]).await, Ok(0) | Err(_)));
    // A second signal, while what comes after the cut is under way, does not hide it.
    assert_eq!(server.shutdown(Duration::from_secs(30)).await, Drained { cut: 1 });
    assert_eq!(server.cut().await, Drained { cut: 1 });
}

/// As on the admin listener, whose responses wait for nothing but their client.
#[tokio::test]
async fn where_busy_connections_give_way_the_one_that_began_first_is_cut() {
    let limits = ServerLimits {
        max_clients: 2,
        place_kept: Duration::ZERO,
        busy_give_way: true,
        ..LIMITS
    };
    let server = Server::new(limits, Arc::new(NoObserver), Arc::new(BadRequest));
    let listener = bind("127.0.0.1:0".parse().unwrap(), "server.admin").unwrap();
    let addr = listener.local_addr().unwrap();
    let handler = Arc::new(Dummy::default());
    server.listen(listener, ListenerRole::Admin, &handler);
    let mut busy = Vec::new();
    for count in 1..=2 {
        let mut client = TcpStream::connect(addr).await.unwrap();
        client
            .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        while handler.seen.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
        busy.push(client);
    }
    let mut probe = TcpStream::connect(addr).await.unwrap();
    probe.write_all(b"GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    read_to(&mut probe, "ok\n").await;
    assert!(matches!(busy[0].read(&mut [0; 16]).await, Ok(0) | Err(_)));
    let kept = timeout(Duration::from_millis(50), busy[1].read(&mut [0; 16])).await;
    assert!(kept.is_err(), "{kept:?}");
}

#[tokio::test]
async fn an_early_response_reaches_a_client_that_still_uploads() {
    let (_server, addr, _handler) = server();
    let client = TcpStream::connect(addr).await.unwrap();
    let (mut reader, mut writer) = client.into_split();
    writer
        .write_all(b"PUT /ok HTTP/1.1\r\nhost: a\r\ncontent-length: 8388608\r\n\r\n")
        .await
        .unwrap();
    let upload = tokio::spawn(async move {
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..128 {
            writer.write_all(&piece).await?;
        }
        Ok::<_, std::io::Error>(writer)
    });
    upload.await.unwrap().expect("the upload is taken to its end");
    let mut response = String::new();
    reader.read_to_string(&mut response).await.unwrap();
    assert!(
        response.starts_with("HTTP/1.1 200 ") && response.ends_with("ok\n"),
        "{response}"
    );
}
