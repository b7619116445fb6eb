//! Bodies on their way in.

use super::*;

#[tokio::test]
async fn an_aws_chunked_body_arrives_plain_with_its_checksum_in_a_signed_header() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    let head = format!(
        "PUT /b/k HTTP/1.1\ncontent-length: {}\ncontent-encoding: aws-chunked\nx-amz-decoded-content-length: 5\n\
         x-amz-trailer: x-amz-checksum-crc32\nx-amz-sdk-checksum-algorithm: CRC32\n\
         x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        body.len()
    );
    proxy.ask(&head, body.as_bytes()).await;
    let seen = service.next().await;
    assert_eq!(seen.body, b"hello");
    assert_eq!(seen.one("content-length"), "5");
    assert_eq!(seen.one("x-amz-checksum-crc32"), "NhCmhg==");
    assert!(seen.one("authorization").contains(";x-amz-checksum-crc32;"));
    for gone in ["content-encoding", "x-amz-decoded-content-length", "x-amz-trailer"] {
        assert!(!seen.has(gone), "{gone}");
    }
}

#[tokio::test]
async fn a_malformed_aws_chunked_body_is_refused() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    let answer = proxy
        .ask(
            "PUT /b/k HTTP/1.1\ncontent-length: 10\ncontent-encoding: aws-chunked\nx-amz-decoded-content-length: 6",
            b"5\r\nhello\r\n",
        )
        .await;
    assert_refused(&answer, 400, "aws-chunked-malformed");
    service.saw_nothing();
}

#[tokio::test]
async fn a_spooled_body_arrives_whole() {
    let mut service = Service::start(vec![]).await;
    let mut proxy = Proxy::s3(&service, "limits = { memory_body = \"1KiB\" }").await;
    let body = vec![b'x'; 700_001];
    proxy.ask("PUT /b/k HTTP/1.1\ncontent-length: 700001", &body).await;
    assert_eq!(service.next().await.body, body);
    assert_eq!(proxy.record().await.bytes_in, 700_001);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_and_while_it_comes() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "limits = { memory_body = \"1KiB\", max_body = \"10KiB\" }").await;
    let body = vec![b'x'; 1_000_000];
    let answer = proxy.ask("PUT /b/k HTTP/1.1\ncontent-length: 1000000", &body).await;
    assert_refused(&answer, 413, "body-too-large");
    let chunk = [b"F4240\r\n", body.as_slice(), b"\r\n0\r\n\r\n"].concat();
    let answer = proxy.ask("PUT /b/k HTTP/1.1\ntransfer-encoding: chunked", &chunk).await;
    assert_refused(&answer, 413, "body-too-large");
    service.saw_nothing();
}

#[tokio::test]
async fn continue_is_said_once_the_body_is_wanted() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "limits = { memory_body = \"1KiB\", max_body = \"10KiB\" }").await;
    let head = |length: &str| {
        format!(
            "PUT /b/k HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    let mut stream = proxy.send(head("5").as_bytes()).await;
    assert_eq!(
        read_until(&mut stream, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    stream.write_all(b"hello").await.unwrap();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(!service.next().await.has("expect"));
    let mut stream = proxy.send(head("20000").as_bytes()).await;
    assert_refused(&read_all(&mut stream).await, 413, "body-too-large");
    service.saw_nothing();
}

#[tokio::test]
async fn a_client_that_leaves_while_sending_causes_no_request() {
    let mut service = Service::start(vec![]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let stream = proxy
        .send(b"PUT /b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhello")
        .await;
    drop(stream);
    let record = proxy.record().await;
    assert_eq!(record.bytes_in, 5);
    assert_ne!(record.status.map(|status| status.as_u16()), Some(200));
    service.saw_nothing();
}

#[tokio::test]
async fn a_body_that_stops_is_a_timeout() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "timeouts = { body_idle = \"1s\" }").await;
    let mut stream = proxy
        .send(b"PUT /b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhello")
        .await;
    assert_refused(&read_all(&mut stream).await, 408, "body-timeout");
    service.saw_nothing();
}
