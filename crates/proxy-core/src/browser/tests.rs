//! The rule, by what each client sends.

mod clients;

use http::{Request, Version};
use proxy_config::Environment;

use super::*;
use clients::{CHROME, LANGUAGE, METADATA, PROGRAMS};

type Fields = &'static [(&'static str, &'static str)];

/// Fields of a request to a loopback listener under its address, unless a row says otherwise.
#[derive(Clone, Copy)]
struct Case {
    server: &'static str,
    host: &'static str,
    method: &'static str,
    fields: Fields,
}

const CASE: Case = Case {
    server: "listen = \"127.0.0.1:8080\"",
    host: "127.0.0.1:8080",
    method: "GET",
    fields: &[],
};
/// A listener that other machines reach.
const EXPOSED: Case = Case {
    server: "listen = \"0.0.0.0:8080\"\nallow_unauthenticated_clients = true",
    host: "10.0.0.7:8080",
    ..CASE
};
const LISTED: &str = "\n[server.browsers]\norigins = [\"https://app.example\", \"http://localhost:3000\"]\n";
const LENIENT: &str = "\n[server.browsers]\nuser_agents = \"pass\"\n";

impl Case {
    fn with(self, fields: Fields) -> Self {
        Self { fields, ..self }
    }

    fn to(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn verdict(self, more: &str) -> (Result<Caller, ProxyError>, ResponseGuard) {
        let toml = format!(
            "[server]\n{}{more}\n[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\n\
             auth = {{ method = \"default-chain\" }}",
            self.server
        );
        let config = Config::from_toml(&toml, &Environment::empty()).unwrap();
        let mut request = Request::builder().method(self.method).version(Version::HTTP_11);
        for (name, value) in self.fields {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let host = HostPort::parse(self.host);
        let caller = Browsers::new(&config).check(&head.method, &head.headers, host.as_ref(), &ListenerRole::Shared);
        (caller, ResponseGuard::of(&head.headers))
    }

    #[track_caller]
    fn passes(self) {
        let (verdict, _) = self.verdict("");
        assert!(matches!(verdict, Ok(Caller::Program)), "{:?}: {verdict:?}", self.fields);
    }

    /// It is rejected so, with this in the hint, and the response is nothing that a browser runs.
    #[track_caller]
    fn is_rejected(self, code: ErrorCode, hint: &str) {
        self.is_rejected_with("", code, hint);
    }

    #[track_caller]
    fn is_rejected_with(self, more: &str, code: ErrorCode, hint: &str) {
        let (verdict, guard) = self.verdict(more);
        let error = verdict.expect_err("it is a browser");
        assert_eq!(error.code(), code, "{:?}", self.fields);
        assert!(error.hint().contains(hint), "{:?}: {}", self.fields, error.hint());
        assert!(error.hint().contains("[server.browsers]"), "{}", error.hint());
        let mut headers = HeaderMap::new();
        guard.apply(&mut headers);
        assert_eq!(headers["content-security-policy"], "sandbox; default-src 'none'");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

#[test]
fn programs_pass_on_every_listener_and_in_both_modes() {
    for (name, fields) in PROGRAMS {
        println!("{name}");
        for case in [
            CASE,
            CASE.to("signer.internal"),
            CASE.to("s3.eu-west-1.amazonaws.com"),
            EXPOSED,
        ] {
            case.with(fields).passes();
        }
    }
}

#[test]
fn a_programs_origin_may_be_the_requests_own() {
    for (host, origin) in [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("signer", "http://signer"),
        ("signer:80", "http://signer"),
        ("[::1]:8080", "http://[::1]:8080"),
    ] {
        let fields: Fields = Box::leak(Box::new([("origin", origin)]));
        CASE.to(host).with(fields).passes();
    }
}

#[test]
fn browsers_are_rejected_by_the_metadata_they_send_to_loopback() {
    for (fields, code, hint) in METADATA {
        for case in [CASE, EXPOSED.to(CASE.host)] {
            case.with(fields).is_rejected(code, hint);
            // No switch for user agents lets these in.
            case.with(fields).is_rejected_with(LENIENT, code, hint);
        }
    }
}

#[test]
fn browsers_are_rejected_by_their_user_agent_where_they_send_no_metadata() {
    // Safari before 16.4 anywhere; any browser to plain HTTP beyond loopback. A page can leave out the referrer.
    let image: Fields = &[CHROME, LANGUAGE, ("accept", "image/*")];
    let lower: Fields = &[("user-agent", "mozilla/5.0"), ("accept-language", "")];
    let navigation: Fields = &[
        ("upgrade-insecure-requests", "1"),
        ("user-agent", "a browser of its own"),
    ];
    // VBA's XMLHTTP, which is Internet Explorer's.
    let excel: Fields = &[
        ("accept-language", "de-DE"),
        (
            "user-agent",
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0)",
        ),
    ];
    for fields in [image, lower, navigation, excel] {
        for case in [
            EXPOSED,
            EXPOSED.to("127.0.0.1:8080"),
            CASE.to("signer.internal:8080"),
            CASE.to("signer:8080"),
            CASE.to("s3.eu-west-1.amazonaws.com"),
        ] {
            let case = case.with(fields);
            case.is_rejected(ErrorCode::BrowserRejected, "user_agents = \"pass\"");
            let (verdict, _) = case.verdict(LENIENT);
            assert!(matches!(verdict, Ok(Caller::Program)), "{fields:?}: {verdict:?}");
        }
        // On loopback browsers have metadata, and old programs have nothing else.
        CASE.with(fields).passes();
    }
}

#[test]
fn listeners_of_connections_have_the_same_rule() {
    let toml = "[server]\nallow_unauthenticated_clients = true\n\
                [connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nlisten = \"0.0.0.0:8081\"\n\
                auth = { method = \"default-chain\" }";
    let config = Config::from_toml(toml, &Environment::empty()).unwrap();
    let headers: HeaderMap = [CHROME, LANGUAGE]
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect::<HeaderMap>();
    let host = HostPort::parse("127.0.0.1:8081");
    let check = |role| Browsers::new(&config).check(&Method::GET, &headers, host.as_ref(), &role);
    let name = config.connections.keys().next().unwrap().clone();
    assert!(check(ListenerRole::Connection(name)).is_err());
    assert!(check(ListenerRole::Shared).is_ok());
}

/// What the response to the case carries, and whether it is the proxy's own.
#[track_caller]
fn readable(case: Case) -> (HeaderMap, bool) {
    let (verdict, mut guard) = case.verdict(LISTED);
    let Ok(Caller::Page(page)) = verdict else {
        panic!("{:?}: {verdict:?}", case.fields);
    };
    let preflight = page.preflight_response();
    guard.let_read(page);
    let is_own = preflight.is_some();
    let mut headers = preflight
        .map(|response| response.into_parts().0.headers)
        .unwrap_or_default();
    for (name, value) in [
        ("access-control-allow-origin", "https://other.example"),
        ("access-control-allow-credentials", "true"),
        ("content-security-policy", "script-src *"),
        ("vary", "Accept-Encoding"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    guard.apply(&mut headers);
    (headers, is_own)
}

#[test]
fn a_listed_origin_may_send_and_read_with_cors() {
    let fetch: Fields = &[
        ("origin", "https://app.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        CHROME,
        LANGUAGE,
    ];
    // Where browsers send no metadata.
    let silent: Fields = &[("origin", "https://app.example"), CHROME, LANGUAGE];
    for case in [
        CASE.with(fetch),
        EXPOSED.with(fetch),
        EXPOSED.with(silent),
        CASE.to("signer:1").with(silent),
    ] {
        let (headers, is_own) = readable(case);
        assert!(!is_own);
        assert_eq!(headers["access-control-allow-origin"], "https://app.example");
        assert_eq!(headers["access-control-expose-headers"], "*");
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert_eq!(headers["content-security-policy"], "sandbox; default-src 'none'");
        let vary: Vec<_> = headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["Accept-Encoding", "Origin"]);
    }
}

#[test]
fn a_preflight_of_a_listed_origin_gets_its_response_from_the_proxy() {
    let preflight: Fields = &[
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "content-type,x-amz-acl"),
        ("access-control-request-private-network", "true"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-dest", "empty"),
    ];
    let (headers, is_own) = readable(CASE.method("OPTIONS").with(preflight));
    assert!(is_own);
    for (name, value) in [
        ("access-control-allow-origin", "http://localhost:3000"),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-headers", "content-type,x-amz-acl"),
        ("access-control-allow-private-network", "true"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    // The same fields on another method are that request.
    let (_, is_own) = readable(CASE.with(preflight));
    assert!(!is_own);
}

#[test]
fn a_listed_origin_may_not_navigate_embed_or_open_sockets() {
    const APP: (&str, &str) = ("origin", "https://app.example");
    for fields in [
        &[APP, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")][..],
        &[APP, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        &[APP, ("sec-fetch-site", "cross-site")],
        &[APP, ("sec-fetch-mode", "cors"), ("sec-fetch-mode", "navigate")],
        &[APP, ("sec-fetch-mode", "websocket"), ("upgrade", "websocket")],
        &[APP, ("sec-fetch-mode", "cors"), ("upgrade", "websocket")],
        // A form of a browser that says no mode.
        &[APP, ("upgrade-insecure-requests", "1")],
    ] {
        let fields: Fields = Box::leak(fields.to_vec().into_boxed_slice());
        for case in [CASE, EXPOSED] {
            let case = case.method("POST").with(fields);
            case.is_rejected_with(LISTED, ErrorCode::BrowserRejected, "with mode \"cors\"");
        }
    }
    // To loopback every browser says its mode.
    let silent: Fields = &[APP];
    CASE.with(silent)
        .is_rejected_with(LISTED, ErrorCode::BrowserRejected, "with mode \"cors\"");
}

#[test]
fn no_other_origin_is_taken_for_a_listed_one() {
    for origin in [
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil",
        "https://evil.app.example",
        "https://APP.example",
        "https://app.example/",
        "null",
    ] {
        let fields: Fields = Box::leak(Box::new([("origin", origin), ("sec-fetch-mode", "cors")]));
        CASE.with(fields)
            .is_rejected_with(LISTED, ErrorCode::CrossSite, "Origin");
    }
    let twice: Fields = &[
        ("origin", "https://app.example"),
        ("origin", "https://app.example"),
        ("sec-fetch-mode", "cors"),
    ];
    CASE.with(twice)
        .is_rejected_with(LISTED, ErrorCode::CrossSite, "Origin");
}

#[test]
fn what_is_no_browsers_request_gets_no_more_than_the_service_says() {
    let (_, guard) = CASE.with(&[("user-agent", "curl/8")]).verdict(LISTED);
    let mut headers = HeaderMap::new();
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    guard.apply(&mut headers);
    assert_eq!(headers.len(), 1);
    // Node's fetch shows metadata, and may have it.
    let (_, guard) = CASE.with(&[("sec-fetch-mode", "cors")]).verdict("");
    guard.apply(&mut headers);
    assert_eq!(headers["x-content-type-options"], "nosniff");
}
