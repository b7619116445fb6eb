//! A ready connection: TCP, TLS where the scheme wants it, all within one deadline.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_endpoints::AddressRejected;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_service::Service;

use super::dial::{Dial, NoDescriptor};
use super::fault::{ConnectError, find};
use super::link::Link;
use super::multiplexed::ServiceLink;
use crate::error::Cause;
use crate::metrics::UpstreamTally;
use crate::retry::Breakers;

/// Connects for the pool.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    https: HttpsConnector<Dial>,
    deadline: Duration,
    counted: UpstreamTally,
    breakers: Breakers,
    needs_http2: bool,
}

impl Connector {
    pub(super) fn new(
        tls: Arc<ClientConfig>,
        dial: Dial,
        deadline: Duration,
        counted: UpstreamTally,
        breakers: Breakers,
    ) -> Self {
        Self {
            https: HttpsConnector::from((dial, tls)),
            deadline,
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

impl Service<Uri> for Connector {
    type Response = TokioIo<ServiceLink>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.https.poll_ready(cx).map_err(ConnectError::Unreachable)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let host = host_of(&destination);
        let connecting = self.https.call(destination);
        let deadline = self.deadline;
        let (counted, breakers) = (self.counted.clone(), self.breakers.clone());
        let needs_http2 = self.needs_http2;
        Box::pin(async move {
            let ticket = breakers.begin(&host).map_err(ConnectError::CircuitOpen)?;
            let fault = match timeout(deadline, connecting).await {
                Ok(Ok(connection)) => {
                    counted.opened.add(1);
                    ticket.succeeded();
                    if needs_http2 && !takes_http2(&connection) {
                        return Err(ConnectError::NotHttp2);
                    }
                    let is_http2 = needs_http2 || connection.connected().is_negotiated_h2();
                    return Ok(TokioIo::new(ServiceLink::new(connection, is_http2)));
                }
                Ok(Err(cause)) => classify(cause),
                Err(_) => ConnectError::TimedOut,
            };
            if fault.is_failure() && ticket.failed(fault.code()) {
                counted.circuits_opened.add(1);
            }
            Err(fault)
        })
    }
}

/// Scheme, name and port: what one circuit is for.
fn host_of(destination: &Uri) -> String {
    let authority = destination.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", destination.scheme_str().unwrap_or_default())
}

fn takes_http2(connection: &MaybeHttpsStream<Link>) -> bool {
    match connection {
        MaybeHttpsStream::Http(link) => !link.connected().is_proxied(),
        MaybeHttpsStream::Https(_) => connection.connected().is_negotiated_h2(),
    }
}

/// The TLS handshake fails with an [`io::Error`], everything before it with errors of its own.
fn classify(cause: Cause) -> ConnectError {
    match cause.downcast::<io::Error>() {
        // The connector wraps it in another one, which hides what kind it is of.
        Ok(error) => ConnectError::Tls(error.downcast::<io::Error>().unwrap_or_else(|error| error)),
        Err(cause) if find::<AddressRejected>(&*cause).is_some() => ConnectError::AddressRejected(cause),
        Err(cause) if find::<NoDescriptor>(&*cause).is_some() => ConnectError::NoDescriptor(cause),
        Err(cause) => match find::<io::Error>(&*cause).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => ConnectError::TimedOut,
            _ => ConnectError::Unreachable(cause),
        },
    }
}
