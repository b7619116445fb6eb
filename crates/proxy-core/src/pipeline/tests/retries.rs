//! Connections that die, and services that do not respond.

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
        let response = proxy.ask(&head, body.as_bytes()).await;
        assert!(response.ends_with("second"), "{response}");
        assert_eq!(service.next().await.body, body.as_bytes());
        let seen = service.next().await;
        assert_eq!(seen.body, body.as_bytes());
        assert!(seen.has("authorization"));
        assert_eq!(proxy.record().await.attempts, 2);
    }
}

#[tokio::test]
async fn the_third_death_is_an_error() {
    let (service, mut proxy) = with_a_dying_connection(Reply::Close).await;
    assert!(proxy.ask("GET /b/k HTTP/1.1", b"").await.starts_with("HTTP/1.1 200"));
    assert_eq!(proxy.record().await.attempts, 3);

    service.replies.lock().unwrap().extend(vec![Reply::Close; 3]);
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-failed");
    assert_eq!(proxy.record().await.attempts, 3);
}

#[tokio::test]
async fn what_may_have_taken_effect_is_not_sent_twice() {
    let (mut service, mut proxy) = with_a_dying_connection(ok("second")).await;
    let response = proxy.ask("POST /b/k?uploads HTTP/1.1", b"").await;
    assert_refused(&response, 502, "upstream-failed");
    service.next().await;
    service.saw_nothing();
    assert_eq!(proxy.record().await.attempts, 1);
}

#[tokio::test]
async fn a_fresh_connection_that_dies_or_sends_nonsense_is_replaced_and_the_request_signed_anew() {
    let nonsense = || Reply::SayAndClose("SSH-2.0-OpenSSH\r\n\r\n".to_owned());
    for (head, body) in [
        ("GET /b/k HTTP/1.1", ""),
        ("HEAD /b/k HTTP/1.1", ""),
        ("DELETE /b/k HTTP/1.1", ""),
        ("PUT /b/k HTTP/1.1\ncontent-length: 4", "body"),
    ] {
        let mut service = Service::start(vec![Reply::Close, nonsense(), ok("")]).await;
        let mut proxy = Proxy::s3(&service, "").await;
        assert!(
            proxy.ask(head, body.as_bytes()).await.starts_with("HTTP/1.1 200"),
            "{head}"
        );
        assert_eq!(proxy.record().await.attempts, 3);
        for _ in 0..3 {
            let seen = service.next().await;
            assert!(seen.has("authorization") && seen.body == body.as_bytes(), "{head}");
        }
        let counted = proxy.metrics.encode().unwrap();
        for reason in ["connection-closed", "malformed-response"] {
            let line = format!("\nsigning_proxy_retries_total{{connection=\"c\",reason=\"{reason}\"}} 1\n");
            assert!(counted.contains(&line), "{counted}");
        }
    }
}

#[tokio::test]
async fn conditional_writes_and_single_attempts_are_not_sent_twice() {
    for (keys, head) in [
        ("", "PUT /b/k HTTP/1.1\nif-none-match: *"),
        ("", "DELETE /b/k HTTP/1.1\nif-match: \"e\""),
        ("", "PUT /b/k?renameObject HTTP/1.1\nx-amz-rename-source: /b/j"),
        ("retry = { max_attempts = 1 }", "GET /b/k HTTP/1.1"),
    ] {
        let mut service = Service::start(vec![Reply::Close]).await;
        let mut proxy = Proxy::s3(&service, keys).await;
        assert_refused(&proxy.ask(head, b"").await, 502, "upstream-failed");
        service.next().await;
        service.saw_nothing();
        assert_eq!(proxy.record().await.attempts, 1);
    }
}

/// Whatever the method: a `GET` of EC2's may start instances.
#[tokio::test]
async fn operations_that_write_are_not_sent_twice_on_a_dead_connection_either() {
    for (target, body, attempts) in [
        ("GET /?Action=DescribeInstances&Version=2016-11-15", "", 2),
        ("GET /?Action=RunInstances&Version=2016-11-15", "", 1),
        ("POST /", "Action=DescribeInstances&Version=2016-11-15", 2),
        ("POST /", "Action=RunInstances&Version=2016-11-15", 1),
    ] {
        let mut service = Service::start(vec![ok("warm"), Reply::Close, ok("second")]).await;
        let endpoint = format!("endpoint = \"http://{}\"", service.addr);
        let mut proxy = Proxy::with(&format!("service = \"ec2\"\nregion = \"eu-west-1\"\n{endpoint}")).await;
        proxy
            .ask("GET /?Action=DescribeRegions&Version=2016-11-15 HTTP/1.1", b"")
            .await;
        proxy.record().await;
        let form = "content-type: application/x-www-form-urlencoded";
        let head = format!("{target} HTTP/1.1\n{form}\ncontent-length: {}", body.len());
        let response = proxy.ask(&head, body.as_bytes()).await;
        assert_eq!(
            response.ends_with("second"),
            attempts == 2,
            "{target} {body}: {response}"
        );
        assert_eq!(proxy.record().await.attempts, attempts);
        for _ in 0..=attempts {
            service.next().await;
        }
        service.saw_nothing();
    }
}

