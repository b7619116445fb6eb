//! Browsers stay outside, programs do not notice: by what each of them sends, on HTTP/1 and HTTP/2, on every listener.
//!
//! `tests/outside/test_browsers.py` has the same with a real browser.

mod back_end;
mod fields;
mod names;
mod pages;

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use signing_proxy::app::Proxy;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::world::{connection, proxy};
use crate::support::{LONGEST_WAIT, RawResponse, Recorder, ask};

type Fields = &'static [(&'static str, &'static str)];

/// What a service says to whoever asks.
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/html\r\nETag: \"1\"\r\n\
                  Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\
                  Content-Security-Policy: script-src *\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
                  Alt-Svc: h2=\":1\"\r\nClear-Site-Data: \"*\"\r\nStrict-Transport-Security: max-age=1\r\n\
                  NEL: {}\r\nReport-To: {}\r\nRefresh: 0\r\nSourceMap: /x\r\n\r\nok";

const CHROME: (&str, &str) = (
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
);
const LANGUAGE: (&str, &str) = ("accept-language", "en-US,en;q=0.9");

/// Only loopback reaches the shared listener, everybody that of connection `own`.
struct Setup {
    service: Recorder,
    proxy: Proxy,
}

/// By which listener a request comes, and under which name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum By {
    /// The shared listener under a loopback name.
    Loopback,
    /// The shared listener under a name of `gateway_hosts`.
    Name,
    /// A listener that other machines reach.
    Exposed,
    /// The shared listener as an HTTP proxy.
    Forward,
}

const EVERYWHERE: [By; 4] = [By::Loopback, By::Name, By::Exposed, By::Forward];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Version {
    Http1,
    Http2,
}

impl Setup {
    /// `server` are further keys of `[server]`, or further tables; `store` keys of each connection.
    async fn start(server: &str, store: &str) -> Self {
        let service = Recorder::start(OK).await;
        let endpoint = format!("http://{}", service.address);
        let own = format!("{store}\nlisten = \"0.0.0.0:0\"");
        let proxy = proxy(&format!(
            "gateway_hosts = [\"signer.internal\"]\nallow_unauthenticated_clients = true\n{server}\n{}{}",
            connection("store", "s3", &endpoint, store),
            connection("own", "s3", &endpoint, &own),
        ))
        .await;
        Self { service, proxy }
    }

    fn address(&self, by: By) -> SocketAddr {
        match by {
            By::Loopback | By::Name | By::Forward => self.proxy.addr().expect("a shared listener"),
            By::Exposed => {
                let own = self.proxy.connection_addr(&"own".parse().expect("a name"));
                SocketAddr::from(([127, 0, 0, 1], own.expect("its listener").port()))
            }
        }
    }

    async fn send(&self, by: By, version: Version, method: &str, fields: &[(&str, &str)]) -> RawResponse {
        let to = self.address(by);
        let (authority, path) = match by {
            By::Loopback => (format!("localhost:{}", to.port()), "/@store/b/k"),
            By::Name => (format!("signer.internal:{}", to.port()), "/@store/b/k"),
            By::Exposed => (to.to_string(), "/b/k"),
            By::Forward => ("s3.us-east-1.amazonaws.com".to_owned(), "/b/k"),
        };
        // Two connections serve this host.
        let chosen = (by == By::Forward).then_some(("x-signing-proxy-connection", "store"));
        let fields: Vec<_> = fields.iter().copied().chain(chosen).collect();
        match version {
            Version::Http1 => {
                let target = match by {
                    By::Forward => format!("http://{authority}{path}"),
                    By::Loopback | By::Name | By::Exposed => path.to_owned(),
                };
                let mut request =
                    format!("{method} {target} HTTP/1.1\r\nhost: {authority}\r\naccept: application/json\r\n");
                for (name, value) in fields {
                    request += &format!("{name}: {value}\r\n");
                }
                ask(to, request + "\r\n").await
            }
            Version::Http2 => by_http2(to, method, &format!("http://{authority}{path}"), &fields).await,
        }
    }

