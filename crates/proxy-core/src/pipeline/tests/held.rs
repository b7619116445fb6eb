//! Uploads that are held back until the service wants them.

use super::*;

const PUT: &str = "PUT /b/k HTTP/1.1\ncontent-length: 100000";
const STREAMING: &str = "payload = \"streaming\"";

fn body() -> Vec<u8> {
    vec![b'x'; 100_000]
}

#[tokio::test]
async fn streamed_uploads_share_pooled_connections() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, STREAMING).await;
    for _ in 0..5 {
        let response = proxy.ask(PUT, &body()).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        assert_eq!(service.next().await.one("expect"), "100-continue");
    }
    let counted = proxy.metrics.encode().unwrap();
    let opened = "\nsigning_proxy_upstream_connections_opened_total{connection=\"c\"} 1\n";
    assert!(counted.contains(opened), "{counted}");
}

/// What is hashed waits too, from 64 KiB on: only S3's, since no other service is sent `Expect` by its SDKs.
#[tokio::test]
async fn hashed_bodies_of_s3_are_held_back_from_64_kib_on() {
    let mut service = Service::start(vec![]).await;
    let endpoint = format!("endpoint = \"http://{}\"\nregion = \"eu-west-1\"", service.addr);
    let mut expecting = vec![];
    for (kind, line, length) in [
        ("s3", "PUT /b/k", 65_535),
        ("s3", "PUT /b/k", 65_536),
        ("s3", "POST /b?delete", 100_000),
        ("lambda", "POST /2015-03-31/functions/f/invocations", 100_000),
        ("dynamodb", "POST /", 100_000),
    ] {
        let proxy = Proxy::with(&format!("service = \"{kind}\"\n{endpoint}")).await;
        let head = format!("{line} HTTP/1.1\ncontent-length: {length}");
        let response = proxy.ask(&head, &vec![b'x'; length]).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        let seen = service.next().await;
        let signed = seen.one("authorization").to_owned();
        assert_eq!((seen.body.len(), signed.contains("expect")), (length, false));
        expecting.push(seen.has("expect"));
    }
    assert_eq!(expecting, [false, true, true, false, false]);
}

/// A connection that responds to each head with the next of these and reads no bodies, then closes.
async fn response_heads(listener: &TcpListener, responses: &[&str]) {
    let (mut stream, _) = listener.accept().await.unwrap();
    for response in responses {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(response.as_bytes()).await.unwrap();
    }
    // The head of one more request, and not a word about it.
    read_until(&mut stream, "\r\n\r\n").await;
}

async fn proxy_to(listener: &TcpListener, more: &str) -> Proxy {
    let addr = listener.local_addr().unwrap();
    Proxy::with(&format!(
        "service = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"http://{addr}\"\n{more}"
    ))
    .await
}

#[tokio::test]
async fn a_streamed_upload_that_meets_a_dead_connection_is_sent_by_another() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut proxy = proxy_to(&listener, STREAMING).await;
    let (sender, mut seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        response_heads(&listener, &["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwarm"]).await;
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, &Mutex::new(VecDeque::from([ok("stored")])), &sender).await;
    });
    assert!(proxy.ask("GET /b/k HTTP/1.1", b"").await.ends_with("warm"));
    proxy.record().await;
    let response = proxy.ask(PUT, &body()).await;
    assert!(response.ends_with("stored"), "{response}");
    let upload = timeout(LONGEST_WAIT, seen.recv()).await.unwrap().unwrap();
    assert_eq!(upload.one("x-amz-decoded-content-length"), "100000");
    let record = proxy.record().await;
    assert_eq!((record.attempts, record.bytes_in), (2, 100_000));
}

#[tokio::test]
async fn an_upload_that_is_refused_by_its_head_is_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut proxy = proxy_to(&listener, STREAMING).await;
    tokio::spawn(async move {
        response_heads(
            &listener,
            &["HTTP/1.1 403 Forbidden\r\ncontent-length: 7\r\n\r\nrefused"],
        )
        .await;
    });
    let mut stream = proxy
        .send(b"PUT /b/k HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 100000\r\n\r\n")
        .await;
    let response = read_until(&mut stream, "refused").await;
    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    drop(stream);
    assert_eq!(proxy.record().await.bytes_in, 0);
}

#[tokio::test]
async fn a_service_without_continue_gets_uploads_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy_to(&listener, STREAMING).await;
    tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = read_until(&mut stream, "\r\n\r\n").await;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            stream.read_exact(&mut body).await.unwrap();
            let expects = head.contains("\r\nexpect: ");
            let response = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n{expects:5}");
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    assert!(proxy.ask(PUT, &body()).await.ends_with("true "));
    // It is remembered: nobody waits again.
    assert!(proxy.ask(PUT, &body()).await.ends_with("false"));
}
