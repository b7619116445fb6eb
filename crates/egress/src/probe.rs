//! The first steps of a connection, one at a time: for diagnostics that report where it fails. No TLS, no request.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::Uri;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::http_proxy::HttpProxies;

/// Where the first TCP connection on the path to a server goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstHop {
    /// A name, or an IP address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// It is an HTTP proxy, not the server.
    pub is_proxy: bool,
}

impl HttpProxies {
    /// What is dialled for this destination, which has a host; its port is the scheme's where it names none.
    ///
    /// ```
    /// let hop = egress::HttpProxies::none().first_hop(&"https://[::1]/".parse()?);
    /// assert_eq!((hop.host.as_str(), hop.port, hop.is_proxy), ("::1", 443, false));
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    #[must_use]
    pub fn first_hop(&self, destination: &Uri) -> FirstHop {
        let proxy = self.proxy_for(destination);
        let dialled = proxy.as_ref().unwrap_or(destination);
        let default_port = if dialled.scheme_str() == Some("https") { 443 } else { 80 };
        FirstHop {
            host: dialled.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: dialled.port_u16().unwrap_or(default_port),
            is_proxy: proxy.is_some(),
        }
    }
}

/// The addresses of a host.
///
/// # Errors
///
/// What the resolver reports; [`io::ErrorKind::TimedOut`] after `limit`.
pub async fn resolve(hop: &FirstHop, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    let found = timeout(limit, lookup_host((hop.host.as_str(), hop.port))).await;
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
/// The last address's error; [`io::ErrorKind::TimedOut`] after `limit`.
pub async fn connect(addresses: &[SocketAddr], limit: Duration) -> io::Result<SocketAddr> {
    match timeout(limit, TcpStream::connect(addresses)).await {
        Ok(stream) => stream?.peer_addr(),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use auth_model::Secret;

    use super::*;
    use crate::http_proxy::ProxySettings;

    #[test]
    fn the_first_hop_is_the_proxy_where_there_is_one() {
        let settings = ProxySettings {
            https: Some(Secret::new("http://me:hunter2@proxy:3128".to_owned())),
            http: None,
            no_proxy: Some("direct.example".to_owned()),
        };
        let proxies = HttpProxies::new(&settings).unwrap();
        for (destination, host, port, is_proxy) in [
            ("https://a.example/", "proxy", 3128, true),
            ("https://direct.example/", "direct.example", 443, false),
            ("http://a.example/", "a.example", 80, false),
            ("http://[::1]:9000/", "::1", 9000, false),
        ] {
            let want = FirstHop {
                host: host.to_owned(),
                port,
                is_proxy,
            };
            assert_eq!(proxies.first_hop(&destination.parse().unwrap()), want, "{destination}");
        }
    }
}
