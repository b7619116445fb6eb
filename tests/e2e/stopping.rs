//! Shutting down: nobody new, and those who are there may finish.

use tokio::net::TcpStream;

use crate::support::{Wire, World, ask};

#[tokio::test]
async fn a_running_response_is_finished_and_nobody_new_is_let_in() {
    let world = World::with_models().await;
    let (mut wire, gate) = world.held_stream().await;
    let address = world.address();

    let mut idle = Wire::connect(address).await;
    idle.send("GET /model HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    idle.response().await;

    let proxy = world.proxy;
    let stopping = tokio::spawn(async move { proxy.shutdown().await });
    assert!(idle.is_closed().await, "a client without a request is let go");
    assert!(TcpStream::connect(address).await.is_err(), "nobody new is let in");
    assert!(!stopping.is_finished());
    gate.open();
    while !wire.chunk().await.is_empty() {}
    stopping.await.expect("the proxy has stopped");
}

#[tokio::test]
async fn probes_and_metrics_respond() {
    let world = World::with_store().await;
    let admin = world.proxy.admin_addr().expect("an admin listener");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(ask(admin, get("/livez")).await.status, 200);
    assert_eq!(ask(admin, get("/readyz")).await.status, 200);
    assert_eq!(ask(admin, get("/nothing")).await.status, 404);
    assert_eq!(ask(world.address(), get("/sandbox-bucket")).await.status, 200);
    let metrics = ask(admin, get("/metrics")).await.text();
    assert!(
        metrics.contains("store") && metrics.contains("signing_proxy_"),
        "{metrics}"
    );
}
