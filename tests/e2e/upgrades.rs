//! What becomes of `Upgrade`: one for WebSocket is rejected, any other ignored.

use std::time::Duration;

use tokio::time::timeout;

use crate::support::world::{connection, proxy};
use crate::support::{Recorder, Wire, ask};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The fields that clients send with their first request to a server that they know nothing of.
const OFFERS: [(&str, &str); 4] = [
    (
        "curl --http2",
        "Host: localhost\r\nUser-Agent: curl/8.11.1\r\nAccept: */*\r\nConnection: Upgrade, HTTP2-Settings\r\n\
         Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
    ),
    (
        "Java's HttpClient",
        "Connection: Upgrade, HTTP2-Settings\r\nHost: localhost\r\n\
         HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\nUser-Agent: Java-http-client/17.0.13\r\n",
    ),
    (
        "an old one for TLS",
        "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n",
    ),
    ("one without Connection", "Host: localhost\r\nUpgrade: h2c\r\n"),
];

#[tokio::test]
async fn offers_of_other_protocols_are_ignored() {
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    for (client, fields) in OFFERS {
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        for (line, framing, body) in [
            ("GET /b/k HTTP/1.1", "", ""),
            ("PUT /b/k HTTP/1.1", "Content-Length: 5\r\n", "hello"),
            ("POST /b/k HTTP/1.1", "Transfer-Encoding: chunked\r\n", "hello"),
            ("GET /b/k HTTP/1.1", "", ""),
        ] {
            let sent = if framing.starts_with('T') {
                "5\r\nhello\r\n0\r\n\r\n"
            } else {
                body
            };
            wire.send(format!("{line}\r\n{fields}{framing}\r\n{sent}")).await;
            // Not skipped as interim ones are: no 101 comes.
            let (status, headers) = wire.head().await;
            assert_eq!(status, 200, "{client}, {line}");
            assert!(
                headers.iter().all(|(name, _)| name != "upgrade"),
                "{client}: {headers:?}"
            );
            assert_eq!(wire.exactly(2).await, b"ok");
            let seen = recorder.take().await;
            assert_eq!(seen.body, body.as_bytes(), "{client}, {line}");
            for hop in ["upgrade", "http2-settings", "connection"] {
                assert_eq!(seen.header(hop), None, "{client}, {line}: {hop}");
                assert!(!seen.signed_headers().contains(&hop), "{client}, {line}: {hop}");
            }
        }
    }
}

/// In the shape of the service's errors, with nothing sent; the connection goes on.
#[tokio::test]
async fn websockets_are_unsupported_and_nothing_is_sent() {
    const FIELDS: &str = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    for (service, shape) in [
        ("s3", "<Error><Code>upgrade-unsupported</Code>"),
        ("neptune-db", "\"code\":\"upgrade-unsupported\""),
        ("data-ats.iot", "\"code\":\"upgrade-unsupported\""),
    ] {
        let proxy = proxy(&connection("it", service, &endpoint, "")).await;
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        for fields in [
            FIELDS.to_owned(),
            FIELDS.replace("websocket", "h2c, WebSocket"),
            FIELDS.replace("Connection: Upgrade\r\n", ""),
        ] {
            wire.send(format!("GET /socket HTTP/1.1\r\n{fields}\r\n")).await;
            let response = wire.response().await;
            assert_eq!(response.status, 501, "{service}: {fields}");
            assert_eq!(response.header("x-signing-proxy-error"), Some("upgrade-unsupported"));
            let text = response.text();
            assert!(
                text.contains(shape) && text.contains("presigned URL"),
                "{service}: {text}"
            );
            assert!(recorder.is_untouched(), "{service}: {fields}");
        }
        wire.send("GET /k HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(wire.response().await.status, 200, "{service}");
        assert_eq!(recorder.take().await.target, "/k");
        // HTTP/1.0 knows no such switch.
        let old = ask(proxy.addr().unwrap(), format!("GET /k HTTP/1.0\r\n{FIELDS}\r\n")).await;
        assert_eq!(old.status, 200, "{service}");
        recorder.take().await;
    }
}

/// Whoever reads to the end, as HTTP/1.0 clients do, must not have to wait for it: hyper leaves the end to whoever takes
/// a connection over.
#[tokio::test]
async fn connection_closes_at_once_behind_an_offer_or_a_tunnel() {
    let recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    let (_, offer) = OFFERS[0];
    let upgrade = format!("GET /b/k HTTP/1.1\r\n{offer}\r\n");
    let last = format!(
        "GET /b/k HTTP/1.1\r\n{}\r\n",
        offer.replace("Upgrade, ", "close, Upgrade, ")
    );
    let old = "GET /b/k HTTP/1.0\r\n\r\n".to_owned();
    let tunnel = "CONNECT s3.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned();
    for requests in [vec![upgrade, old], vec![last], vec![tunnel]] {
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        for request in &requests {
            wire.send(request).await;
            wire.response().await;
        }
        let closed = timeout(Duration::from_secs(1), wire.is_closed()).await;
        assert_eq!(closed, Ok(true), "{requests:?}");
    }
}
