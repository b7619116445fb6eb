//! `mode = "pass"`: behind a back end that passes on what its users' browsers send.

use super::{BROWSERS, By, CHROME, EVERYWHERE, Fields, LANGUAGE, Setup, Version, assert_is_no_page};
use crate::support::ask;

const PASS: &str = "[server.browsers]\nmode = \"pass\"";

/// What the table of rejected requests does not have.
const MORE: [Fields; 4] = [
    &[CHROME, LANGUAGE, ("accept", "image/*")],
    &[("upgrade-insecure-requests", "1")],
    // An image of the back end's page.
    &[
        CHROME,
        LANGUAGE,
        ("referer", "https://app.example/"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "no-cors"),
        ("sec-fetch-dest", "image"),
    ],
    // A form of it.
    &[
        CHROME,
        LANGUAGE,
        ("origin", "https://app.example"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("upgrade-insecure-requests", "1"),
    ],
];

#[tokio::test]
async fn what_browsers_send_passes_everywhere_and_goes_no_further() {
    let mut setup = Setup::start(PASS, "").await;
    let rejected = BROWSERS.into_iter().map(|(fields, ..)| fields);
    let opens_socket = |fields: &Fields| fields.iter().any(|(name, _)| *name == "upgrade");
    for fields in rejected.filter(|fields| !opens_socket(fields)).chain(MORE) {
        setup.passes("passed on", &EVERYWHERE, fields).await;
    }
    // Not as a socket, and as nothing else either.
    let socket = [("origin", "http://evil.example"), ("upgrade", "websocket")];
    for by in EVERYWHERE {
        let (status, code, _) = setup.send(by, Version::Http1, "GET", &socket).await.rejection();
        assert_eq!((status, code.as_str()), (501, "upgrade-unsupported"), "{by:?}");
    }
    assert!(setup.service.is_untouched());
}

/// The back end's pages may be made of them.
#[tokio::test]
async fn responses_are_the_services_own() {
    let mut setup = Setup::start(PASS, "").await;
    for by in EVERYWHERE {
        for version in [Version::Http1, Version::Http2] {
            let response = setup.send(by, version, "GET", MORE[3]).await;
            assert_eq!(
                response.header("content-security-policy"),
                Some("script-src *"),
                "{by:?}"
            );
            assert_eq!(response.header("x-content-type-options"), None, "{by:?}");
            assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{by:?}");
            setup.service.take().await;
        }
    }
}

#[tokio::test]
async fn preflights_are_the_services_but_for_listed_origins() {
    let mut setup = Setup::start(&format!("{PASS}\norigins = [\"https://app.example\"]"), "").await;
    for by in EVERYWHERE {
        for version in [Version::Http1, Version::Http2] {
            let preflight = |origin| {
                [
                    ("origin", origin),
                    ("access-control-request-method", "PUT"),
                    ("sec-fetch-mode", "cors"),
                    ("sec-fetch-site", "cross-site"),
                ]
            };
            let listed = setup
                .send(by, version, "OPTIONS", &preflight("https://app.example"))
                .await;
            let allowed = listed.header("access-control-allow-origin");
            assert_eq!((listed.status, allowed), (204, Some("https://app.example")), "{by:?}");
            assert!(setup.service.is_untouched(), "{by:?}");

            let other = setup
                .send(by, version, "OPTIONS", &preflight("https://evil.example"))
                .await;
            assert_eq!(other.status, 200, "{by:?}");
            assert_ne!(
                other.header("access-control-allow-origin"),
                Some("https://evil.example")
            );
            let sent = setup.service.take().await;
            assert!(sent.bytes.starts_with(b"OPTIONS "), "{sent:?}");
            for name in ["origin", "access-control-request-method"] {
                assert_eq!(sent.header(name), None, "{name}");
                assert!(!sent.signed_headers().contains(&name), "{name}");
            }
        }
    }
}

/// What else the proxy knows browsers by stays.
#[tokio::test]
async fn the_admin_listener_and_the_list_of_names_stay() {
    let mut setup = Setup::start(PASS, "").await;
    let admin = setup.proxy.admin_addr().expect("an admin listener");
    for path in ["/livez", "/readyz", "/metrics"] {
        for fields in [
            "Origin: http://evil.example",
            "Sec-Fetch-Site: same-origin",
            "Sec-Fetch-Site: none",
        ] {
            let response = ask(
                admin,
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n"),
            )
            .await;
            assert_eq!(response.status, 403, "{path}, {fields}");
            assert_is_no_page(&response);
        }
    }
    let rebound = "GET /@store/b/k HTTP/1.1\r\nHost: rebound.example\r\nAccept: application/json\r\nOrigin: http://rebound.example\r\n\r\n";
    let (status, code, _) = ask(setup.address(By::Loopback), rebound).await.rejection();
    assert_eq!((status, code.as_str()), (403, "gateway-host-rejected"));
    assert!(setup.service.is_untouched());
}
