//! Connections for the pool: opened where the host's circuit allows it, counted, and of the HTTP version that is needed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use egress::{Connection, Connector};
use http::Uri;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::error::PoolConnectError;
use super::multiplexed::ServiceConnection;
use crate::metrics::UpstreamTally;
use crate::retry::Breakers;

/// Connects for the pool.
#[derive(Clone, Debug)]
pub(super) struct PoolConnector {
    connector: Connector,
    counted: UpstreamTally,
    breakers: Breakers,
    needs_http2: bool,
}

impl PoolConnector {
    pub(super) fn new(connector: Connector, counted: UpstreamTally, breakers: Breakers) -> Self {
        Self {
            connector,
            counted,
            breakers,
            needs_http2: false,
        }
    }

    /// Connects only to what takes HTTP/2: by ALPN, or, without TLS, because it is known to. Never through an HTTP proxy
    /// that reads the requests.
    pub(super) fn for_http2(self) -> Self {
        Self {
            needs_http2: true,
            ..self
        }
    }
}

impl Service<Uri> for PoolConnector {
    type Response = TokioIo<ServiceConnection>;
    type Error = PoolConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, PoolConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PoolConnectError>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let host = host_of(&destination);
        let connecting = self.connector.call(destination);
        let (counted, breakers) = (self.counted.clone(), self.breakers.clone());
        let needs_http2 = self.needs_http2;
        Box::pin(async move {
            let ticket = breakers.begin(&host).map_err(PoolConnectError::CircuitOpen)?;
            let error = match connecting.await {
                Ok(connection) => {
                    counted.opened.add(1);
                    ticket.succeeded();
                    if needs_http2 && !takes_http2(&connection) {
                        return Err(PoolConnectError::NotHttp2);
                    }
                    let is_http2 = needs_http2 || connection.is_http2();
                    return Ok(TokioIo::new(ServiceConnection::new(connection, is_http2)));
                }
                Err(error) => PoolConnectError::from(error),
            };
            if error.is_failure() && ticket.failed(error.code()) {
                counted.circuits_opened.add(1);
            }
            Err(error)
        })
    }
}

/// Scheme, name and port: what one circuit is for.
fn host_of(destination: &Uri) -> String {
    let authority = destination.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", destination.scheme_str().unwrap_or_default())
}

fn takes_http2(connection: &Connection) -> bool {
    match connection.tls_version() {
        None => !connection.is_proxied(),
        Some(_) => connection.is_http2(),
    }
}
