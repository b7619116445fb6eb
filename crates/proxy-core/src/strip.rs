//! What must not pass: headers that belong to one hop, to the client's own signature, or to us; and what binds a client to a
//! server beyond one request, for here many clients share one identity, and many services one name.

mod trailers;

use http::header::{CONTENT_LENGTH, FORWARDED, HOST};
use http::{HeaderMap, HeaderName};
use proxy_config::PassFields;
use signer::{clean_headers, remove_hop_by_hop};

pub(crate) use trailers::trailers;

/// Ours: for talking with clients, never with services.
const OWN_PREFIX: &str = "x-signing-proxy-";

/// What a client keeps of the servers and pages it has been to. All names and ports of one machine share their cookies, so
/// those of other programs come along, and a referrer may have a secret in its query. An `Origin` that came this far is
/// the proxy's own, one that the proxy itself gave its consent to, or a matter between a back end and its pages, and what
/// browsers say of themselves is for the proxy.
const OF_CLIENTS: [&str; 13] = [
    "cookie",
    "cookie2",
    "dnt",
    "origin",
    "ping-from",
    "ping-to",
    "purpose",
    "referer",
    "service-worker",
    "service-worker-navigation-preload",
    "upgrade-insecure-requests",
    "x-moz",
    "x-purpose",
];

/// What a service would leave behind in a client: state that goes with every later request to the proxy's name, whichever
/// connection that is for, or another place for those to go.
///
/// Sources: RFC 6265 and 2965 (cookies), 7838 (`Alt-Svc`), 6797 (HSTS), 7469 and 9163 (pins); Clear Site Data; Network
/// Error Logging and Reporting; Service Workers; HTML (`Refresh`, speculation rules); Source Map; Client Hints; `FedCM`
/// (`Set-Login`).
const OF_SERVICES: [&str; 18] = [
    "accept-ch",
    "alt-svc",
    "clear-site-data",
    "critical-ch",
    "expect-ct",
    "nel",
    "public-key-pins",
    "public-key-pins-report-only",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie",
    "set-cookie2",
    "set-login",
    "sourcemap",
    "speculation-rules",
    "strict-transport-security",
];

/// Removes what must not reach the service, and makes the rest fit for signing. What is left is signed or not, but sent.
///
/// Besides what [`clean_headers`] removes: `Host` and `Content-Length`, which the next steps decide anew, and what is
/// between the client and us. `X-Forwarded-*` would only mislead: some S3 servers verify signatures against
/// `X-Forwarded-Host`.
pub fn request_headers(headers: &mut HeaderMap, pass: PassFields) {
    clean_headers(headers);
    for name in [HOST, CONTENT_LENGTH, FORWARDED] {
        headers.remove(name);
    }
    remove_where(headers, |name| {
        name.starts_with(OWN_PREFIX)
            || name.starts_with("proxy-")
            || name.starts_with("x-forwarded-")
            || (is_of_clients(name) && !pass.passes(name))
    });
}

/// Removes the same hop's headers for a request that is passed on with its own signature, and the rest but for what that
/// signature covers. `query` is the request's.
pub(crate) fn presigned_request_headers(headers: &mut HeaderMap, query: Option<&str>, pass: PassFields) {
    remove_hop_by_hop(headers);
    for name in [HOST, CONTENT_LENGTH] {
        headers.remove(name);
    }
    remove_where(headers, |name| {
        name.starts_with(OWN_PREFIX)
            || name.starts_with("proxy-")
            || (is_of_clients(name) && !pass.passes(name) && !is_signed(name, query))
    });
}

/// Removes what belongs to the connection with the service, what only we may say to a client, and what would stay there.
pub(crate) fn response_headers(headers: &mut HeaderMap, pass: PassFields) {
    remove_hop_by_hop(headers);
    remove_where(headers, |name| {
        name.starts_with(OWN_PREFIX) || (is_of_services(name) && !pass.passes(name))
    });
}

fn is_of_clients(name: &str) -> bool {
    OF_CLIENTS.contains(&name) || name.starts_with("sec-") || name.starts_with("access-control-request-")
}

fn is_of_services(name: &str) -> bool {
    OF_SERVICES.contains(&name) || name == "x-sourcemap" || name.starts_with("sec-")
}

/// Whether a signature in the query covers the header. The names stand between semicolons, which may be escaped; a
/// spelling that is not read here makes the signature wrong at worst.
fn is_signed(name: &str, query: Option<&str>) -> bool {
    let parameters = query.unwrap_or_default().split('&');
    let mut signed = parameters.filter_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.eq_ignore_ascii_case("X-Amz-SignedHeaders").then_some(value)
    });
    signed.any(|value| {
        let value = value.to_ascii_lowercase().replace("%3b", ";").replace("%2d", "-");
        value.split(';').any(|signed| signed == name)
    })
}

fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(strip: impl Fn(&mut HeaderMap), headers: &[(&'static str, &str)]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        strip(&mut map);
        let mut left: Vec<_> = map.keys().map(ToString::to_string).collect();
        left.sort();
        left
    }

    fn request(headers: &mut HeaderMap) {
        request_headers(headers, PassFields::default());
    }

    fn response(headers: &mut HeaderMap) {
        response_headers(headers, PassFields::default());
    }

    fn presigned(query: Option<&str>) -> impl Fn(&mut HeaderMap) {
        move |headers| presigned_request_headers(headers, query, PassFields::default())
    }

    const ALL: PassFields = PassFields {
        cookie: true,
        referer: true,
        set_cookie: true,
    };

    #[test]
    fn what_connection_names_goes_with_it() {
        let headers = [
            ("connection", "X-Amz-Meta-A, close"),
            ("connection", "keep-alive,  x-b"),
            ("x-amz-meta-a", "1"),
            ("x-b", "2"),
            ("x-c", "3"),
        ];
        assert_eq!(names(request, &headers), ["x-c"]);
        assert_eq!(names(response, &headers), ["x-c"]);
    }

    #[test]
    fn a_garbled_connection_header_removes_only_itself() {
        assert_eq!(names(request, &[("connection", ",,a b,\t"), ("x-c", "3")]), ["x-c"]);
    }

    #[test]
    fn requests_lose_hop_client_authentication_and_own_headers() {
        let headers = [
            ("accept-encoding", "gzip"),
            ("authorization", "x"),
            ("content-length", "3"),
            ("content-type", "text/plain"),
            ("expect", "100-continue"),
            ("forwarded", "for=1"),
            ("host", "h"),
            ("http2-settings", "x"),
            ("keep-alive", "1"),
            ("proxy-authorization", "x"),
            ("proxy-connection", "x"),
            ("proxy-x", "x"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("user-agent", "curl"),
            ("x-amz-acl", "private"),
            ("x-amz-content-sha256", "x"),
            ("x-amz-date", "x"),
            ("x-amz-s3session-token", "x"),
            ("x-amz-security-token", "x"),
            ("x-forwarded-host", "x"),
            ("x-signing-proxy-connection", "x"),
        ];
        let left = ["accept-encoding", "content-type", "user-agent", "x-amz-acl"];
        assert_eq!(names(request, &headers), left);
    }

    #[test]
    fn a_presigned_request_keeps_what_it_may_have_signed() {
        let headers = [
            ("host", "h"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-signing-proxy-x", "1"),
        ];
        assert_eq!(names(presigned(None), &headers), ["x-amz-content-sha256"]);
    }

    #[test]
    fn responses_lose_hop_headers_only() {
        let headers = [
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("x-amz-request-id", "1"),
            ("www-authenticate", "x"),
            ("x-signing-proxy-error", "faked"),
        ];
        let left = ["content-length", "www-authenticate", "x-amz-request-id"];
        assert_eq!(names(response, &headers), left);
    }

    const OF_A_BROWSER: [(&str, &str); 12] = [
        ("accept-language", "en"),
        ("access-control-request-method", "GET"),
        ("cookie", "session=other-program"),
        ("dnt", "1"),
        ("origin", "http://localhost:8080"),
        ("purpose", "prefetch"),
        ("referer", "http://intranet/?token=secret"),
        ("sec-ch-ua", "x"),
        ("sec-fetch-mode", "cors"),
        ("sec-websocket-key", "x"),
        ("upgrade-insecure-requests", "1"),
        ("user-agent", "Mozilla/5.0"),
    ];

    #[test]
    fn what_a_client_keeps_of_other_servers_does_not_reach_the_service() {
        assert_eq!(names(request, &OF_A_BROWSER), ["accept-language", "user-agent"]);
        let passed = names(|headers| request_headers(headers, ALL), &OF_A_BROWSER);
        assert_eq!(passed, ["accept-language", "cookie", "referer", "user-agent"]);
    }

    #[test]
    fn a_presigned_request_keeps_what_it_has_signed() {
        let kept = |query| names(presigned(query), &OF_A_BROWSER);
        let unsigned = ["accept-language", "user-agent"];
        assert_eq!(kept(None), unsigned);
        assert_eq!(kept(Some("X-Amz-SignedHeaders=host&a=referer;cookie")), unsigned);
        for query in [
            "X-Amz-SignedHeaders=cookie%3bhost%3Breferer&X-Amz-Signature=s",
            "a=b&x-amz-signedheaders=Cookie;host;referer",
        ] {
            let signed = ["accept-language", "cookie", "referer", "user-agent"];
            assert_eq!(kept(Some(query)), signed, "{query}");
        }
    }

    #[test]
    fn what_a_service_leaves_in_clients_does_not_reach_them() {
        let mut headers: Vec<(&'static str, &str)> = OF_SERVICES.iter().map(|name| (*name, "x")).collect();
        headers.extend([
            ("etag", "x"),
            ("link", "x"),
            ("location", "x"),
            ("sec-session-registration", "x"),
            ("x-amz-meta-set-cookie", "x"),
            ("x-sourcemap", "x"),
        ]);
        let kept = ["etag", "link", "location", "x-amz-meta-set-cookie"];
        assert_eq!(names(response, &headers), kept);
        let passed = names(|headers| response_headers(headers, ALL), &headers);
        assert_eq!(
            passed,
            ["etag", "link", "location", "set-cookie", "x-amz-meta-set-cookie"]
        );
    }
}
