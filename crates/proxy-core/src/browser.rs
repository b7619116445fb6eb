//! Keeps web browsers away from the proxy's identity.
//!
//! A page anywhere can make the browser beside the proxy send requests: by a link, an image, a form, a script, or a name
//! of its own that resolves to the proxy's address. So there is one rule, for each listener and both modes:
//!
//! **A request that only a browser sends is rejected, unless its `Origin` is in `[server.browsers] origins` and its mode
//! is `cors`.** What only a browser sends is in `signs`. The proxy serves no pages, so "the same origin" is no excuse:
//! such a page is an object that somebody opened through the proxy.
//!
//! Where nothing but a back end reaches the proxy, `mode = "pass"` switches that off: what such a back end passes on of its
//! users' browsers is theirs, and so are the pages it makes of the responses. The admin listener has the rule always.
//!
//! What does get a response gets one that no browser runs as a page ([`ResponseGuard`]), and the names under which the
//! proxy may be reached are a list ([`OwnNames`]), which a rebound name is not on.

mod names;
mod response;
mod signs;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use proxy_config::{BrowserMode, Config, UserAgents, WebOrigin};
use resource_limits::ListenerRole;

use crate::admit::HostPort;
use crate::error::{ErrorCode, ProxyError};

pub use names::{OwnName, OwnNames};
pub use response::ResponseGuard;
use signs::{Kind, Sign};

/// Who may call although browsers may not, and where browsers are hard to recognise.
#[derive(Debug)]
pub struct Browsers {
    mode: BrowserMode,
    /// `None` where there is nothing for pages.
    origins: Option<Vec<WebOrigin>>,
    user_agents: UserAgents,
    /// Listeners that other machines reach without TLS and without client authentication.
    exposed: Vec<ListenerRole>,
}

/// Who sends a request.
#[derive(Debug)]
pub enum Caller {
    /// No browser, as far as the request shows; or it makes no difference.
    Program,
    /// A page of a listed origin.
    Page(ListedPage),
}

/// A request of a page that may use the proxy.
#[derive(Debug)]
pub struct ListedPage {
    /// As the browser wrote it, which is as the configuration has it.
    origin: HeaderValue,
    /// The browser only wants to know whether it may send the request.
    preflight: Option<Preflight>,
}

/// What a browser wants to be allowed to send.
#[derive(Debug)]
struct Preflight {
    method: HeaderValue,
    headers: Option<HeaderValue>,
    private_network: bool,
}

