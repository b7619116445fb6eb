//! HTTPS to the upstream: HTTP/2 and HTTP/1.1 by ALPN, trust by `ca_file`.

use crate::support::world::{connection, proxy, sandbox_over};
use crate::support::{World, ask};

#[tokio::test]
async fn objects_pass_over_tls() {
    let mut world = World::over(true, "s3", |endpoint| connection("store", "s3", endpoint, "")).await;
    let body = "x".repeat(300_000);
    let put = format!(
        "PUT /sandbox-bucket/tls%20key HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(world.address(), put).await.status, 200);
    let got = ask(
        world.address(),
        "GET /sandbox-bucket/tls%20key HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .await;
    assert_eq!(got.text(), body);
    assert!(world.events.drain().iter().all(sandbox::VerifiedRequest::is_accepted));
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let sandbox = sandbox_over(true).await;
    let proxy = proxy(&connection("store", "s3", &format!("https://{}", sandbox.s3()), "")).await;
    let request = "GET /sandbox-bucket HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
    let (status, code, hint) = ask(proxy.addr().unwrap(), request).await.rejection();
    assert_eq!((status, code.as_str()), (502, "upstream-tls"));
    assert!(hint.contains("ca_file"), "{hint}");
    // Five such failures open the circuit, and the reason stays the same.
    let mut last = (status, code, hint);
    for _ in 0..5 {
        last = ask(proxy.addr().unwrap(), request).await.rejection();
    }
    let (status, code, hint) = last;
    assert_eq!((status, code.as_str()), (503, "upstream-circuit-open"));
    assert!(
        hint.contains("upstream-tls") && hint.contains("upstream.ca_file"),
        "{hint}"
    );
}
