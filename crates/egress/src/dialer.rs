//! TCP to a server, or to and through the HTTP proxy on the path to it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use tokio::time::timeout;
use tower_service::Service;

use crate::addresses::AddressFilter;
use crate::error::{BoxError, NoDescriptor};
use crate::failed_addresses::FailedAddresses;
use crate::http_proxy::HttpProxies;
use crate::resolver::{Resolver, WildcardHost};
use crate::tcp::TcpConnection;
use resource_limits::DescriptorLimit;

/// Probes of an idle connection: shorter than the five minutes after which common firewalls forget it.
const KEEPALIVE: Duration = Duration::from_mins(1);

/// How long a connection waits for another one to end where no more may be open: longer than pools keep idle ones then.
const DESCRIPTOR_WAIT: Duration = Duration::from_secs(2);

/// How servers are dialled: directly, at any address, by as many connections at a time as there are, unless said otherwise.
#[derive(Clone, Debug)]
pub struct DialSettings {
    pub(crate) connect_timeout: Duration,
    proxies: HttpProxies,
    filter: AddressFilter,
    wildcard_host: Option<WildcardHost>,
    failed: FailedAddresses,
    descriptors: DescriptorLimit,
}

impl DialSettings {
    /// A connection is opened within `connect_timeout`: name resolution, TCP, an HTTP proxy's tunnel and TLS together.
    #[must_use]
    pub fn new(connect_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            proxies: HttpProxies::none(),
            filter: AddressFilter::any(),
            wildcard_host: None,
            failed: FailedAddresses::default(),
            descriptors: DescriptorLimit::none(),
        }
    }

    /// Goes through these HTTP proxies. A proxy that opens a tunnel resolves the server's name itself, so the address
    /// filter sees only the proxy's name then.
    #[must_use]
    pub fn with_proxies(self, proxies: HttpProxies) -> Self {
        Self { proxies, ..self }
    }

    /// Connects only to addresses that the filter allows.
    #[must_use]
    pub fn with_address_filter(self, filter: AddressFilter) -> Self {
        Self { filter, ..self }
    }

    /// Looks names below the host up as the host.
    #[must_use]
    pub fn with_wildcard_host(self, wildcard_host: Option<WildcardHost>) -> Self {
        Self { wildcard_host, ..self }
    }

    /// Tries these addresses last.
    #[must_use]
    pub fn with_failed_addresses(self, failed: FailedAddresses) -> Self {
        Self { failed, ..self }
    }

    /// Each connection counts as one descriptor of the limit.
    #[must_use]
    pub fn with_descriptor_limit(self, descriptors: DescriptorLimit) -> Self {
        Self { descriptors, ..self }
    }
}

/// Connects by TCP.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    tcp: HttpConnector<Resolver>,
    proxies: HttpProxies,
    descriptors: DescriptorLimit,
    /// Less than what the whole connection may take, so that the error names the limit.
    descriptor_wait: Duration,
}

impl Dialer {
    pub(crate) fn new(settings: DialSettings) -> Self {
        let DialSettings {
            connect_timeout,
            proxies,
            filter,
            wildcard_host,
            failed,
            descriptors,
        } = settings;
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(wildcard_host, filter, failed));
        // It connects for `https` as well; TLS comes on top.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        // Divided among the addresses of a name, so that one dead address does not use up all of it.
        tcp.set_connect_timeout(Some(connect_timeout));
        Self {
            tcp,
            proxies,
            descriptors,
            descriptor_wait: DESCRIPTOR_WAIT.min(connect_timeout / 2),
        }
    }
}

impl Service<Uri> for Dialer {
    type Response = TcpConnection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<TcpConnection, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let (descriptors, wait) = (self.descriptors.clone(), self.descriptor_wait);
        let descriptor = async move { timeout(wait, descriptors.take()).await.map_err(|_| NoDescriptor) };
        let Some(proxy) = self.proxies.intercept(&destination) else {
            let connecting = self.tcp.call(destination);
            return Box::pin(async move {
                let descriptor = descriptor.await?;
                Ok(TcpConnection::direct(connecting.await?, descriptor))
            });
        };
        if destination.scheme_str() == Some("http") {
            let connecting = self.tcp.call(proxy.uri().clone());
            return Box::pin(async move {
                let descriptor = descriptor.await?;
                Ok(TcpConnection::to_proxy(connecting.await?, descriptor))
            });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        Box::pin(async move {
            let descriptor = descriptor.await?;
            Ok(TcpConnection::direct(tunnel.call(destination).await?, descriptor))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::error::find_source;

    #[tokio::test]
    async fn beyond_the_limit_a_connection_waits_for_another_to_end_and_then_fails_by_its_name() {
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let destination: Uri = format!("http://{}/", service.local_addr().unwrap()).parse().unwrap();
        let settings = DialSettings::new(Duration::from_millis(100)).with_descriptor_limit(DescriptorLimit::of(1));
        let mut dialer = Dialer::new(settings);
        let first = dialer.call(destination.clone()).await.unwrap();
        let error = dialer.call(destination.clone()).await.unwrap_err();
        assert!(find_source::<NoDescriptor>(&*error).is_some(), "{error}");
        let waits = dialer.call(destination);
        drop(first);
        waits.await.unwrap();
    }
}
