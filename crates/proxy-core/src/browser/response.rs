//! What a response to a browser must carry, whoever made the response.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_SECURITY_POLICY,
    CONTENT_SECURITY_POLICY_REPORT_ONLY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{ListedPage, signs};

/// Nothing is loaded, no script runs, and the response's origin is none.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// How long a browser may remember a preflight, in seconds. Short, so that a reload that removes an origin is soon felt.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Decided from a request's head, applied to its response, rejections included.
#[derive(Debug, Default)]
pub struct ResponseGuard {
    may_be_shown: bool,
    page: Option<ListedPage>,
}

impl ResponseGuard {
    /// For the response to a request with these header fields.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            may_be_shown: signs::may_be_shown(headers),
            page: None,
        }
    }

    /// From now on it lets this page read the response.
    pub fn let_read(&mut self, page: ListedPage) {
        self.page = Some(page);
    }

    /// Writes what the browser has to know into the response's head, in place of what the service says of it.
    pub fn apply(self, headers: &mut HeaderMap) {
        if self.may_be_shown {
            headers.remove(CONTENT_SECURITY_POLICY_REPORT_ONLY);
            headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        if let Some(page) = self.page {
            page.let_read(headers);
        }
    }
}

impl ListedPage {
    fn let_read(self, headers: &mut HeaderMap) {
        let is_cors = |name: &&HeaderName| name.as_str().starts_with("access-control-");
        let of_service: Vec<_> = headers.keys().filter(is_cors).cloned().collect();
        for name in of_service {
            headers.remove(name);
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(preflight) = self.preflight else {
            // Everything, since no page sends credentials of its own. Source: Fetch, "CORS protocol", exposed headers.
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
            return;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, preflight.method);
        if let Some(wanted) = preflight.headers {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        }
        if preflight.private_network {
            headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}
