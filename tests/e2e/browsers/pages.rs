//! Pages of a listed origin.

use super::{By, CHROME, EVERYWHERE, Fields, LANGUAGE, Setup, Version, assert_is_no_page};
use crate::support::ask;

pub(super) const LISTED: &str = "[server.browsers]\norigins = [\"https://app.example\"]";
const FETCH: Fields = &[
    ("origin", "https://app.example"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    CHROME,
    LANGUAGE,
];

#[tokio::test]
async fn a_listed_origin_may_send_and_read() {
    let mut setup = Setup::start(LISTED, "").await;
    for by in EVERYWHERE {
        for version in [Version::Http1, Version::Http2] {
            let response = setup.send(by, version, "GET", FETCH).await;
            assert_eq!(
                (response.status, response.text().as_str()),
                (200, "ok"),
                "{by:?}, {version:?}"
            );
            assert_eq!(
                response.header("access-control-allow-origin"),
                Some("https://app.example")
            );
            assert_eq!(response.header("access-control-expose-headers"), Some("*"));
            assert_eq!(response.header("access-control-allow-credentials"), None);
            assert_eq!(response.header("vary"), Some("Origin"));
            assert_is_no_page(&response);
            assert_eq!(setup.service.take().await.header("origin"), None);
        }
    }
    // It can read rejections too, and the rest is as for everybody.
    let to = setup.address(By::Loopback);
    let response = ask(
        to,
        "GET /@nobody/b HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nOrigin: https://app.example\r\n\
         Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: cross-site\r\n\r\n",
    )
    .await;
    assert_eq!(response.rejection().1, "connection-unknown");
    assert_eq!(
        response.header("access-control-allow-origin"),
        Some("https://app.example")
    );
    for fields in [
        &[
            ("origin", "https://app.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ][..],
        &[
            ("origin", "https://app.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ],
        &[("origin", "https://app.example"), ("upgrade-insecure-requests", "1")],
    ] {
        setup
            .is_rejected(&EVERYWHERE, fields, "browser-rejected", "with mode \"cors\"")
            .await;
    }
    for origin in ["http://app.example", "https://app.example.evil", "https://evil.example"] {
        let fields = [("origin", origin), ("sec-fetch-mode", "cors")];
        setup.is_rejected(&EVERYWHERE, &fields, "cross-site", origin).await;
    }
}

#[tokio::test]
async fn a_preflight_gets_its_response_from_the_proxy() {
    let mut setup = Setup::start(LISTED, "").await;
    let wanted: Fields = &[
        ("origin", "https://app.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "content-type,x-amz-acl"),
        ("access-control-request-private-network", "true"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "cross-site"),
    ];
    for by in EVERYWHERE {
        for version in [Version::Http1, Version::Http2] {
            let response = setup.send(by, version, "OPTIONS", wanted).await;
            assert_eq!(response.status, 204, "{by:?}, {version:?}: {}", response.text());
            for (name, value) in [
                ("access-control-allow-origin", "https://app.example"),
                ("access-control-allow-methods", "PUT"),
                ("access-control-allow-headers", "content-type,x-amz-acl"),
                ("access-control-allow-private-network", "true"),
                ("access-control-max-age", "600"),
            ] {
                assert_eq!(response.header(name), Some(value), "{name}");
            }
            assert!(response.header("x-signing-proxy-request-id").is_some());
            assert!(setup.service.is_untouched());
        }
    }
    // Not by a name that is none of the proxy's: the request itself would be rejected as well.
    for to in [setup.address(By::Loopback), setup.address(By::Exposed)] {
        let lines: String = wanted
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        for method in ["OPTIONS", "GET"] {
            let response = ask(
                to,
                format!("{method} /@store/b/k HTTP/1.1\r\nHost: evil.example\r\n{lines}\r\n"),
            )
            .await;
            let code = response.header("x-signing-proxy-error");
            assert_eq!(
                (response.status, code),
                (403, Some("gateway-host-rejected")),
                "{method}"
            );
        }
    }
    // Nobody else's.
    let mut unlisted = wanted.to_vec();
    unlisted[0] = ("origin", "https://evil.example");
    let response = setup.send(By::Loopback, Version::Http1, "OPTIONS", &unlisted).await;
    assert_eq!(
        (response.status, response.header("access-control-allow-origin")),
        (403, None)
    );
    assert!(setup.service.is_untouched());
}
