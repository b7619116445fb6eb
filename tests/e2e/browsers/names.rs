//! Under which names the proxy may be called, and the admin listener.

use super::pages::LISTED;
use super::{By, Setup, assert_is_no_page};
use crate::support::ask;

/// DNS rebinding: a name without a dot is as easily made as one with dots, where an intranet's zone is open.
#[tokio::test]
async fn rebound_names_reach_no_listener() {
    let mut setup = Setup::start("", "").await;
    let admin = setup.proxy.admin_addr().expect("an admin listener");
    for to in [setup.address(By::Loopback), setup.address(By::Exposed), admin] {
        for host in ["evil", "evil:8080", "evil.example", "localhost.evil"] {
            for more in ["", "Origin: http://evil:8080\r\n"] {
                let request =
                    format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n{more}\r\n");
                let response = ask(to, request).await;
                let code = response.header("x-signing-proxy-error").map(ToOwned::to_owned);
                let is_own_origin = host == "evil:8080";
                let want = if more.is_empty() || is_own_origin {
                    "gateway-host-rejected"
                } else {
                    "cross-site"
                };
                assert_eq!((response.status, code.as_deref()), (403, Some(want)), "{host}");
                if want == "gateway-host-rejected" {
                    assert!(response.text().contains("server.gateway_hosts"), "{}", response.text());
                }
            }
        }
    }
    assert!(setup.service.is_untouched());
}

#[tokio::test]
async fn the_proxys_own_names_reach_it() {
    let mut setup = Setup::start("", "").await;
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_else(|_| "localhost".to_owned());
    let machine = machine.trim().split('.').next().expect("a label").to_owned();
    for host in [
        machine.as_str(),
        "localhost",
        "LOCALHOST.",
        "127.0.0.1",
        "[::1]",
        "signer.internal",
        "b.signer.internal",
    ] {
        let request = format!("GET /@store/b/k HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(ask(setup.address(By::Loopback), request).await.status, 200, "{host}");
        setup.service.take().await;
    }
}

#[tokio::test]
async fn the_admin_listener_has_nothing_for_pages() {
    let setup = Setup::start(LISTED, "").await;
    let admin = setup.proxy.admin_addr().expect("an admin listener");
    for path in ["/metrics", "/readyz", "/livez", "/"] {
        for fields in [
            "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n",
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n",
            "Origin: https://app.example\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: cross-site\r\n",
        ] {
            let response = ask(admin, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).await;
            let code = response.header("x-signing-proxy-error").unwrap_or_default();
            assert!(
                matches!(code, "browser-rejected" | "cross-site"),
                "{path}: {response:?}"
            );
            assert_eq!(response.status, 403);
            assert_is_no_page(&response);
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
        for agent in ["Prometheus/3.0.0", "kube-probe/1.31", "curl/8.11.1"] {
            let response = ask(
                admin,
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\n\r\n"),
            )
            .await;
            assert_ne!(response.status, 403, "{path}, {agent}");
        }
    }
}
