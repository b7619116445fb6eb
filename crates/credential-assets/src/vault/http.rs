//! Requests to a vault: JSON over HTTP/1.1, each exchange bounded in time and size.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use ::http::{Method, Request, StatusCode, Uri};
use auth_model::Secret;
use bytes::Bytes;
use egress::{ConnectError, Connector, DialSettings, Protocols, TlsSettings, TrustedRoots, find_source};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::problem::VaultProblem;
use super::settings::{InvalidVaultSettings, VaultSettings};
use crate::call::{CallObserver, CallOutcome, CallTarget, CallTimer};
use crate::value;

/// The largest response, in bytes: what vaults themselves take as the largest secret.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// Unused connections are closed before a vault's or a load balancer's own limits.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Agents in front of a vault may insist on it: no web page can make a browser send it.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// One vault.
pub(super) struct Http {
    client: Client<Connector, Full<Bytes>>,
    address: String,
    headers: HeaderMap,
    timeout: Duration,
    observer: Option<Arc<dyn CallObserver>>,
}

/// A response. Its strings are wiped on drop: most are secrets.
pub(super) struct VaultResponse {
    pub(super) status: StatusCode,
    /// `Null` where there was no body.
    pub(super) json: Value,
}

impl Drop for VaultResponse {
    fn drop(&mut self) {
        value::wipe(&mut self.json);
    }
}

impl Http {
    pub(super) fn new(
        settings: &VaultSettings,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Self, InvalidVaultSettings> {
        let tls = tls(&settings.extra_roots_pem)?;
        // Always directly: an HTTP proxy for AWS's services need not lead to a vault.
        let connector = Connector::new(&tls, Protocols::Http1, DialSettings::new(settings.timeout));
        let mut headers = HeaderMap::from_iter([(REQUEST, HeaderValue::from_static("true"))]);
        if let Some(namespace) = &settings.namespace {
            let value = HeaderValue::from_str(namespace).map_err(|_| InvalidVaultSettings::Namespace)?;
            headers.insert(NAMESPACE, value);
        }
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(POOL_IDLE_TIMEOUT)
                .build(connector),
            address: base(&settings.address).ok_or(InvalidVaultSettings::Address)?,
            headers,
            timeout: settings.timeout,
            observer,
        })
    }

    pub(super) async fn get(&self, path: &str, token: &Secret) -> Result<VaultResponse, VaultProblem> {
        self.call(Method::GET, path, Some(token), Bytes::new()).await
    }

    pub(super) async fn post(
        &self,
        path: &str,
        token: Option<&Secret>,
        body: &Value,
    ) -> Result<VaultResponse, VaultProblem> {
        self.call(Method::POST, path, token, body.to_string().into()).await
    }

    /// One exchange; `path` follows `/v1/` and is percent-encoded.
    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Bytes,
    ) -> Result<VaultResponse, VaultProblem> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        // Paths are encoded and mounts are checked, so this is a defect of ours at most.
        let uri = format!("{}/v1/{path}", self.address).parse();
        *request.uri_mut() = uri.map_err(|_| VaultProblem::Missing)?;
        request.headers_mut().extend(self.headers.clone());
        if let Some(token) = token {
            // A token with a line end in it can be no token.
            let mut value =
                HeaderValue::from_str(token.expose()).map_err(|_| VaultProblem::LoginRejected { status: 403 })?;
            value.set_sensitive(true);
            request.headers_mut().insert(TOKEN, value);
        }
        let timer = CallTimer::start(self.observer.as_ref(), CallTarget::Asset("vault"));
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| unreachable(&error))?;
            let status = response.status();
            let json = json(status, response.into_body()).await?;
            Ok(VaultResponse { status, json })
        };
        let outcome = timeout(self.timeout, exchange)
            .await
            .unwrap_or(Err(VaultProblem::TimedOut));
        timer.end(match &outcome {
            Ok(response) => CallOutcome::of_status(response.status.as_u16()),
            Err(VaultProblem::TimedOut) => CallOutcome::TimedOut,
            Err(VaultProblem::UnreadableResponse { .. }) => CallOutcome::Failed,
            Err(_) => CallOutcome::Unreachable,
        });
        outcome
    }
}

impl VaultResponse {
    /// The response, where it is a success; what 403 and 404 mean depends on the request.
    pub(super) fn success(self) -> Result<Self, VaultProblem> {
        match self.status {
            status if status.is_success() => Ok(self),
            StatusCode::SERVICE_UNAVAILABLE => Err(VaultProblem::Sealed),
            StatusCode::FORBIDDEN => Err(VaultProblem::Denied),
            StatusCode::NOT_FOUND => Err(VaultProblem::Missing),
            status => Err(VaultProblem::Status {
                status: status.as_u16(),
            }),
        }
    }

    /// What a success without the expected content is.
    pub(super) fn unreadable(&self) -> VaultProblem {
        VaultProblem::UnreadableResponse {
            status: self.status.as_u16(),
        }
    }
}

async fn json(status: StatusCode, mut body: Incoming) -> Result<Value, VaultProblem> {
    let unreadable = || VaultProblem::UnreadableResponse {
        status: status.as_u16(),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreachable(&error))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > MAX_RESPONSE_BYTES {
                return Err(unreadable());
            }
            bytes.extend_from_slice(data);
        }
    }
    if bytes.is_empty() || !status.is_success() {
        // Nothing of an error's text is used, and a load balancer's is not JSON.
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).map_err(|_| unreadable())
}

/// `scheme://host[:port]` without a slash at its end.
fn base(address: &Uri) -> Option<String> {
    let scheme = address
        .scheme_str()
        .filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let is_bare = matches!(address.path(), "" | "/") && address.query().is_none();
    let authority = address
        .authority()
        .filter(|authority| is_bare && !authority.as_str().contains('@'))?;
    Some(format!("{scheme}://{authority}"))
}

/// What the network stack says at the bottom of it: "connection refused", "invalid peer certificate".
fn unreachable(error: &(dyn Error + 'static)) -> VaultProblem {
    if let Some(ConnectError::TimedOut) = find_source(error) {
        return VaultProblem::TimedOut;
    }
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    VaultProblem::Unreachable {
        reason: cause.to_string(),
    }
}

/// TLS that trusts the platform's roots and the extra ones.
fn tls(extra_roots_pem: &[u8]) -> Result<TlsSettings, InvalidVaultSettings> {
    // What cannot be read of the platform's is reported where the upstreams' trust is set up.
    let roots = TrustedRoots::platform().with_extra_pem(extra_roots_pem);
    TlsSettings::new(roots.map_err(|_| InvalidVaultSettings::Roots)?).map_err(|_| InvalidVaultSettings::Tls)
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
