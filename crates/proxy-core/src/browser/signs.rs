//! What only browsers send.
//!
//! Scripts can set no field that begins with `Sec-` or `Access-Control-Request-`, no `Origin`, and none of the others here
//! (Fetch, "forbidden request-header"), so a page can neither add them to another's request nor leave them out of its own.
//!
//! Programs that send some of them are no browsers: Node's `fetch` and `WebSocket` send a `Sec-Fetch-Mode` without a
//! `Sec-Fetch-Site`, clients of WebSocket send `Sec-WebSocket-*` without an `Origin`, and old ones a `Referer`, which is no sign at all since a
//! page can leave it out.

use std::fmt;

use http::header::{ACCEPT_LANGUAGE, UPGRADE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::admit::HostPort;

/// Modes that Node's `fetch` and `WebSocket` show too. Browsers never send them without `Sec-Fetch-Site`, nor the last one
/// without `Origin`.
const MODES_OF_PROGRAMS: [&str; 4] = ["cors", "no-cors", "same-origin", "websocket"];

/// Values are shown up to this length in hints.
const SHOWN: usize = 80;

/// A field that shows a browser.
#[derive(Debug)]
pub(super) struct Sign {
    pub(super) kind: Kind,
    field: String,
}

/// What a sign shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A page of an origin other than the one that is called.
    OtherOrigin,
    /// A browser, whoever made it send the request.
    Browser,
    /// What some programs look like too.
    UserAgent,
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)
    }
}

/// The field by which a request is a browser's, wherever it is sent.
pub(super) fn of_fetch(headers: &HeaderMap, host: Option<&HostPort>) -> Option<Sign> {
    let is_socket = is_web_socket(headers);
    let kind_of = |name: &HeaderName, value: &HeaderValue| match name.as_str() {
        "origin" if !is_own(value, host) => Some(Kind::OtherOrigin),
        // A program has no reason to name an origin in a WebSocket handshake, and no page of ours opens sockets.
        "origin" if is_socket => Some(Kind::Browser),
        "sec-fetch-site" if matches!(value.as_bytes(), b"cross-site" | b"same-site") => Some(Kind::OtherOrigin),
        "sec-fetch-mode" if MODES_OF_PROGRAMS.iter().any(|mode| value == *mode) => None,
        "sec-fetch-dest" if value == "empty" => None,
        // What a page sends by prefetching, by `<a ping>` and for a service worker.
        "purpose" | "x-purpose" | "x-moz" => is_prefetch(value).then_some(Kind::Browser),
        "ping-from" | "ping-to" | "service-worker" | "service-worker-navigation-preload" => Some(Kind::Browser),
        name if name.starts_with("sec-websocket-") => None,
        name if name.starts_with("sec-") || name.starts_with("access-control-request-") => Some(Kind::Browser),
        _ => None,
    };
    let found = headers
        .iter()
        .filter_map(|(name, value)| Some((kind_of(name, value)?, name, value)));
    // What names another page says most.
    let (kind, name, value) = found.min_by_key(|(kind, ..)| match kind {
        Kind::OtherOrigin => 0,
        Kind::Browser | Kind::UserAgent => 1,
    })?;
    Some(Sign {
        kind,
        field: shown(name, value),
    })
}

/// The field by which a request is a browser's where browsers send nothing better: plain HTTP beyond loopback.
pub(super) fn of_user_agent(headers: &HeaderMap) -> Option<Sign> {
    let field = if headers.contains_key("upgrade-insecure-requests") {
        "Upgrade-Insecure-Requests".to_owned()
    } else {
        let is_browsers = headers.get_all(USER_AGENT).iter().any(|agent| {
            let product = agent.as_bytes().trim_ascii_start();
            product
                .get(..8)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"mozilla/"))
        });
        if !is_browsers || !headers.contains_key(ACCEPT_LANGUAGE) {
            return None;
        }
        "A User-Agent of Mozilla/ with Accept-Language".to_owned()
    };
    Some(Sign {
        kind: Kind::UserAgent,
        field,
    })
}

/// Whether a browser may show the response, wherever the request was sent and whether it passes or not.
pub(super) fn may_be_shown(headers: &HeaderMap) -> bool {
    let has_metadata = headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
    has_metadata || of_fetch(headers, None).is_some() || of_user_agent(headers).is_some()
}

/// Whether the request wants to become a WebSocket.
pub(super) fn is_web_socket(headers: &HeaderMap) -> bool {
    let is_named = |value: &HeaderValue| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    };
    headers.get_all(UPGRADE).iter().any(is_named)
        || headers.get_all("sec-fetch-mode").iter().any(|mode| mode == "websocket")
        || headers.keys().any(|name| name.as_str().starts_with("sec-websocket-"))
}

/// Whether the origin is the one that is called. Listeners speak plain HTTP, so its scheme is `http`.
fn is_own(origin: &HeaderValue, host: Option<&HostPort>) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
    match (authority.and_then(HostPort::parse), host) {
        (Some(own), Some(host)) => own.host() == host.host() && own.port_or(80) == host.port_or(80),
        _ => false,
    }
}

fn is_prefetch(value: &HeaderValue) -> bool {
    ["prefetch", "prerender", "preview"]
        .iter()
        .any(|purpose| value == *purpose)
}

/// The field as people know it: `sec-fetch-site` is `Sec-Fetch-Site`.
fn shown(name: &HeaderName, value: &HeaderValue) -> String {
    let mut field = String::new();
    let mut is_first = true;
    for letter in name.as_str().chars() {
        field.push(if is_first { letter.to_ascii_uppercase() } else { letter });
        is_first = letter == '-';
    }
    match value.to_str() {
        Ok(value) if !value.is_empty() && value.len() <= SHOWN => format!("{field}: {value}"),
        _ => field,
    }
}
