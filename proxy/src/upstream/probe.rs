//! The way to a service, one stage at a time: for whoever wants to know where it breaks. No pool, no request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_endpoints::AddressRules;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service as _;

use super::avoid::Avoided;
use super::dial::Dial;
use super::resolve::BucketNames;
use super::{Network, Protocols};
use crate::config::EndpointUrl;
use crate::error::Cause;
use crate::process::DescriptorLimit;

/// Whom the first TCP connection on the way goes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Hop {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// It is an HTTP proxy, not the service.
    pub(crate) is_proxy: bool,
}

/// What a TLS handshake came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Handshake {
    /// As the TLS library names it.
    pub(crate) version: Option<rustls::ProtocolVersion>,
    pub(crate) is_http2: bool,
}

/// Why there was no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeFault {
    /// Not within the time for connecting.
    #[error("no TLS connection within the time for it")]
    TimedOut,
    /// The proxy on the way did not open a tunnel, or the connection broke before the handshake.
    #[error("no connection to shake hands on")]
    NoLink(#[source] Cause),
    /// The handshake itself.
    #[error("the TLS handshake failed")]
    Refused(#[source] io::Error),
}

impl Network {
    /// Who is dialled for this URL.
    pub(crate) fn first_hop(&self, url: &EndpointUrl) -> Hop {
        let direct = Hop {
            host: url.host().trim_matches(['[', ']']).to_owned(),
            port: url.port_or_default(),
            is_proxy: false,
        };
        let Some(proxy) = uri(url).and_then(|uri| self.0.egress.proxy_for(&uri)) else {
            return direct;
        };
        match proxy.host() {
            Some(host) => Hop {
                host: host.trim_matches(['[', ']']).to_owned(),
                port: proxy.port_u16().unwrap_or(80),
                is_proxy: true,
            },
            None => direct,
        }
    }

    /// Shakes hands with the service, through the proxy where there is one, at addresses that the `rules` allow.
    ///
    /// # Errors
    ///
    /// [`HandshakeFault`] with the stage that failed.
    pub(crate) async fn shake_hands(
        &self,
        url: &EndpointUrl,
        protocols: Protocols,
        rules: Option<AddressRules>,
        patience: Duration,
    ) -> Result<Handshake, HandshakeFault> {
        let config = self.0.trust.client_config(protocols);
        let names = BucketNames::default();
        let (egress, rules) = (Arc::clone(&self.0.egress), rules.map(Arc::new));
        let mut dial = Dial::new(
            egress,
            names,
            rules,
            Avoided::default(),
            patience,
            &DescriptorLimit::none(),
        );
        let no_link = |text: &str| HandshakeFault::NoLink(text.into());
        let uri = uri(url).ok_or_else(|| no_link("the endpoint is no URL"))?;
        let host = url.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|_| no_link("the host is no name for a certificate"))?;
        let shaking = async {
            let link = dial.call(uri).await.map_err(HandshakeFault::NoLink)?;
            let stream = TlsConnector::from(config).connect(name, TokioIo::new(link)).await;
            stream.map_err(HandshakeFault::Refused)
        };
        let stream = timeout(patience, shaking)
            .await
            .map_err(|_| HandshakeFault::TimedOut)??;
        let (_, session) = stream.get_ref();
        Ok(Handshake {
            version: session.protocol_version(),
            is_http2: session.alpn_protocol() == Some(b"h2"),
        })
    }
}

/// The addresses of a host.
///
/// # Errors
///
/// What the resolver says; [`io::ErrorKind::TimedOut`] after `patience`.
pub(crate) async fn resolve(hop: &Hop, patience: Duration) -> io::Result<Vec<SocketAddr>> {
    let found = timeout(patience, lookup_host((hop.host.as_str(), hop.port))).await;
    let addresses: Vec<SocketAddr> = found.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no addresses"));
    }
    Ok(addresses)
}

/// The first of the addresses that takes a connection.
///
/// # Errors
///
/// The last address's error; [`io::ErrorKind::TimedOut`] after `patience`.
pub(crate) async fn connect(addresses: &[SocketAddr], patience: Duration) -> io::Result<SocketAddr> {
    match timeout(patience, TcpStream::connect(addresses)).await {
        Ok(stream) => stream?.peer_addr(),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn uri(url: &EndpointUrl) -> Option<Uri> {
    // With its port, which tunnels need.
    let port = url.port_or_default();
    format!("{}://{}:{port}/", url.scheme().as_str(), url.host())
        .parse()
        .ok()
}
