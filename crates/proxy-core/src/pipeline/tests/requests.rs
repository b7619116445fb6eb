//! What of a request reaches the service.

use aws_lc_rs::digest::{SHA256, digest};

use super::*;

fn sha256(body: &[u8]) -> String {
    digest(&SHA256, body)
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

#[tokio::test]
async fn a_request_arrives_signed_and_as_it_was() {
    let mut service = Service::start(vec![]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let response = proxy
        .ask(
            "PUT /bucket/a+b=c//ä HTTP/1.1\ncontent-length: 5\nx-amz-meta-a: 1\nx-amz-meta-a: 2\nuser-agent: test"
                .replace('ä', "%c3%a4")
                .as_str(),
            b"hello",
        )
        .await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    let seen = service.next().await;
    assert_eq!(seen.line, "PUT /bucket/a%2Bb%3Dc//%C3%A4 HTTP/1.1");
    assert_eq!(seen.body, b"hello");
    assert_eq!(seen.one("content-length"), "5");
    assert_eq!(seen.one("host"), service.addr.to_string());
    assert_eq!(seen.one("x-amz-meta-a"), "1,2");
    assert_eq!(seen.one("user-agent"), "test");
    assert_eq!(seen.one("x-amz-content-sha256"), sha256(b"hello"));
    let authorization = seen.one("authorization");
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{authorization}"
    );
    assert!(authorization.contains("/eu-west-1/s3/aws4_request"), "{authorization}");
    assert!(
        authorization.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a,"),
        "{authorization}"
    );
    assert!(seen.one("via").starts_with("1.1 signing-proxy-"));
    let record = proxy.record().await;
    assert_eq!(record.connection.unwrap().as_str(), "c");
    assert_eq!(record.operation.as_deref(), Some("PutObject"));
    assert_eq!((record.bytes_in, record.bytes_out, record.attempts), (5, 0, 1));
    assert_eq!(
        (record.status.unwrap().as_u16(), record.outcome),
        (200, Outcome::Complete)
    );
    assert_eq!(record.path, "/bucket/a+b=c//%c3%a4");
    assert!(response.contains(&format!("x-signing-proxy-request-id: {}\r\n", record.request_id)));
    assert!(record.timings.upstream_head.unwrap() <= record.timings.total);
}

#[tokio::test]
async fn what_belongs_to_the_client_stays_with_it() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    proxy
        .ask(
            "GET /b/k HTTP/1.1\nauthorization: AWS4-HMAC-SHA256 Credential=other\nx-amz-date: 20000101T000000Z\n\
             x-amz-security-token: stolen\nx-amz-content-sha256: UNSIGNED-PAYLOAD\nconnection: x-hop\nx-hop: 1\n\
             x-forwarded-host: evil\nx-signing-proxy-connection: c\nte: trailers\nexpect: 100-continue\nproxy-authorization: x",
            b"",
        )
        .await;
    let seen = service.next().await;
    for gone in [
        "connection",
        "x-hop",
        "x-forwarded-host",
        "x-signing-proxy-connection",
        "te",
        "expect",
        "proxy-authorization",
        "x-amz-security-token",
    ] {
        assert!(!seen.has(gone), "{gone}");
    }
    assert!(!seen.one("authorization").contains("other"));
    assert_ne!(seen.one("x-amz-date"), "20000101T000000Z");
    assert_eq!(seen.one("x-amz-content-sha256"), sha256(b""));
}

