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
    let response = proxy
        .ask(
            "PUT /b/k HTTP/1.1\ncontent-length: 10\ncontent-encoding: aws-chunked\nx-amz-decoded-content-length: 6",
            b"5\r\nhello\r\n",
        )
        .await;
    assert_refused(&response, 400, "aws-chunked-malformed");
    service.saw_nothing();
}

#[tokio::test]
async fn a_spooled_body_arrives_whole() {
    let mut service = Service::start(vec![]).await;
    let mut proxy = Proxy::s3(&service, "payload = \"signed\"\nlimits = { memory_body = \"1KiB\" }").await;
    let body = vec![b'x'; 700_001];
    proxy.ask("PUT /b/k HTTP/1.1\ncontent-length: 700001", &body).await;
    assert!(service.next().await.body == body);
    assert_eq!(proxy.record().await.bytes_in, 700_001);
    let counted = proxy.metrics.encode().unwrap();
    assert!(
        counted.contains("\nsigning_proxy_spooled_body_bytes_total 700001\n"),
        "{counted}"
    );
    let opened = "\nsigning_proxy_upstream_connections_opened_total{connection=\"c\"} 1\n";
    assert!(counted.contains(opened), "{counted}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_and_while_it_comes() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "limits = { memory_body = \"1KiB\", max_body = \"10KiB\" }").await;
    let body = vec![b'x'; 1_000_000];
    let response = proxy.ask("PUT /b/k HTTP/1.1\ncontent-length: 1000000", &body).await;
    assert_refused(&response, 413, "body-too-large");
    let chunk = [b"F4240\r\n", body.as_slice(), b"\r\n0\r\n\r\n"].concat();
    let response = proxy.ask("PUT /b/k HTTP/1.1\ntransfer-encoding: chunked", &chunk).await;
    assert_refused(&response, 413, "body-too-large");
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

/// Begins an upload, and stops in the middle once it is waited for: at a rate as high as this that is too slow.
async fn dawdle(proxy: &Proxy, length: usize, sent: &[u8]) -> String {
    let head = format!(
        "PUT /b/k HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let mut stream = proxy.send(head.as_bytes()).await;
    let reported = read_until(&mut stream, "\r\n\r\n").await;
    assert_eq!(reported, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(sent).await.unwrap();
    read_all(&mut stream).await
}

const HURRY: &str = "limits = { min_upload_rate = \"1GiB\" }\ntimeouts = { body_idle = \"1s\" }";

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_a_timeout_of_its_own() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, HURRY).await;
    assert_refused(&dawdle(&proxy, 10, b"hello").await, 408, "body-too-slow");
    service.saw_nothing();
}

#[tokio::test]
async fn a_streamed_upload_that_comes_too_slowly_is_never_completed() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, &format!("payload = \"streaming\"\n{HURRY}")).await;
    let response = dawdle(&proxy, 200_000, &vec![b'x'; 150_000]).await;
    assert_refused(&response, 408, "body-too-slow");
    for want in ["open", "end"] {
        let event = timeout(LONGEST_WAIT, service.connections.recv()).await.unwrap();
        assert_eq!(event, Some(want));
    }
    service.saw_nothing();
}

/// Sends a body of some chunks with `payload = "streaming"`.
async fn stream_to(service: &Service, head: &str, body: &[u8]) {
    let proxy = Proxy::s3(service, "payload = \"streaming\"").await;
    let response = proxy.ask(head, body).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test]
async fn a_streamed_upload_is_framed_and_says_so_in_its_head() {
    let mut service = Service::start(vec![]).await;
    let head = "PUT /b/k HTTP/1.1\ncontent-length: 100000\ncontent-encoding: gzip";
    stream_to(&service, head, &vec![b'x'; 100_000]).await;
    let seen = service.next().await;
    assert_eq!(seen.one("x-amz-content-sha256"), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    assert_eq!(seen.one("x-amz-decoded-content-length"), "100000");
    assert!(seen.one("authorization").contains(";x-amz-decoded-content-length"));
    // No server but AWS itself is reported to store a coding that the object does not have.
    assert_eq!(seen.one("content-encoding"), "gzip");
    assert_eq!(seen.one("content-length"), seen.body.len().to_string());
    assert!(seen.body.starts_with(b"10000;chunk-signature="));
    assert!(seen.body.ends_with(b"\r\n\r\n"));
}

#[tokio::test]
async fn what_cannot_be_streamed_is_hashed() {
    let mut service = Service::start(vec![]).await;
    let large = vec![b'x'; 100_000];
    let chunked = [b"186A0\r\n", large.as_slice(), b"\r\n0\r\n\r\n"].concat();
    for (head, body) in [
        ("PUT /b/k HTTP/1.1\ntransfer-encoding: chunked", chunked.as_slice()),
        ("PUT /b/k HTTP/1.1\ncontent-length: 5", b"hello"),
        // S3 takes chunks for objects and parts only.
        ("POST /b?delete HTTP/1.1\ncontent-length: 100000", large.as_slice()),
    ] {
        stream_to(&service, head, body).await;
        let seen = service.next().await;
        assert_eq!(seen.one("x-amz-content-sha256").len(), 64, "{head}");
        assert!(!seen.has("content-encoding"), "{head}");
    }
}

#[tokio::test]
async fn a_streamed_upload_that_breaks_off_is_never_completed() {
    let mut service = Service::start(vec![]).await;
    let mut proxy = Proxy::s3(&service, "payload = \"streaming\"").await;
    let mut stream = proxy
        .send(b"PUT /b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 200000\r\n\r\n")
        .await;
    stream.write_all(&vec![b'x'; 150_000]).await.unwrap();
    drop(stream);
    let record = proxy.record().await;
    assert_ne!(record.status.map(|status| status.as_u16()), Some(200));
    for want in ["open", "end"] {
        let event = timeout(LONGEST_WAIT, service.connections.recv()).await.unwrap();
        assert_eq!(event, Some(want));
    }
    service.saw_nothing();
}
