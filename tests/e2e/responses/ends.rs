//! Responses that the proxy ends, or has to pass on the end of, before they are whole: on HTTP/1.0 only a reset shows it.

use super::*;
use crate::support::hostile::Script;

const VERSIONS: [&str; 2] = ["HTTP/1.1", "HTTP/1.0"];

/// A proxy before an upstream that sends half of a response to `/b/0` and then nothing. `server` and `more` are further
/// keys of `[server]` and of the connection.
async fn before_half(server: &str, more: &str) -> (Hostile, Proxy) {
    let script = Script {
        bytes: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec(),
        closes: false,
    };
    let upstream = Hostile::start(vec![script]).await;
    let endpoint = format!("http://{}", upstream.address);
    let connection = connection("store", "s3", &endpoint, more);
    (upstream, proxy(&format!("{server}\n{connection}")).await)
}

#[tokio::test]
async fn a_service_that_stops_in_a_body_ends_in_a_reset() {
    let (_upstream, proxy) = before_half("", "timeouts.body_idle = \"1s\"").await;
    let address = proxy.addr().expect("a shared listener");
    for version in VERSIONS {
        let received = bytes_of(address, version, "GET", "/b/0").await;
        assert!(received.is_reset, "{version}: {}", received.text);
        assert_eq!(whole(&received, "GET"), None, "{version}");
    }
    assert_eq!(on_http2(address, "GET", "/b/0").await, None);
}

#[tokio::test]
async fn the_end_of_a_shutdown_is_a_reset_for_whoever_has_half_of_a_response() {
    let (_upstream, proxy) = before_half("shutdown_deadline = \"0s\"", "").await;
    let address = proxy.addr().expect("a shared listener");
    let mut clients = Vec::new();
    for version in VERSIONS {
        let mut socket = TcpStream::connect(address).await.expect("the proxy listens");
        let request = format!("GET /b/0 {version}\r\nhost: localhost\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("a request");
        let mut bytes = Vec::new();
        while !bytes.windows(5).any(|window| window == b"hello") {
            let read = timeout(LONGEST_WAIT, socket.read_buf(&mut bytes))
                .await
                .expect("bytes in time");
            assert!(matches!(read, Ok(1..)), "{version}: {read:?}");
        }
        clients.push(socket);
    }
    proxy.shutdown().await;
    for (mut socket, version) in clients.into_iter().zip(VERSIONS) {
        assert!(received(&mut socket).await.is_reset, "{version}");
    }
}
