//! Every input that is refused: its status, its code, a hint, and nothing sent upstream.

use signing_proxy::app::Proxy;

use crate::support::world::{connection, proxy};
use crate::support::{Recorder, Wire, World, ask};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A proxy with `connections`, each of which leads to the recorder.
async fn start(connections: &[(&str, &str, &str)], server: &str) -> (Recorder, Proxy) {
    let recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let connections: String = connections
        .iter()
        .map(|(name, service, more)| connection(name, service, &endpoint, more))
        .collect();
    let proxy = proxy(&format!("{server}{connections}")).await;
    (recorder, proxy)
}

/// The bytes, sent to a proxy with one S3 connection `store`, are refused so; the hint contains `hint`.
#[track_caller]
fn check(request: impl AsRef<[u8]>, status: u16, code: &str, hint: &str) -> impl Future<Output = ()> {
    check_with(&[("store", "s3", "")], "", request, status, code, hint)
}

async fn check_with(
    connections: &[(&str, &str, &str)],
    server: &str,
    request: impl AsRef<[u8]>,
    status: u16,
    code: &str,
    hint: &str,
) {
    let (mut recorder, proxy) = start(connections, server).await;
    // Without it the response has the shape of S3's errors.
    let request = insert_after_request_line(request.as_ref(), b"Accept: application/json\r\n");
    let response = ask(proxy.addr().expect("a listener"), &request).await;
    let shown = String::from_utf8_lossy(&request).into_owned();
    assert!(
        response.header("x-signing-proxy-error").is_some(),
        "{shown:?}: {} {}",
        response.status,
        response.text()
    );
    let (got_status, got_code, got_hint) = response.rejection();
    assert_eq!((got_status, got_code.as_str()), (status, code), "{shown:?}: {got_hint}");
    assert!(got_hint.contains(hint), "{shown:?}: the hint is {got_hint:?}");
    assert!(recorder.is_untouched(), "{shown:?} went upstream");
}

fn insert_after_request_line(request: &[u8], header: &[u8]) -> Vec<u8> {
    match request.windows(2).position(|window| window == b"\r\n") {
        Some(end) => [&request[..end + 2], header, &request[end + 2..]].concat(),
        None => request.to_vec(),
    }
}

/// A test for each row: what is sent, status, code, part of the hint.
macro_rules! refused {
    ($($name:ident: $request:expr => $status:literal $code:literal $hint:literal;)+) => {
        $(#[tokio::test]
        async fn $name() {
            check($request, $status, $code, $hint).await;
        })+
    };
}

