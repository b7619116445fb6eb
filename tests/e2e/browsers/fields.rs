//! Fields that stay on their side of the proxy.

use super::{By, Setup};
use crate::support::ask;

const OF_THE_CLIENT: &str = "Cookie: session=of-another-program\r\nReferer: http://intranet/?token=1\r\nDNT: 1\r\n";

#[tokio::test]
async fn what_clients_keep_of_servers_passes_in_neither_direction() {
    let mut setup = Setup::start("", "").await;
    let request = format!("GET /@store/b/k HTTP/1.1\r\nHost: localhost\r\n{OF_THE_CLIENT}\r\n");
    let response = ask(setup.address(By::Loopback), request).await;
    let sent = setup.service.take().await;
    for name in ["cookie", "referer", "dnt"] {
        assert_eq!(sent.header(name), None, "{name}");
    }
    let dropped = [
        "set-cookie",
        "alt-svc",
        "clear-site-data",
        "strict-transport-security",
        "nel",
        "report-to",
        "refresh",
        "sourcemap",
    ];
    for name in dropped {
        assert!(!response.headers.iter().any(|(known, _)| known == name), "{name}");
    }
    // The rest is the service's own.
    for name in ["etag", "access-control-allow-origin", "content-security-policy"] {
        assert!(response.header(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_the_connection_names_passes() {
    let mut setup = Setup::start("", "pass_fields = [\"cookie\", \"set-cookie\", \"referer\"]").await;
    let request = format!("GET /@store/b/k HTTP/1.1\r\nHost: localhost\r\n{OF_THE_CLIENT}\r\n");
    let response = ask(setup.address(By::Loopback), request).await;
    let sent = setup.service.take().await;
    assert_eq!(sent.header("cookie"), Some("session=of-another-program"));
    assert_eq!(sent.header("referer"), Some("http://intranet/?token=1"));
    assert_eq!(sent.header("dnt"), None);
    let cookies = response.headers.iter().filter(|(name, _)| name == "set-cookie");
    assert_eq!(cookies.count(), 2);
    assert_eq!(response.header("alt-svc"), None);
}

#[tokio::test]
async fn what_a_client_has_signed_itself_is_kept() {
    let mut setup = Setup::start("", "presigned = \"pass\"").await;
    for (signed, kept) in [("host%3Breferer", true), ("host", false)] {
        let request = format!(
            "GET /@store/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-SignedHeaders={signed}&\
             X-Amz-Signature=0 HTTP/1.1\r\nHost: localhost\r\n{OF_THE_CLIENT}\r\n"
        );
        assert_eq!(ask(setup.address(By::Loopback), request).await.status, 200);
        let sent = setup.service.take().await;
        assert_eq!(sent.header("referer").is_some(), kept, "{signed}");
        assert_eq!(sent.header("cookie"), None);
    }
}