#[tokio::test]
async fn listed_statuses_are_sent_again_and_the_last_one_passes() {
    let busy = || Reply::Say("HTTP/1.1 503 Slow Down\r\ncontent-length: 4\r\n\r\nbusy".to_owned());
    let keys = "retry = { on_status = [503], max_attempts = 2 }";
    for (keys, head, replies, ends, attempts) in [
        (keys, "GET /b/k HTTP/1.1", vec![busy(), ok("done")], "done", 2),
        (keys, "GET /b/k HTTP/1.1", vec![busy(), busy()], "busy", 2),
        (keys, "POST /b/k?uploads HTTP/1.1", vec![busy()], "busy", 1),
        ("", "GET /b/k HTTP/1.1", vec![busy()], "busy", 1),
    ] {
        let service = Service::start(replies).await;
        let mut proxy = Proxy::s3(&service, keys).await;
        let response = proxy.ask(head, b"").await;
        assert!(
            response.ends_with(ends) && !response.contains("x-signing-proxy-error"),
            "{response}"
        );
        assert_eq!(proxy.record().await.attempts, attempts);
    }
}

/// A server that does not know `Expect` has not taken the request.
#[tokio::test]
async fn upload_that_meets_417_is_sent_again_without_expect() {
    let unknown = "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for keys in ["", "payload = \"streaming\""] {
        let mut service = Service::start(vec![Reply::SayAndClose(unknown.to_owned()), ok("stored")]).await;
        service.no_continue();
        let mut proxy = Proxy::s3(&service, keys).await;
        let body = vec![b'x'; 100_000];
        let response = proxy.ask("PUT /b/k HTTP/1.1\ncontent-length: 100000", &body).await;
        assert!(response.ends_with("stored"), "{keys}: {response}");
        let first = service.next().await;
        assert_eq!((first.one("expect"), first.body.len()), ("100-continue", 0));
        assert!(!service.next().await.has("expect"));
        assert_eq!(proxy.record().await.attempts, 2);
    }
}

/// A proxy whose service does not listen.
async fn before_a_closed_port() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    Proxy::with(&format!(
        "service = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"http://{addr}\""
    ))
    .await
}

#[tokio::test]
async fn host_that_cannot_be_connected_to_is_left_alone_for_a_moment() {
    let mut proxy = before_a_closed_port().await;
    // Nothing is sent, so a POST is tried again too.
    let response = proxy.ask("POST /b/k?uploads HTTP/1.1", b"").await;
    assert_refused(&response, 502, "upstream-unreachable");
    assert_eq!(proxy.record().await.attempts, 3);
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert_refused(&response, 503, "upstream-circuit-open");
    assert!(response.contains("\r\nretry-after: 1\r\n"), "{response}");
    assert!(
        response.contains("The last attempt failed with upstream-unreachable"),
        "{response}"
    );
    assert_eq!(
        proxy.record().await.attempts,
        3,
        "two that failed, and one that was not made"
    );
    let counted = proxy.metrics.encode().unwrap();
    assert!(
        counted.contains("\nsigning_proxy_upstream_circuits_opened_total{connection=\"c\"} 1\n"),
        "{counted}"
    );
}

#[tokio::test]
async fn no_response_in_time_is_a_gateway_timeout() {
    let service = Service::start(vec![Reply::Hang]).await;
    let proxy = Proxy::s3(&service, "timeouts = { response = \"1s\" }").await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 504, "upstream-timeout");
}

#[tokio::test]
async fn nobody_there_is_a_bad_gateway() {
    let mut proxy = before_a_closed_port().await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-unreachable");
    let record = proxy.record().await;
    assert!(record.cause.unwrap().contains("refused"));
}

#[tokio::test]
async fn a_response_that_is_no_http_is_a_bad_gateway() {
    let service = Service::start(vec![Reply::SayAndClose("SSH-2.0-OpenSSH\r\n\r\n".to_owned()); 3]).await;
    let proxy = Proxy::s3(&service, "").await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-malformed");
}
