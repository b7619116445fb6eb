//! A ready connection: TCP, and TLS where the scheme wants it, all within one timeout.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection as PooledConnection};
use tokio::time::timeout;
use tower_service::Service;

use crate::dialer::{DialSettings, Dialer};
use crate::error::ConnectError;
use crate::tcp::TcpConnection;
use crate::tls::{Protocols, TlsSettings, TlsVersion};

/// Opens connections to `http` and `https` URLs, for hyper's pooled client: it is a [`Service`] of them. Clones share the
/// settings.
#[derive(Clone, Debug)]
pub struct Connector {
    https: HttpsConnector<Dialer>,
    connect_timeout: Duration,
}

impl Connector {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(tls: &TlsSettings, protocols: Protocols, settings: DialSettings) -> Self {
        let connect_timeout = settings.connect_timeout;
        Self {
            https: HttpsConnector::from((Dialer::new(settings), tls.client_config(protocols))),
            connect_timeout,
        }
    }

    /// Opens one connection outside any pool.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub async fn connect(&mut self, destination: Uri) -> Result<Connection, ConnectError> {
        std::future::poll_fn(|cx| self.poll_ready(cx)).await?;
        self.call(destination).await
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.https.poll_ready(cx).map_err(ConnectError::Unreachable)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let connecting = self.https.call(destination);
        let connect_timeout = self.connect_timeout;
        Box::pin(async move {
            match timeout(connect_timeout, connecting).await {
                Ok(Ok(stream)) => Ok(Connection(stream)),
                Ok(Err(cause)) => Err(ConnectError::classify(cause)),
                Err(_) => Err(ConnectError::TimedOut),
            }
        })
    }
}

/// An open connection. In a pool it carries the extensions [`ResponseSeen`](crate::ResponseSeen) and
/// [`PeerAddress`](crate::PeerAddress).
#[derive(Debug)]
pub struct Connection(MaybeHttpsStream<TcpConnection>);

impl Connection {
    /// Whether HTTP/2 was agreed on by ALPN.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.connected().is_negotiated_h2()
    }

    /// Whether requests go to an HTTP proxy, which reads them, and not to the server.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.connected().is_proxied()
    }

    /// `None` without TLS.
    #[must_use]
    pub fn tls_version(&self) -> Option<TlsVersion> {
        let MaybeHttpsStream::Https(stream) = &self.0 else {
            return None;
        };
        let (_, session) = stream.inner().get_ref();
        // Only these two are built in.
        let is_13 = session.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        Some(if is_13 { TlsVersion::Tls13 } else { TlsVersion::Tls12 })
    }
}

impl PooledConnection for Connection {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}

impl Read for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
