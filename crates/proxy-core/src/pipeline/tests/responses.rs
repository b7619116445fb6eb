//! Responses in transit to the client.

use super::*;

#[tokio::test]
async fn a_response_is_passed_on_untouched() {
    let reply = "HTTP/1.1 403 Forbidden\r\nx-amz-request-id: REQ1\r\ncontent-length: 7\r\nconnection: x-hop\r\nx-hop: 1\r\n\
                 x-signing-proxy-error: faked\r\nETag: \"a\"\r\n\r\n<Error>";
    let service = Service::start(vec![Reply::Say(reply.to_owned())]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert!(
        response.starts_with("HTTP/1.1 403 Forbidden\r\n") && response.ends_with("\r\n\r\n<Error>"),
        "{response}"
    );
    assert!(
        response.contains("etag: \"a\"") && response.contains("content-length: 7"),
        "{response}"
    );
    assert!(
        !response.contains("x-hop") && !response.contains("x-signing-proxy-error"),
        "{response}"
    );
    let record = proxy.record().await;
    assert_eq!((record.aws_request_id.as_deref(), record.error), (Some("REQ1"), None));
}

#[tokio::test]
async fn responses_without_a_body_keep_their_length() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n";
    let none = "HTTP/1.1 204 No Content\r\n\r\n";
    let same = "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\netag: \"a\"\r\n\r\n";
    let replies = [head, none, same].map(|reply| Reply::Say(reply.to_owned()));
    let service = Service::start(replies.to_vec()).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let response = proxy.ask("HEAD /b/k HTTP/1.1", b"").await;
    assert!(
        response.contains("content-length: 1234") && response.ends_with("\r\n\r\n"),
        "{response}"
    );
    let response = proxy.ask("DELETE /b/k HTTP/1.1", b"").await;
    assert!(
        response.starts_with("HTTP/1.1 204 ") && response.ends_with("\r\n\r\n"),
        "{response}"
    );
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert!(
        response.starts_with("HTTP/1.1 304 ") && response.ends_with("\r\n\r\n"),
        "{response}"
    );
    for _ in 0..3 {
        assert_eq!(proxy.record().await.outcome, Outcome::Complete);
    }
}

pub(super) fn stream() -> (Reply, mpsc::Sender<&'static str>) {
    let (sender, receiver) = mpsc::channel(1);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    (
        Reply::Stream(head.to_owned(), Arc::new(tokio::sync::Mutex::new(receiver))),
        sender,
    )
}

#[tokio::test]
async fn the_first_event_arrives_before_the_second_leaves() {
    let (reply, pieces) = stream();
    let service = Service::start(vec![reply]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let mut client = proxy
        .send(b"GET /b/k HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    pieces.send("5\r\none\n\n\r\n").await.unwrap();
    assert!(
        read_until(&mut client, "one\n\n\r\n")
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    pieces.send("5\r\ntwo\n\n\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(read_all(&mut client).await, "5\r\ntwo\n\n\r\n0\r\n\r\n");
    let record = proxy.record().await;
    assert_eq!((record.bytes_out, record.outcome), (10, Outcome::Complete));
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_exchange_with_the_service() {
    let (reply, pieces) = stream();
    let mut service = Service::start(vec![reply, Reply::Hang]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let request = b"GET /b/k HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut client = proxy.send(request).await;
    pieces.send("5\r\none\n\n\r\n").await.unwrap();
    read_until(&mut client, "one\n\n\r\n").await;
    drop(client);
    assert_eq!(
        timeout(LONGEST_WAIT, service.connections.recv()).await.unwrap(),
        Some("open")
    );
    assert_eq!(
        timeout(LONGEST_WAIT, service.connections.recv()).await.unwrap(),
        Some("end")
    );
    assert_eq!(proxy.record().await.outcome, Outcome::ClientLeft);
    // The same before there is a response.
    let client = proxy.send(request).await;
    service.next().await;
    service.next().await;
    drop(client);
    assert_eq!(
        timeout(LONGEST_WAIT, service.connections.recv()).await.unwrap(),
        Some("open")
    );
    assert_eq!(
        timeout(LONGEST_WAIT, service.connections.recv()).await.unwrap(),
        Some("end")
    );
    let record = proxy.record().await;
    assert_eq!((record.status, record.outcome), (None, Outcome::ClientLeft));
}

#[tokio::test]
async fn a_response_that_breaks_off_breaks_off_for_the_client_too() {
    let reply = Reply::SayAndClose("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello".to_owned());
    let service = Service::start(vec![reply]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert!(
        response.contains("content-length: 10") && response.ends_with("hello"),
        "{response}"
    );
    let record = proxy.record().await;
    assert_eq!((record.bytes_out, record.outcome), (5, Outcome::UpstreamBroke));
}

#[tokio::test]
async fn a_response_that_stops_arriving_is_broken_off() {
    let (reply, pieces) = stream();
    let service = Service::start(vec![reply]).await;
    let mut proxy = Proxy::s3(&service, "timeouts = { body_idle = \"1s\" }").await;
    let mut client = proxy
        .send(b"GET /b/k HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    pieces.send("5\r\none\n\n\r\n").await.unwrap();
    assert!(read_all(&mut client).await.ends_with("one\n\n\r\n"), "no last chunk");
    assert_eq!(proxy.record().await.outcome, Outcome::UpstreamBroke);
}
