//! A whole proxy, from its configuration to the shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use auth_model::ConnectionName;
use http_server::{Drained, bind};
use proxy_config::{Config, Environment};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

fn config(listen: &str) -> Config {
    let toml = format!(
        r#"
        [server]
        listen = "{listen}"
        admin = "127.0.0.1:0"
        [connections.reports]
        service = "s3"
        region = "eu-west-1"
        listen = "127.0.0.1:0"
        [connections.reports.auth]
        method = "access-key"
        access_key_id = "AKIAIOSFODNN7EXAMPLE"
        secret_access_key = "literal:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        "#
    );
    Config::from_toml(&toml, &Environment::default()).unwrap()
}

async fn get(addr: SocketAddr, path: &str) -> String {
    let mut client = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn every_listener_gets_its_port_and_the_admin_one_responds_until_the_shutdown() {
    let proxy = Proxy::start(config("127.0.0.1:0")).await.unwrap();
    let reports = ConnectionName::parse("reports").unwrap();
    let addresses = [proxy.addr(), proxy.connection_addr(&reports), proxy.admin_addr()].map(Option::unwrap);
    assert!(addresses.iter().all(|addr| addr.port() != 0));
    let [shared, own, admin] = addresses;
    assert!(get(admin, "/readyz").await.starts_with("HTTP/1.1 200 "));
    assert!(
        get(shared, "/@none/")
            .await
            .contains("x-signing-proxy-error: connection-unknown\r\n")
    );

    let metrics = get(admin, "/metrics").await;
    assert!(
        metrics.contains("signing_proxy_errors_total{connection=\"\",code=\"connection-unknown\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("signing_proxy_client_connections_accepted_total{listener=\"shared\"} 1\n"),
        "{metrics}"
    );

    proxy.warm_up();
    assert_eq!(proxy.shutdown().await, Drained { cut: 0 });
    for addr in [shared, own, admin] {
        assert!(TcpStream::connect(addr).await.is_err());
    }
}

#[tokio::test]
async fn readyz_fails_while_running_requests_finish() {
    let proxy = Arc::new(Proxy::start(config("127.0.0.1:0")).await.unwrap());
    let (shared, admin) = (proxy.addr().unwrap(), proxy.admin_addr().unwrap());
    // A request whose body has not come: it runs.
    let mut client = TcpStream::connect(shared).await.unwrap();
    client
        .write_all(b"PUT /bucket/key HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n")
        .await
        .unwrap();
    while !get(admin, "/metrics")
        .await
        .contains("signing_proxy_requests_in_flight 1\n")
    {}

    let stopping = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move { proxy.shutdown().await }
    });
    while TcpStream::connect(shared).await.is_ok() {}
    let report = get(admin, "/readyz").await;
    assert!(
        report.starts_with("HTTP/1.1 503 ") && report.contains("\"draining\""),
        "{report}"
    );
    assert!(!stopping.is_finished());
    drop(client);
    assert_eq!(stopping.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_taken_address_names_its_key_and_leaves_nothing_open() {
    let taken = bind("127.0.0.1:0".parse().unwrap(), "test").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = Proxy::start(config(&addr.to_string())).await.unwrap_err();
    assert!(
        matches!(&error, StartError::Bind(error) if error.key == "server.listen"),
        "{error}"
    );
}