    /// The request reaches the service, from wherever it comes.
    async fn passes(&mut self, name: &str, by: &[By], fields: &[(&str, &str)]) {
        for by in by {
            for version in [Version::Http1, Version::Http2] {
                let response = self.send(*by, version, "GET", fields).await;
                assert_eq!(response.status, 200, "{name}, {by:?}, {version:?}: {}", response.text());
                let sent = self.service.take().await;
                assert!(sent.header("authorization").is_some(), "{name}, {by:?}, {version:?}");
                for unwanted in ["cookie", "referer", "origin", "sec-fetch-mode", "sec-websocket-key"] {
                    assert_eq!(sent.header(unwanted), None, "{name}: {unwanted}");
                }
            }
        }
    }

    /// The request is rejected so, wherever it comes from, and the service sees nothing of it.
    async fn is_rejected(&mut self, by: &[By], fields: &[(&str, &str)], code: &str, hint: &str) {
        for by in by {
            for version in [Version::Http1, Version::Http2] {
                let response = self.send(*by, version, "GET", fields).await;
                let (status, got, got_hint) = response.rejection();
                assert_eq!((status, got.as_str()), (403, code), "{fields:?}, {by:?}, {version:?}");
                assert!(got_hint.contains(hint), "{fields:?}: {got_hint}");
                assert_is_no_page(&response);
                assert!(
                    self.service.is_untouched(),
                    "{fields:?}, {by:?}, {version:?} went upstream"
                );
            }
        }
    }
}

#[track_caller]
fn assert_is_no_page(response: &RawResponse) {
    assert_eq!(
        response.header("content-security-policy"),
        Some("sandbox; default-src 'none'"),
        "{response:?}"
    );
    assert_eq!(
        response.header("x-content-type-options"),
        Some("nosniff"),
        "{response:?}"
    );
}

async fn by_http2(to: SocketAddr, method: &str, uri: &str, fields: &[(&str, &str)]) -> RawResponse {
    let socket = TcpStream::connect(to).await.expect("somebody listens");
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("accept", "application/json");
    // What HTTP/2 has no place for (RFC 9113, section 8.2.2).
    for (name, value) in fields.iter().filter(|(name, _)| *name != "upgrade") {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let response = timeout(LONGEST_WAIT, sender.send_request(request)).await;
    let (head, body) = response.expect("in time").expect("a response").into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        let value = value.to_str().expect("visible ASCII");
        (name.to_string(), value.to_owned())
    });
    RawResponse {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: body.collect().await.expect("a body").to_bytes().to_vec(),
    }
}

