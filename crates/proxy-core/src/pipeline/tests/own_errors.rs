//! Refusals, as clients see them.

use super::*;

#[tokio::test]
async fn errors_come_in_the_services_shape_with_a_hint() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    let response = proxy.ask("GET /b/%zz HTTP/1.1", b"").await;
    assert_refused(&response, 400, "target-malformed");
    assert!(response.contains("content-type: application/xml"), "{response}");
    assert!(
        response.contains("<Error><Code>target-malformed</Code><Message>signing-proxy: "),
        "{response}"
    );
    let response = proxy.ask("GET /b/%zz HTTP/1.1\naccept: application/json", b"").await;
    assert!(
        response.contains("\"error\":{\"code\":\"target-malformed\""),
        "{response}"
    );
    let response = proxy.ask("GET http://example.com/ HTTP/1.1", b"").await;
    assert_refused(&response, 403, "host-unknown");
    assert!(
        response.contains("<Error><Code>host-unknown"),
        "the sole connection is S3's: {response}"
    );
    service.saw_nothing();
}

#[tokio::test]
async fn a_head_request_gets_no_body() {
    let service = Service::start(vec![]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let response = proxy.ask("HEAD /b/%zz HTTP/1.1", b"").await;
    assert_refused(&response, 400, "target-malformed");
    assert!(
        response.ends_with("\r\n\r\n") && !response.contains("content-length: 0"),
        "{response}"
    );
    let record = proxy.record().await;
    assert_eq!(record.outcome, Outcome::Complete);
    assert_eq!(record.error.unwrap().name(), "target-malformed");
}

#[tokio::test]
async fn each_error_has_its_status_and_leaves_nothing_of_the_request_upstream() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    for (request, status, code, hint) in [
        (
            "CONNECT s3.eu-west-1.amazonaws.com:443 HTTP/1.1",
            501,
            "connect-unsupported",
            "http:// URL",
        ),
        ("OPTIONS * HTTP/1.1", 400, "target-malformed", "OPTIONS *"),
        ("GET /b/k?a;b% HTTP/1.1", 400, "target-malformed", "'%'"),
        (
            "GET http://u:p@s3.eu-west-1.amazonaws.com/ HTTP/1.1",
            400,
            "userinfo-in-target",
            "Remove it",
        ),
        (
            "GET /b/k HTTP/1.1\nhost: localhost",
            400,
            "host-repeated",
            "exactly one",
        ),
        (
            "GET /b/k HTTP/1.1\nsec-fetch-site: cross-site",
            403,
            "cross-site",
            "web page",
        ),
        (
            "GET /b/k HTTP/1.1\nsec-fetch-site: same-origin",
            403,
            "browser-rejected",
            "Sec-Fetch-Site: same-origin",
        ),
        (
            "GET http://ec2.eu-west-1.amazonaws.com/ HTTP/1.1",
            403,
            "no-connection",
            "c (s3, eu-west-1)",
        ),
        ("GET http://example.com/ HTTP/1.1", 403, "host-unknown", "AWS host name"),
        ("GET /@x/k HTTP/1.1", 404, "connection-unknown", "c (s3, eu-west-1)"),
        (
            "GET /b/k?X-Amz-Signature=0 HTTP/1.1",
            400,
            "presigned-rejected",
            "resign",
        ),
        (
            "PUT /b/k HTTP/1.1\ntransfer-encoding: gzip, chunked",
            501,
            "transfer-encoding-unsupported",
            "once",
        ),
        (
            "PUT /b/k HTTP/1.1\nx-amz-acl: \u{e4}",
            400,
            "header-unsignable",
            "x-amz-acl",
        ),
    ] {
        let response = proxy.ask(request, b"").await;
        assert_refused(&response, status, code);
        assert!(response.contains(hint), "{request}: {response}");
    }
    service.saw_nothing();
}

#[tokio::test]
async fn a_request_that_comes_back_is_a_loop() {
    let mut service = Service::start(vec![]).await;
    let proxy = Proxy::s3(&service, "").await;
    proxy.ask("GET /b/k HTTP/1.1\nvia: 1.1 other", b"").await;
    let seen = service.next().await;
    let [other, own] = seen.all("via")[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(other, "1.1 other");
    let response = proxy.ask(&format!("GET /b/k HTTP/1.1\nvia: 1.1 x, {own}"), b"").await;
    assert_refused(&response, 508, "loop-detected");
}

#[tokio::test]
async fn no_credentials_is_a_passing_state_reported_before_the_body_is_taken() {
    let mut service = Service::start(vec![]).await;
    let config = format!(
        "[connections.c]\nservice = \"dynamodb\"\nregion = \"eu-west-1\"\nendpoint = \"http://{}\"\n\
         [connections.c.auth]\nmethod = \"access-key\"\naccess_key_id = \"AKIDEXAMPLE\"\n\
         secret_access_key = \"file:/nonexistent/secret\"\n",
        service.addr
    );
    let mut proxy = Proxy::start(&config).await;
    let mut client = proxy
        .send(b"POST / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n")
        .await;
    let response = read_all(&mut client).await;
    assert_refused(&response, 503, "no-credentials");
    assert!(response.contains("retry-after: "), "{response}");
    assert!(response.contains("\"__type\":\"no-credentials\""), "{response}");
    assert!(!response.contains("/nonexistent"), "{response}");
    assert!(proxy.record().await.cause.is_some());
    service.saw_nothing();
}