refused! {
    // Not HTTP as it should be.
    a_request_line_that_is_none: "HELLO\r\n\r\n" => 400 "head-malformed" "Percent-encode";
    a_space_in_the_target: "GET /b/a b HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "head-malformed" "Percent-encode";
    a_control_character_in_a_header: "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\x01b\r\n\r\n" => 400 "head-malformed" "header";
    a_header_without_a_name: "GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n" => 400 "head-malformed" "header";
    a_space_before_the_colon: "GET / HTTP/1.1\r\nHost: localhost\r\nX-A : x\r\n\r\n" => 400 "head-malformed" "header";
    a_folded_header: "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\r\n b\r\n\r\n" => 400 "head-malformed" "one line";
    an_unknown_version: "GET / HTTP/3.7\r\nHost: localhost\r\n\r\n" => 400 "head-malformed" "";
    a_length_and_a_transfer_coding: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" => 400 "head-ambiguous" "not both";
    a_transfer_coding_and_a_length: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" => 400 "head-ambiguous" "not both";
    a_line_feed_alone: "GET /b/k HTTP/1.1\r\nHost: localhost\n\r\n" => 400 "head-ambiguous" "CR LF";
    a_fragment_in_the_target: "GET /b/k#part HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "%23";
    a_website_of_a_bucket: "GET http://b.s3-website-us-east-1.amazonaws.com/k HTTP/1.1\r\nHost: b.s3-website-us-east-1.amazonaws.com\r\n\r\n" => 403 "host-unsupported" "regional";
    too_many_headers: format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-A: 1\r\n".repeat(2000)) => 431 "head-too-large" "fields";
    a_head_that_is_too_large: format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: {}\r\n\r\n", "a".repeat(1 << 20)) => 431 "head-too-large" "max_header_bytes";
    tls_to_a_plain_listener: b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" => 400 "tls-unsupported" "http://";

    // Ambiguous or broken heads.
    a_tunnel: "CONNECT s3.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com:443\r\n\r\n" => 501 "connect-unsupported" "http://";
    no_host: "GET /b/k HTTP/1.1\r\n\r\n" => 400 "host-missing" "exactly one";
    an_empty_host: "GET /b/k HTTP/1.1\r\nHost:\r\n\r\n" => 400 "host-missing" "exactly one";
    two_hosts: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n" => 400 "host-repeated" "exactly one";
    two_hosts_with_a_whole_url: "GET http://s3.us-east-1.amazonaws.com/b/k HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" => 400 "host-repeated" "exactly one";
    a_host_that_is_none: "GET /b/k HTTP/1.1\r\nHost: a/b\r\n\r\n" => 400 "host-malformed" "Host";
    a_host_with_two_ports: "GET /b/k HTTP/1.1\r\nHost: localhost:1:2\r\n\r\n" => 400 "host-malformed" "Host";
    a_password_in_the_target: "GET http://u:p@s3.us-east-1.amazonaws.com/ HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\n\r\n" => 400 "userinfo-in-target" "Remove";
    two_lengths: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc" => 400 "head-ambiguous" "one Content-Length";
    a_length_that_is_none: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: +3\r\n\r\nabc" => 400 "head-ambiguous" "digits";
    another_transfer_coding: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" => 501 "transfer-encoding-unsupported" "chunked";
    chunked_twice: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" => 501 "transfer-encoding-unsupported" "once";
    a_bad_escape_in_the_path: "GET /b/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "%25";
    a_bad_escape_in_the_query: "GET /b?a=%f HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "%25";
    an_asterisk: "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "path";
    a_target_that_is_too_long: format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(17 * 1024)) => 414 "target-too-long" "POST";
    a_header_that_cannot_be_signed: b"GET /b/k HTTP/1.1\r\nHost: localhost\r\nX-Amz-Meta-A: \xff\xfe\r\n\r\n" => 400 "header-unsignable" "x-amz-meta-a";

    // Web pages.
    a_page_of_another_site: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n" => 403 "cross-site" "program";
    a_form_of_another_site: "POST /b/k HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n" => 403 "cross-site" "program";
    a_page_of_the_proxys_own_origin: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n\r\n" => 403 "browser-rejected" "program";
    a_link_outside_of_the_browser: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n\r\n" => 403 "browser-rejected" "server.browsers";
    a_rebound_name_without_a_dot: "GET /b/k HTTP/1.1\r\nHost: evil\r\n\r\n" => 403 "gateway-host-rejected" "server.gateway_hosts";
    a_rebound_name: "GET /b/k HTTP/1.1\r\nHost: evil.example\r\n\r\n" => 403 "gateway-host-rejected" "server.gateway_hosts";

    // No connection, or too many.
    a_host_that_is_not_of_aws: "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n" => 403 "host-unknown" "AWS host";
    another_server_on_loopback: "GET http://localhost:1/ HTTP/1.1\r\nHost: localhost:1\r\n\r\n" => 403 "host-unknown" "AWS host";
    another_service: "GET http://ec2.us-east-1.amazonaws.com/ HTTP/1.1\r\nHost: ec2.us-east-1.amazonaws.com\r\n\r\n" => 403 "no-connection" "store";
    another_region: "GET http://s3.eu-west-1.amazonaws.com/ HTTP/1.1\r\nHost: s3.eu-west-1.amazonaws.com\r\n\r\n" => 403 "no-connection" "store";
    another_region_by_host_header: "GET / HTTP/1.1\r\nHost: s3.eu-west-1.amazonaws.com\r\n\r\n" => 403 "no-connection" "store";
    a_prefix_of_no_connection: "GET /@nobody/b/k HTTP/1.1\r\nHost: localhost\r\n\r\n" => 404 "connection-unknown" "store";
    a_header_of_no_connection: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nX-Signing-Proxy-Connection: nobody\r\n\r\n" => 404 "connection-unknown" "store";
    two_connections_in_headers: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nX-Signing-Proxy-Connection: store\r\nX-Signing-Proxy-Connection: store\r\n\r\n" => 400 "connection-ambiguous" "store";
    a_host_of_another_connection: "GET http://ec2.us-east-1.amazonaws.com/ HTTP/1.1\r\nHost: ec2.us-east-1.amazonaws.com\r\nX-Signing-Proxy-Connection: store\r\n\r\n" => 403 "connection-mismatch" "store";
    a_presigned_request: "GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=canary HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "presigned-rejected" "presigned";
    an_old_presigned_request: "GET /b/k?AWSAccessKeyId=canary&Signature=canary&Expires=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "presigned-rejected" "presigned";

    // Bodies.
    an_unreadable_chunk: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" => 400 "body-incomplete" "";
    a_malformed_aws_chunked_body: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: aws-chunked\r\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nX-Amz-Decoded-Content-Length: 5\r\nContent-Length: 9\r\n\r\nno chunks" => 400 "aws-chunked-malformed" "plain body";
    a_body_that_is_too_large: format!("PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", 6_u64 << 30) => 413 "body-too-large" "multipart";
}