const PROGRAMS: [(&str, Fields); 13] = [
    ("nothing at all", &[]),
    ("curl", &[("user-agent", "curl/8.11.1"), ("accept", "*/*")]),
    (
        "wget",
        &[("user-agent", "Wget/1.21.3"), ("accept-encoding", "identity")],
    ),
    ("Python", &[("user-agent", "python-requests/2.32.3")]),
    (
        "boto3",
        &[("user-agent", "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1")],
    ),
    (
        "Go",
        &[("user-agent", "Go-http-client/1.1"), ("accept-encoding", "gzip")],
    ),
    (
        "Java",
        &[
            ("user-agent", "Java/1.8.0_402"),
            ("accept", "text/html, image/gif, *; q=.2"),
        ],
    ),
    (
        ".NET",
        &[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")],
    ),
    (
        "Windows PowerShell",
        &[(
            "user-agent",
            "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.4648",
        )],
    ),
    (
        "WinHTTP",
        &[(
            "user-agent",
            "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)",
        )],
    ),
    (
        "Node's fetch",
        &[
            ("accept-language", "*"),
            ("sec-fetch-mode", "cors"),
            ("user-agent", "node"),
            ("accept-encoding", "br, gzip, deflate"),
        ],
    ),
    ("Deno", &[("accept-language", "*"), ("user-agent", "Deno/2.1.4")]),
    (
        "an old tool",
        &[
            ("user-agent", "Tool/1"),
            ("referer", "http://tool.example/"),
            ("cookie", "a=b"),
        ],
    ),
];

const WEBSOCKETS: [(&str, Fields); 2] = [
    ("any client", &[UPGRADE, ("sec-websocket-key", "x")]),
    (
        "Node's",
        &[
            UPGRADE,
            ("sec-fetch-mode", "websocket"),
            ("accept-language", "*"),
            ("user-agent", "node"),
        ],
    ),
];
const UPGRADE: (&str, &str) = ("upgrade", "websocket");

#[tokio::test]
async fn programs_are_served_whatever_they_are_written_in() {
    let mut setup = Setup::start("", "").await;
    for (name, fields) in PROGRAMS {
        setup.passes(name, &EVERYWHERE, fields).await;
    }
    // Not taken for browsers' either.
    for (name, fields) in WEBSOCKETS {
        for by in EVERYWHERE {
            let (status, code, _) = setup.send(by, Version::Http1, "GET", fields).await.rejection();
            assert_eq!((status, code.as_str()), (501, "upgrade-unsupported"), "{name}, {by:?}");
        }
    }
    assert!(setup.service.is_untouched());
}

/// The table of the finding: what a browser sends in each case, and the error.
const BROWSERS: [(Fields, &str, &str); 14] = [
    // A link outside of the browser.
    (
        &[
            CHROME,
            ("sec-fetch-site", "none"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-user", "?1"),
        ],
        "browser-rejected",
        "Sec-Fetch-Site: none",
    ),
    // A script of an object that was opened through the proxy.
    (
        &[
            CHROME,
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
        ],
        "browser-rejected",
        "Sec-Fetch-Site: same-origin",
    ),
    (
        &[
            CHROME,
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "image"),
        ],
        "cross-site",
        "cross-site",
    ),
    (
        &[
            CHROME,
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
        ],
        "cross-site",
        "same-site",
    ),
    (&[("sec-fetch-mode", "navigate")], "browser-rejected", "navigate"),
    (&[("sec-fetch-dest", "document")], "browser-rejected", "document"),
    (
        &[("origin", "http://evil.example")],
        "cross-site",
        "http://evil.example",
    ),
    (&[("origin", "null")], "cross-site", "null"),
    (
        &[
            ("origin", "http://evil.example"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "x"),
        ],
        "cross-site",
        "evil",
    ),
    (
        &[
            ("origin", "http://evil.example"),
            ("access-control-request-method", "PUT"),
        ],
        "cross-site",
        "evil",
    ),
    (&[("sec-purpose", "prefetch")], "browser-rejected", "Sec-Purpose"),
    (
        &[("access-control-request-private-network", "true")],
        "browser-rejected",
        "Private-Network",
    ),
    (&[("service-worker", "script")], "browser-rejected", "Service-Worker"),
    (&[("ping-to", "http://evil.example/")], "browser-rejected", "Ping-To"),
];

#[tokio::test]
async fn browsers_are_rejected_by_what_only_they_send() {
    let mut setup = Setup::start("", "").await;
    for (fields, code, hint) in BROWSERS {
        setup.is_rejected(&EVERYWHERE, fields, code, hint).await;
    }
}

#[tokio::test]
async fn browsers_are_rejected_where_they_send_no_metadata() {
    // No referrer: a page can leave it out.
    let image: Fields = &[CHROME, LANGUAGE, ("accept", "image/*")];
    let navigation: Fields = &[("upgrade-insecure-requests", "1")];
    let silent = [By::Name, By::Exposed, By::Forward];
    let mut setup = Setup::start("", "").await;
    for fields in [image, navigation] {
        setup
            .is_rejected(
                &silent,
                fields,
                "browser-rejected",
                "user_agents = \"pass\" in [server.browsers]",
            )
            .await;
        // An old program by loopback, such as VBA's XMLHTTP.
        setup.passes("loopback", &[By::Loopback], fields).await;
    }
    let mut setup = Setup::start("[server.browsers]\nuser_agents = \"pass\"", "").await;
    for fields in [image, navigation] {
        setup.passes("user_agents", &EVERYWHERE, fields).await;
    }
    for by in EVERYWHERE {
        // What it gets is still nobody's page.
        assert_is_no_page(&setup.send(by, Version::Http1, "GET", image).await);
    }
}
