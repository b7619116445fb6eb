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
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_service::Service;

use super::dial::Dial;
use super::fault::{ConnectError, find};
use super::link::Link;
use crate::error::Cause;
use crate::metrics::Tally;

/// Connects for the pool.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    https: HttpsConnector<Dial>,
    deadline: Duration,
    opened: Tally,
    needs_http2: bool,
}

impl Connector {
    pub(super) fn new(tls: Arc<ClientConfig>, dial: Dial, deadline: Duration, opened: Tally) -> Self {
        Self {
            https: HttpsConnector::from((dial, tls)),
            deadline,
            opened,
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
    type Response = MaybeHttpsStream<Link>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.https.poll_ready(cx).map_err(ConnectError::Unreachable)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let connecting = self.https.call(destination);
        let deadline = self.deadline;
        let opened = self.opened.clone();
        let needs_http2 = self.needs_http2;
        Box::pin(async move {
            match timeout(deadline, connecting).await {
                Ok(Ok(connection)) => {
                    opened.add(1);
                    if needs_http2 && !takes_http2(&connection) {
                        return Err(ConnectError::NotHttp2);
                    }
                    Ok(connection)
                }
                Ok(Err(cause)) => Err(classify(cause)),
                Err(_) => Err(ConnectError::TimedOut),
            }
        })
    }
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
        Ok(error) => ConnectError::Tls(*error),
        Err(cause) if find::<AddressRejected>(&*cause).is_some() => ConnectError::AddressRejected(cause),
        Err(cause) => match find::<io::Error>(&*cause).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => ConnectError::TimedOut,
            _ => ConnectError::Unreachable(cause),
        },
    }
}