/// Refused, and what follows on the client's connection is not taken for a request.
#[tokio::test]
async fn length_and_chunks_at_once_smuggle_nothing() {
    let (mut recorder, proxy) = start(&[("store", "s3", "")], "").await;
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    wire.send(
        "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\n\r\nGET /b/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .await;
    let response = wire.response().await;
    assert_eq!(
        (response.status, response.header("x-signing-proxy-error")),
        (400, Some("head-ambiguous"))
    );
    assert!(wire.is_closed().await);
    assert!(recorder.is_untouched());
}

/// The same behind another request in the same segment; `heads.rs` has all findings at all positions.
#[tokio::test]
async fn length_and_chunks_behind_another_request_smuggle_nothing() {
    let (mut recorder, proxy) = start(&[("store", "s3", "")], "").await;
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    wire.send(
        "GET /b/first HTTP/1.1\r\nHost: localhost\r\n\r\n\
         PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\n\r\nGET /b/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .await;
    assert_eq!(wire.response().await.status, 200);
    assert!(recorder.take().await.body.is_empty());
    let response = wire.response().await;
    assert_eq!(
        (response.status, response.header("x-signing-proxy-error")),
        (400, Some("head-ambiguous"))
    );
    assert!(wire.is_closed().await);
    assert!(recorder.is_untouched());
}

const TWO: [(&str, &str, &str); 2] = [("one", "s3", ""), ("two", "s3", "")];

#[tokio::test]
async fn several_connections_for_a_path() {
    let request = "GET /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n";
    check_with(&TWO, "", request, 400, "connection-ambiguous", "two").await;
}

#[tokio::test]
async fn several_connections_for_a_host() {
    let request = "GET http://s3.us-east-1.amazonaws.com/b/k HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\n\r\n";
    check_with(&TWO, "", request, 400, "connection-ambiguous", "one").await;
}

#[tokio::test]
async fn a_head_that_does_not_come() {
    let store = [("store", "s3", "")];
    check_with(
        &store,
        "header_timeout = \"1s\"\n",
        "GET /b/k HTTP/1.1\r\nHost: loc",
        408,
        "head-timeout",
        "header_timeout",
    )
    .await;
}

#[tokio::test]
async fn a_body_that_does_not_come() {
    let store = [("store", "s3", "[connections.store.timeouts]\nbody_idle = \"1s\"")];
    let request = "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab";
    check_with(&store, "", request, 408, "body-timeout", "body_idle").await;
}

#[tokio::test]
async fn a_proxy_that_leads_to_itself() {
    // The second proxy's endpoint is the first, which has the second as its upstream: `Via` tells.
    let (mut recorder, proxy) = start(&[("store", "s3", "")], "").await;
    assert_eq!(
        ask(proxy.addr().unwrap(), "GET /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .status,
        200
    );
    let via = recorder
        .take()
        .await
        .header("via")
        .expect("the proxy leaves its name")
        .to_owned();
    let again = format!("GET /b/k HTTP/1.1\r\nHost: localhost\r\nVia: {via}\r\nAccept: application/json\r\n\r\n");
    let (status, code, hint) = ask(proxy.addr().unwrap(), again).await.rejection();
    assert_eq!((status, code.as_str()), (508, "loop-detected"));
    assert!(hint.contains("endpoint"), "{hint}");
}

#[tokio::test]
async fn an_upstream_that_is_not_there() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = proxy(&connection("store", "s3", &format!("http://{free}"), "")).await;
    let request = "GET /b/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
    let response = ask(proxy.addr().unwrap(), request).await;
    assert!(
        !response.text().contains(&free.port().to_string()),
        "where it goes is for the log: {}",
        response.text()
    );
    let (status, code, hint) = response.rejection();
    assert_eq!((status, code.as_str()), (502, "upstream-unreachable"));
    assert!(hint.contains("network"), "{hint}");
}

#[tokio::test]
async fn an_upstream_that_is_silent() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let short_timeout = "[connections.store.timeouts]\nresponse = \"1s\"";
    let proxy = proxy(&connection("store", "s3", &endpoint, short_timeout)).await;
    let request = "GET /b/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
    let (status, code, hint) = ask(proxy.addr().unwrap(), request).await.rejection();
    assert_eq!((status, code.as_str()), (504, "upstream-timeout"));
    assert!(hint.contains("timeouts.response"), "{hint}");
}

#[tokio::test]
async fn an_upstream_that_never_finishes_the_handshake() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", silent.local_addr().unwrap());
    let short_timeout = "[connections.store.timeouts]\nconnect = \"1s\"";
    let proxy = proxy(&connection("store", "s3", &endpoint, short_timeout)).await;
    let request = "GET /b/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
    let (status, code, hint) = ask(proxy.addr().unwrap(), request).await.rejection();
    assert_eq!((status, code.as_str()), (504, "upstream-connect-timeout"));
    assert!(hint.contains("timeouts.connect"), "{hint}");
}

