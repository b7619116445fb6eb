//! TCP to the service, or to and through the HTTP proxy in front of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_endpoints::AddressRules;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::time::timeout;
use tower_service::Service;

use super::avoid::Avoided;
use super::link::Link;
use super::resolve::{BucketNames, Resolver};
use crate::config::UpstreamProxy;
use crate::error::Cause;
use crate::process::DescriptorLimit;

/// Probes of an idle connection: shorter than the five minutes after which common firewalls forget.
const KEEPALIVE: Duration = Duration::from_mins(1);

/// How long a connection waits for another one to end where no more may be open: for longer than idle ones are kept then.
const DESCRIPTOR_WAIT: Duration = Duration::from_secs(2);

/// No more connections may be open, and none has ended.
#[derive(Debug, thiserror::Error)]
#[error("too many files are open: the limit of open files (ulimit -n) leaves no connection to the service")]
pub(super) struct NoDescriptor;

/// Which HTTP proxy leads to which host.
#[derive(Debug)]
pub(super) struct Egress(Matcher);

impl Egress {
    pub(super) fn new(proxy: &UpstreamProxy) -> Self {
        let mut matcher = Matcher::builder();
        if let Some(https) = &proxy.https {
            matcher = matcher.https(https.expose().to_owned());
        }
        if let Some(http) = &proxy.http {
            matcher = matcher.http(http.expose().to_owned());
        }
        if let Some(no_proxy) = &proxy.no_proxy {
            matcher = matcher.no(no_proxy.clone());
        }
        Self(matcher.build())
    }

    /// The HTTP proxy that leads there.
    pub(super) fn proxy_for(&self, destination: &Uri) -> Option<Uri> {
        Some(self.0.intercept(destination)?.uri().clone())
    }

    /// What a request in the clear must say to the proxy it goes through; tunnels say it when they open.
    pub(super) fn authorization_for(&self, destination: &Uri) -> Option<HeaderValue> {
        if destination.scheme_str() != Some("http") {
            return None;
        }
        self.0.intercept(destination)?.basic_auth().cloned()
    }
}

/// Connects by TCP.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    tcp: HttpConnector<Resolver>,
    egress: Arc<Egress>,
    descriptors: DescriptorLimit,
    /// Less than what the whole connection may take, so that it is known what it has failed for.
    descriptor_wait: Duration,
}

impl Dial {
    /// `rules`: of the addresses of AWS's names; `None` where the operator has written the names himself. An HTTP proxy
    /// that opens a tunnel resolves the name, so nothing of it is checked here.
    pub(super) fn new(
        egress: Arc<Egress>,
        names: BucketNames,
        rules: Option<Arc<AddressRules>>,
        avoided: Avoided,
        connect_timeout: Duration,
        descriptors: &DescriptorLimit,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(names, rules, avoided));
        // The scheme is the caller's business.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        // Shared out among the addresses of a name, so that one dead address does not use up all of it.
        tcp.set_connect_timeout(Some(connect_timeout));
        Self {
            tcp,
            egress,
            descriptors: descriptors.clone(),
            descriptor_wait: DESCRIPTOR_WAIT.min(connect_timeout / 2),
        }
    }
}

impl Service<Uri> for Dial {
    type Response = Link;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Link, Cause>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let (descriptors, wait) = (self.descriptors.clone(), self.descriptor_wait);
        let descriptor = async move { timeout(wait, descriptors.take()).await.map_err(|_| NoDescriptor) };
        let Some(proxy) = self.egress.0.intercept(&destination) else {
            let connecting = self.tcp.call(destination);
            return Box::pin(async move {
                let descriptor = descriptor.await?;
                Ok(Link::direct(connecting.await?, descriptor))
            });
        };
        if destination.scheme_str() == Some("http") {
            let connecting = self.tcp.call(proxy.uri().clone());
            return Box::pin(async move {
                let descriptor = descriptor.await?;
                Ok(Link::to_proxy(connecting.await?, descriptor))
            });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        Box::pin(async move {
            let descriptor = descriptor.await?;
            Ok(Link::direct(tunnel.call(destination).await?, descriptor))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::super::fault::find;
    use super::*;

    #[tokio::test]
    async fn beyond_the_limit_a_connection_waits_for_another_to_end_and_then_fails_by_its_name() {
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let destination: Uri = format!("http://{}/", service.local_addr().unwrap()).parse().unwrap();
        let egress = Arc::new(Egress::new(&UpstreamProxy::default()));
        let timeout = Duration::from_millis(100);
        let limit = DescriptorLimit::of(1);
        let mut dial = Dial::new(
            egress,
            BucketNames::default(),
            None,
            Avoided::default(),
            timeout,
            &limit,
        );
        let first = dial.call(destination.clone()).await.unwrap();
        let fault = dial.call(destination.clone()).await.unwrap_err();
        assert!(find::<NoDescriptor>(&*fault).is_some(), "{fault}");
        let waits = dial.call(destination);
        drop(first);
        waits.await.unwrap();
    }
}
