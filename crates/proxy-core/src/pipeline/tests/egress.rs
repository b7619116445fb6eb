//! An HTTP proxy between us and the service.

use super::*;

const CONNECTION: &str = "[connections.c]\nservice = \"s3\"\nregion = \"eu-west-1\"\n";
const AUTH: &str = "[connections.c.auth]\nmethod = \"access-key\"\naccess_key_id = \"AKIDEXAMPLE\"\n\
                    secret_access_key = \"literal:wJalrXUtnFEMI\"\n";

#[tokio::test]
async fn a_service_in_the_clear_is_requested_in_absolute_form() {
    let mut proxy_before = Service::start(vec![]).await;
    let config = format!(
        "{CONNECTION}endpoint = \"http://minio.internal:9000\"\nallow_cleartext = true\n{AUTH}[upstream]\nhttp_proxy = \"http://u:p@{}\"\n",
        proxy_before.addr
    );
    let proxy = Proxy::start(&config).await;
    let response = proxy.ask("GET /b/a+b HTTP/1.1", b"").await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let seen = proxy_before.next().await;
    assert_eq!(seen.line, "GET http://minio.internal:9000/b/a%2Bb HTTP/1.1");
    assert_eq!(seen.one("host"), "minio.internal:9000");
    assert_eq!(seen.one("proxy-authorization"), "Basic dTpw");
}

#[tokio::test]
async fn a_service_over_tls_is_reached_through_a_tunnel() {
    let rejection = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_owned();
    let mut proxy_before = Service::start(vec![Reply::SayAndClose(rejection)]).await;
    let config = format!(
        "{CONNECTION}{AUTH}[upstream]\nhttps_proxy = \"http://u:p@{}\"\n",
        proxy_before.addr
    );
    let mut proxy = Proxy::start(&config).await;
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert_refused(&response, 502, "upstream-unreachable");
    let seen = proxy_before.next().await;
    assert_eq!(seen.line, "CONNECT s3.eu-west-1.amazonaws.com:443 HTTP/1.1");
    assert_eq!(seen.one("proxy-authorization"), "Basic dTpw");
    assert!(!seen.has("authorization"));
    assert!(!proxy.record().await.cause.unwrap().contains("dTpw"));
}
