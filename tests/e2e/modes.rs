//! Forward and gateway mode: how a request finds its connection, in HTTP/1.0, HTTP/1.1 and h2c.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::support::world::{connection, sandbox};
use crate::support::{World, ask};

/// The request reaches the sandbox's S3 with this path, well signed, and its response comes back.
async fn check(request: &str, path: &str) {
    let mut world = World::with_store().await;
    let response = ask(world.address(), request).await;
    assert!(
        matches!(response.status, 200 | 404),
        "{request:?}: {} {}",
        response.status,
        response.text()
    );
    assert!(
        response.header("x-signing-proxy-error").is_none(),
        "{request:?}: {response:?}"
    );
    let event = world.verified("s3");
    assert!(crate::support::world::is_well_signed(&event), "{event:#?}");
    assert_eq!(event.path, path, "{request:?}");
}

#[tokio::test]
async fn gateway_mode_takes_a_path() {
    check(
        "GET /sandbox-bucket/?list-type=2 HTTP/1.1\r\nHost: localhost:8080\r\n\r\n",
        "/sandbox-bucket/",
    )
    .await;
}

#[tokio::test]
async fn gateway_mode_takes_an_address_as_host() {
    check(
        "GET /sandbox-bucket HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "/sandbox-bucket",
    )
    .await;
}

#[tokio::test]
async fn gateway_mode_takes_a_bucket_before_localhost() {
    check(
        "GET /key HTTP/1.1\r\nHost: sandbox-bucket.localhost:8080\r\n\r\n",
        "/sandbox-bucket/key",
    )
    .await;
}

#[tokio::test]
async fn gateway_mode_takes_old_http() {
    check("GET /sandbox-bucket/key HTTP/1.0\r\n\r\n", "/sandbox-bucket/key").await;
}

#[tokio::test]
async fn a_prefix_names_the_connection_and_is_removed() {
    check(
        "GET /@store/sandbox-bucket/@x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "/sandbox-bucket/%40x",
    )
    .await;
}

#[tokio::test]
async fn a_header_names_the_connection() {
    let request = "GET /sandbox-bucket/key HTTP/1.1\r\nHost: localhost\r\nX-Signing-Proxy-Connection: store\r\n\r\n";
    check(request, "/sandbox-bucket/key").await;
}

#[tokio::test]
async fn forward_mode_takes_a_regional_host() {
    let request = "GET http://s3.us-east-1.amazonaws.com/sandbox-bucket/key HTTP/1.1\r\n\
                   Host: s3.us-east-1.amazonaws.com\r\nProxy-Connection: keep-alive\r\n\r\n";
    check(request, "/sandbox-bucket/key").await;
}

#[tokio::test]
async fn forward_mode_takes_a_bucket_in_the_host() {
    let request = "GET http://sandbox-bucket.s3.us-east-1.amazonaws.com/a%2Fb HTTP/1.1\r\n\
                   Host: sandbox-bucket.s3.us-east-1.amazonaws.com\r\n\r\n";
    check(request, "/sandbox-bucket/a/b").await;
}

#[tokio::test]
async fn forward_mode_takes_old_http_without_a_host() {
    check(
        "GET http://s3.amazonaws.com/sandbox-bucket/key HTTP/1.0\r\n\r\n",
        "/sandbox-bucket/key",
    )
    .await;
}

#[tokio::test]
async fn the_target_beats_the_host_header() {
    let request = "GET http://s3.us-east-1.amazonaws.com/sandbox-bucket/key HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    check(request, "/sandbox-bucket/key").await;
}

#[tokio::test]
async fn a_host_of_aws_on_the_shared_listener_is_routed_by_it() {
    let request = "GET /sandbox-bucket/key HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\n\r\n";
    check(request, "/sandbox-bucket/key").await;
}

#[tokio::test]
async fn the_endpoints_own_name_is_forwarded_too() {
    let mut world = World::with_store().await;
    let endpoint = world.sandbox.s3();
    let request = format!("GET http://{endpoint}/sandbox-bucket/key HTTP/1.1\r\nHost: {endpoint}\r\n\r\n");
    assert_eq!(ask(world.address(), request).await.status, 404);
    assert_eq!(world.verified("s3").path, "/sandbox-bucket/key");
}

#[tokio::test]
async fn forward_mode_finds_the_connection_by_service() {
    let sandbox = sandbox().await;
    let mut connections = String::new();
    for service in ["s3", "ec2", "dynamodb"] {
        let endpoint = sandbox.service(service).expect("a service");
        connections += &connection(service, service, &format!("http://{endpoint}"), "");
    }
    let mut world = World::with(sandbox, &connections).await;
    let body = "Action=DescribeRegions&Version=2016-11-15";
    let request = format!(
        "POST http://ec2.us-east-1.amazonaws.com/ HTTP/1.1\r\nHost: ec2.us-east-1.amazonaws.com\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(world.address(), request).await.status, 200);
    assert_eq!(world.accepted("ec2").operation.as_deref(), Some("DescribeRegions"));
}

#[tokio::test]
async fn a_connection_has_a_listener_of_its_own() {
    let sandbox = sandbox().await;
    let endpoint = format!("http://{}", sandbox.s3());
    let connections =
        connection("shared", "s3", &endpoint, "") + &connection("own", "s3", &endpoint, "listen = \"127.0.0.1:0\"");
    let mut world = World::with(sandbox, &connections).await;
    let own = world
        .proxy
        .connection_addr(&"own".parse().expect("a name"))
        .expect("its listener");
    // A prefix is part of the key here: the listener has said which connection it is.
    let response = ask(own, "GET /sandbox-bucket/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(response.status, 404, "{}", response.text());
    assert_eq!(world.verified("s3").path, "/sandbox-bucket/x");
}

/// HTTP/2 without TLS: many requests on one connection.
#[tokio::test]
async fn h2c_clients_share_a_connection() {
    let mut world = World::with_store().await;
    let socket = TcpStream::connect(world.address()).await.expect("the proxy listens");
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .expect("h2c");
    tokio::spawn(connection);
    let put = |index: usize| {
        let mut sender = sender.clone();
        async move {
            let body = vec![u8::try_from(index).expect("a small number"); 50_000];
            let uri = format!("http://localhost/sandbox-bucket/h2-{index}%20%2B");
            let request = Request::put(&uri)
                .body(Full::new(Bytes::from(body.clone())))
                .expect("a request");
            let stored = sender.send_request(request).await.expect("a response");
            assert_eq!(stored.status(), 200);
            let request = Request::get(uri).body(Full::default()).expect("a request");
            let fetched = sender.send_request(request).await.expect("a response");
            assert_eq!(fetched.into_body().collect().await.expect("a body").to_bytes(), body);
        }
    };
    let tasks: Vec<_> = (0..8).map(|index| tokio::spawn(put(index))).collect();
    for task in tasks {
        task.await.expect("stored and fetched");
    }
    let events = world.events.drain();
    assert_eq!(events.len(), 16);
    assert!(events.iter().all(sandbox::VerifiedRequest::is_accepted), "{events:#?}");
}

#[tokio::test]
async fn a_client_connection_serves_many_requests() {
    let world = World::with_store().await;
    let mut wire = crate::support::Wire::connect(world.address()).await;
    for _ in 0..3 {
        wire.send("PUT /sandbox-bucket/again HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
            .await;
        assert_eq!(wire.response().await.status, 200);
        wire.send("GET /sandbox-bucket/again HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        assert_eq!(wire.response().await.body, b"abc");
    }
}
