//! The listener for operators and probes: `/livez`, `/readyz`, `/version`, `/metrics`.
//!
//! It changes nothing and shows no secret: connections by name, service and region, and whether their credentials are
//! valid. `GET` and `HEAD` only; browsers are kept out as on the other listeners, and there are no origins that may in.
//!
//! **Ready** means: the listeners are up and no shutdown has begun. A connection without credentials does not make
//! the proxy unready, for it serves the others, and its own clients are better off with a response that says why than
//! with none; `/readyz?connection=NAME` checks that one connection as well. Failing to renew while the held set
//! is still valid counts as valid; so does failing to load another configuration while the one before serves, which is
//! reported beside it.

mod guard;
mod loads;
mod report;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth_model::{Connection, ConnectionName};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use http_server::{AmbiguousHead, CloseConnection, Handler, Peer};
use hyper::body::{Body as _, Incoming};
use proxy_core::browser::ResponseGuard;
use proxy_core::error::{ERROR_HEADER, ErrorCode, ProxyError};
use proxy_core::metrics::{Exposition, Metrics};
use sts_client::CredentialSource;

pub(crate) use guard::Guard;
pub(crate) use loads::Loads;

/// Whether the proxy wants new requests; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// From now on `/readyz` fails.
    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Release);
    }

    pub(crate) fn holds(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A connection as `/readyz` reports it.
#[derive(Clone, Debug)]
pub(crate) struct WatchedConnection {
    pub(crate) connection: Connection,
    pub(crate) source: CredentialSource,
}

/// Responds to operators and probes.
#[derive(Debug)]
pub(crate) struct Admin {
    readiness: Readiness,
    connections: Vec<WatchedConnection>,
    metrics: Metrics,
    guard: Guard,
    loads: Loads,
}

impl Admin {
    pub(crate) fn new(
        readiness: Readiness,
        connections: Vec<WatchedConnection>,
        metrics: Metrics,
        guard: Guard,
        loads: Loads,
    ) -> Self {
        Self {
            readiness,
            connections,
            metrics,
            guard,
            loads,
        }
    }

    fn respond<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let response_guard = ResponseGuard::of(request.headers());
        let verdict = match request.extensions().get::<AmbiguousHead>() {
            Some(found) => Err(ProxyError::from(*found)),
            None => self.guard.check(request),
        };
        let mut response = match verdict {
            Ok(()) => self.report(request),
            Err(error) => error_response(&error),
        };
        response_guard.apply(response.headers_mut());
        response
    }

    fn report<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = error_response(&ErrorCode::MethodNotAllowed.into());
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "text/plain; charset=utf-8", "ok\n"),
            "/readyz" => self.readyz(request.uri().query()),
            "/metrics" => match self.metrics(request) {
                Ok(metrics) => metrics,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "metrics cannot be written");
                    error_response(&ErrorCode::Internal.into())
                }
            },
            "/version" => text(StatusCode::OK, "application/json", format!("{:#}\n", report::version())),
            _ => error_response(&ErrorCode::PathUnknown.into()),
        }
    }

    /// In the form that the client prefers.
    fn metrics<B>(&self, request: &Request<B>) -> Result<Response<Full<Bytes>>, fmt::Error> {
        let form = Exposition::choose(request.headers());
        let mut response = text(StatusCode::OK, form.content_type(), self.metrics.encode_as(form)?);
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }

    fn readyz(&self, query: Option<&str>) -> Response<Full<Bytes>> {
        let named = match query.and_then(|query| query.strip_prefix("connection=")) {
            Some(name) => match self.named(name) {
                Some(watched) => Some(watched),
                None => return error_response(&ErrorCode::ConnectionUnknown.into()),
            },
            None => None,
        };
        let holds = self.readiness.holds();
        let is_ready = holds && named.is_none_or(|watched| watched.source.state().is_serving());
        let status = if is_ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let connections = named.map_or(self.connections.as_slice(), std::slice::from_ref);
        let report = report::readiness(is_ready, holds, connections, &self.loads.report());
        text(status, "application/json", format!("{report:#}\n"))
    }

    fn named(&self, name: &str) -> Option<&WatchedConnection> {
        let name = ConnectionName::parse(name).ok()?;
        self.connections.iter().find(|watched| watched.connection.name == name)
    }
}

impl Handler<Incoming> for Admin {
    type Body = Full<Bytes>;
    /// Probes are not logged.
    type Begun = ();

    fn begin(&self, _request: &Request<Incoming>, _peer: &Peer) {}

    async fn handle(self: Arc<Self>, request: Request<Incoming>, (): ()) -> Response<Full<Bytes>> {
        let mut response = self.respond(&request);
        if request.version() < Version::HTTP_2 && !request.body().is_end_stream() {
            // Nobody reads the body: the connection ends.
            response.extensions_mut().insert(CloseConnection);
        }
        response
    }
}

fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error as all others are, but always in JSON and without an id: no log line belongs to it.
fn error_response(error: &ProxyError) -> Response<Full<Bytes>> {
    let code = error.code();
    let body = serde_json::json!({
        "error": { "code": code.name(), "message": error.to_string(), "hint": error.hint() }
    });
    let mut response = text(code.status(), "application/json", format!("{body}\n"));
    response
        .headers_mut()
        .insert(ERROR_HEADER, HeaderValue::from_static(code.name()));
    response
}

#[cfg(test)]
mod tests;