impl Browsers {
    /// The rule for the listeners that sign.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let shared = config.server.listen.map(|address| (ListenerRole::Shared, address));
        let own = config.connections.iter().filter_map(|(name, connection)| {
            let address = connection.listen?;
            Some((ListenerRole::Connection(name.clone()), address))
        });
        let admin = config.server.admin.map(|address| (ListenerRole::Admin, address));
        Self {
            mode: config.server.browsers.mode,
            origins: Some(config.server.browsers.origins.clone()),
            user_agents: config.server.browsers.user_agents,
            exposed: shared
                .into_iter()
                .chain(own)
                .chain(admin)
                .filter(|(_, address)| !address.ip().to_canonical().is_loopback())
                .map(|(role, _)| role)
                .collect(),
        }
    }

    /// The same rule for the admin listener, which has nothing for pages of any origin, nor for back ends.
    #[must_use]
    pub fn without_pages(config: &Config) -> Self {
        Self {
            mode: BrowserMode::Reject,
            origins: None,
            ..Self::new(config)
        }
    }

    /// Who sends the request, whose host is `host`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CrossSite`] for a page of another origin, [`ErrorCode::BrowserRejected`] for any other browser.
    pub fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
        host: Option<&HostPort>,
        listener: &ListenerRole,
    ) -> Result<Caller, ProxyError> {
        // Browsers send fetch metadata to trustworthy URLs only: over TLS, or on loopback. And old ones send none at all,
        // which is the risk of whoever lets other machines in.
        let is_silent = self.exposed.contains(listener) || host.is_some_and(|host| !host.is_loopback());
        let sign = signs::of_fetch(headers, host).or_else(|| {
            let counts = is_silent && self.user_agents == UserAgents::Reject;
            counts.then(|| signs::of_user_agent(headers)).flatten()
        });
        let Some(sign) = sign else {
            return Ok(Caller::Program);
        };
        match (self.listed(headers), self.mode) {
            (Some(origin), _) if is_cors(headers, is_silent) => Ok(Caller::Page(ListedPage {
                origin: origin.clone(),
                preflight: Preflight::of(method, headers),
            })),
            (_, BrowserMode::Pass) => Ok(Caller::Program),
            (Some(origin), BrowserMode::Reject) => Err(not_cors(origin)),
            (None, BrowserMode::Reject) => Err(self.rejection(&sign, headers)),
        }
    }

    /// For the response to a request with these header fields. Nothing is added for a back end, whose pages may well be
    /// made of the service's objects.
    #[must_use]
    pub fn response_guard(&self, headers: &HeaderMap) -> ResponseGuard {
        match self.mode {
            BrowserMode::Reject => ResponseGuard::of(headers),
            BrowserMode::Pass => ResponseGuard::default(),
        }
    }

    /// The request's one `Origin`, where it is listed.
    fn listed<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return None;
        };
        let is_listed = self
            .origins
            .iter()
            .flatten()
            .any(|known| known.as_str().as_bytes() == origin.as_bytes());
        is_listed.then_some(origin)
    }

    fn rejection(&self, sign: &Sign, headers: &HeaderMap) -> ProxyError {
        let (code, who) = match sign.kind {
            Kind::OtherOrigin => (ErrorCode::CrossSite, "a page of another origin"),
            Kind::Browser | Kind::UserAgent => (ErrorCode::BrowserRejected, "a web browser"),
        };
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let key = match (sign.kind, origin.and_then(|origin| origin.parse::<WebOrigin>().ok())) {
            (Kind::UserAgent, _) => {
                " A program on a browser's HTTP stack passes with user_agents = \"pass\" in [server.browsers]."
                    .to_owned()
            }
            _ if self.origins.is_none() => String::new(),
            (_, Some(origin)) => format!(
                " Pages of \"{}\" may use fetch with CORS where origins of [server.browsers] lists it.",
                origin.as_str()
            ),
            (_, None) => {
                " Pages may use fetch with CORS where origins of [server.browsers] lists their origin.".to_owned()
            }
        };
        let back_end = match self.origins {
            None => "",
            Some(_) => {
                " Where nothing but a back end reaches the proxy, mode = \"pass\" in [server.browsers] lets it pass on what \
                 browsers send."
            }
        };
        ProxyError::new(code).with_hint(format!(
            "{sign} shows {who}. Call the proxy from a program, not from a web page.{key}{back_end}"
        ))
    }
}

impl Preflight {
    /// Source: Fetch, section "CORS-preflight request".
    fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        if method != Method::OPTIONS {
            return None;
        }
        Some(Self {
            method: headers.get("access-control-request-method")?.clone(),
            headers: headers.get("access-control-request-headers").cloned(),
            private_network: headers.contains_key("access-control-request-private-network"),
        })
    }
}

impl ListedPage {
    /// The whole response to a preflight, which is the proxy's: the service is not called. [`ResponseGuard`] adds what it
    /// says. `None` for any other request.
    pub fn preflight_response(&self) -> Option<Response<Bytes>> {
        self.preflight.as_ref()?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Some(response)
    }
}

/// Whether the page sent the request by `fetch` or `XMLHttpRequest` with CORS, so that it cannot be a navigation, an image
/// or a form of that page's. Browsers that send no mode show their navigations by `Upgrade-Insecure-Requests`.
fn is_cors(headers: &HeaderMap, is_silent: bool) -> bool {
    let mut modes = headers.get_all("sec-fetch-mode").iter().peekable();
    if modes.peek().is_some() {
        return modes.all(|mode| mode == "cors") && !signs::is_web_socket(headers);
    }
    is_silent
        && !headers.contains_key("sec-fetch-site")
        && !headers.contains_key("upgrade-insecure-requests")
        && !signs::is_web_socket(headers)
}

fn not_cors(origin: &HeaderValue) -> ProxyError {
    let origin = origin.to_str().unwrap_or_default();
    ProxyError::new(ErrorCode::BrowserRejected).with_hint(format!(
        "Pages of \"{origin}\" are in origins of [server.browsers], but may use the proxy only by fetch or XMLHttpRequest \
         with mode \"cors\": not by links, forms, images, scripts and sockets."
    ))
}
