//! Connections that die, and services that do not answer.

use super::*;

/// Leaves a connection in the pool, which the service closes on the next request.
async fn with_a_dying_connection(last: Reply) -> (Service, Proxy) {
    let mut service = Service::start(vec![ok("warm"), Reply::Close, last]).await;
    let mut proxy = Proxy::s3(&service, "limits = { memory_body = \"1KiB\" }").await;
    assert!(proxy.ask("GET /b/k HTTP/1.1", b"").await.ends_with("warm"));
    service.next().await;
    proxy.record().await;
    (service, proxy)
}

#[tokio::test]
async fn a_pooled_connection_that_died_is_replaced_once_and_the_request_signed_anew() {
    for body in [String::new(), "x".repeat(10), "y".repeat(5_000)] {
        let (mut service, mut proxy) = with_a_dying_connection(ok("second")).await;
        let head = format!("PUT /b/k HTTP/1.1\ncontent-length: {}", body.len());
        let answer = proxy.ask(&head, body.as_bytes()).await;
        assert!(answer.ends_with("second"), "{answer}");
        assert_eq!(service.next().await.body, body.as_bytes());
        let seen = service.next().await;
        assert_eq!(seen.body, body.as_bytes());
        assert!(seen.has("authorization"));
        assert_eq!(proxy.record().await.attempts, 2);
    }
}

#[tokio::test]
async fn a_second_death_is_an_error() {
    let (_service, mut proxy) = with_a_dying_connection(Reply::Close).await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-failed");
    assert_eq!(proxy.record().await.attempts, 2);
}

#[tokio::test]
async fn what_may_have_taken_effect_is_not_sent_twice() {
    let (mut service, mut proxy) = with_a_dying_connection(ok("second")).await;
    let answer = proxy.ask("POST /b/k?uploads HTTP/1.1", b"").await;
    assert_refused(&answer, 502, "upstream-failed");
    service.next().await;
    service.saw_nothing();
    assert_eq!(proxy.record().await.attempts, 1);
}

#[tokio::test]
async fn a_fresh_connection_that_dies_is_not_tried_again() {
    let service = Service::start(vec![Reply::Close, ok("second")]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-failed");
    assert_eq!(proxy.record().await.attempts, 1);
}

#[tokio::test]
async fn no_answer_in_time_is_a_gateway_timeout() {
    let service = Service::start(vec![Reply::Hang]).await;
    let proxy = Proxy::s3(&service, "timeouts = { response = \"1s\" }").await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 504, "upstream-timeout");
}

#[tokio::test]
async fn nobody_there_is_a_bad_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let mut proxy = Proxy::with(&format!(
        "service = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"http://{addr}\""
    ))
    .await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-unreachable");
    let record = proxy.record().await;
    assert!(record.cause.unwrap().contains("refused"));
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_a_bad_gateway() {
    let service = Service::start(vec![Reply::SayAndClose("SSH-2.0-OpenSSH\r\n\r\n".to_owned())]).await;
    let proxy = Proxy::s3(&service, "").await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-malformed");
}