#[tokio::test]
async fn an_upstream_that_speaks_no_http() {
    let recorder = Recorder::start("SSH-2.0-x\r\n\r\n").await;
    let proxy = proxy(&connection("store", "s3", &format!("http://{}", recorder.address), "")).await;
    let request = "GET /b/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
    let (status, code, _) = ask(proxy.addr().unwrap(), request).await.rejection();
    assert_eq!((status, code.as_str()), (502, "upstream-malformed"));
}

/// Clients of S3 and EC2 read XML, those of DynamoDB look for `__type`.
#[tokio::test]
async fn errors_have_the_services_own_shape() {
    let rows = [
        ("s3", "<Error><Code>presigned-rejected</Code>"),
        ("ec2", "<Response><Errors><Error><Code>presigned-rejected</Code>"),
        ("sts", "<ErrorResponse><Error>"),
        ("dynamodb", "\"__type\":\"presigned-rejected\""),
    ];
    for (service, want) in rows {
        let (_recorder, proxy) = start(&[("store", service, "")], "").await;
        let request = "GET /?X-Amz-Signature=x&X-Amz-Algorithm=AWS4-HMAC-SHA256 HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let response = ask(proxy.addr().unwrap(), request).await;
        assert_eq!(
            response.header("x-signing-proxy-error"),
            Some("presigned-rejected"),
            "{service}"
        );
        assert!(response.text().contains(want), "{service}: {}", response.text());
    }
}

#[tokio::test]
async fn head_requests_get_no_body_with_an_error() {
    let world = World::with_store().await;
    let response = ask(world.address(), "HEAD /@nobody/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((response.status, response.body.len()), (404, 0));
    assert_eq!(response.header("x-signing-proxy-error"), Some("connection-unknown"));
}