#[tokio::test]
async fn lengths_are_explicit_where_a_server_may_want_them() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    for (request, body, want) in [
        ("PUT /b/k HTTP/1.1", "", Some("0")),
        ("PUT /b/k HTTP/1.1\ncontent-length: 0", "", Some("0")),
        ("POST /b/k?uploads HTTP/1.1", "", Some("0")),
        ("PATCH /b/k HTTP/1.1", "", Some("0")),
        ("GET /b/k HTTP/1.1", "", None),
        ("GET /b/k HTTP/1.1\ncontent-length: 0", "", None),
        ("HEAD /b/k HTTP/1.1", "", None),
        ("DELETE /b/k HTTP/1.1\ncontent-length: 0", "", None),
        ("DELETE /b/k HTTP/1.1\ncontent-length: 2", "ab", Some("2")),
        ("GET /b/k HTTP/1.1\ncontent-length: 2", "ab", Some("2")),
        (
            "PUT /b/k HTTP/1.1\ntransfer-encoding: chunked",
            "2\r\nab\r\n1\r\nc\r\n0\r\nx-t: 1\r\n\r\n",
            Some("3"),
        ),
        ("PUT /b/k HTTP/1.1\ntransfer-encoding: chunked", "0\r\n\r\n", Some("0")),
        (
            "GET /b/k HTTP/1.1\ntransfer-encoding: chunked",
            "2\r\nab\r\n0\r\n\r\n",
            Some("2"),
        ),
    ] {
        proxy.ask(request, body.as_bytes()).await;
        let seen = service.next().await;
        assert_eq!(
            seen.all("content-length"),
            want.into_iter().collect::<Vec<_>>(),
            "{request}"
        );
        assert!(!seen.has("transfer-encoding"), "{request}");
        assert_eq!(seen.one("x-amz-content-sha256"), sha256(&seen.body), "{request}");
    }
}

#[tokio::test]
async fn an_http_1_0_client_is_served() {
    let mut service = Service::start(vec![Reply::SayAndClose(
        "HTTP/1.1 200 OK\r\n\r\nuntil the end".to_owned(),
    )])
    .await;
    let proxy = Proxy::s3(&service, "").await;
    let mut stream = proxy.send(b"GET /b/k HTTP/1.0\r\n\r\n").await;
    let response = read_all(&mut stream).await;
    assert!(response.starts_with("HTTP/1.0 200 OK\r\n"), "{response}");
    assert!(
        response.ends_with("\r\n\r\nuntil the end") && !response.contains("chunked"),
        "{response}"
    );
    assert!(service.next().await.one("via").starts_with("1.0 "));
}

#[tokio::test]
async fn forward_mode_leads_to_the_endpoint() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    proxy
        .ask("GET http://bucket.s3.eu-west-1.amazonaws.com/k?acl HTTP/1.1", b"")
        .await;
    let seen = service.next().await;
    assert_eq!(seen.line, "GET /bucket/k?acl= HTTP/1.1");
    assert_eq!(seen.one("host"), service.addr.to_string());
}

#[tokio::test]
async fn virtual_buckets_need_no_dns() {
    let mut service = Service::start(vec![]).await;
    let port = service.addr.port();
    let proxy = Proxy::with(&format!(
        "service = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"http://localhost:{port}\"\nbucket_addressing = \"virtual\""
    ))
    .await;
    let response = proxy.ask("GET /my-bucket/k HTTP/1.1", b"").await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let seen = service.next().await;
    assert_eq!(seen.line, "GET /k HTTP/1.1");
    assert_eq!(seen.one("host"), format!("my-bucket.localhost:{port}"));
}

#[tokio::test]
async fn the_operation_of_a_query_request_is_read_from_its_form() {
    let service = Service::start(vec![]).await;
    let mut proxy = Proxy::with(&format!(
        "service = \"ec2\"\nregion = \"eu-west-1\"\nendpoint = \"http://{}\"",
        service.addr
    ))
    .await;
    let form = b"Action=DescribeRegions&Version=2016-11-15";
    proxy
        .ask(&format!("POST / HTTP/1.1\ncontent-length: {}", form.len()), form)
        .await;
    assert_eq!(proxy.record().await.operation.as_deref(), Some("DescribeRegions"));
}

#[tokio::test]
async fn a_presigned_query_is_passed_or_signed_anew_where_that_is_wanted() {
    let query = "X-Amz-Signature=00&x-id=GetObject&X-Amz-Algorithm=AWS4-HMAC-SHA256";
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "presigned = \"pass\"").await;
    proxy.ask(&format!("GET /b/a+b?{query} HTTP/1.1"), b"").await;
    let seen = service.next().await;
    assert_eq!(seen.line, format!("GET /b/a+b?{query} HTTP/1.1"));
    assert!(!seen.has("authorization") && !seen.has("x-amz-date"));
    let proxy = Proxy::s3(&service, "presigned = \"resign\"").await;
    proxy.ask(&format!("GET /b/a+b?{query} HTTP/1.1"), b"").await;
    let seen = service.next().await;
    assert_eq!(seen.line, "GET /b/a%2Bb?x-id=GetObject HTTP/1.1");
    assert!(seen.has("authorization"));
}
