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
use tower_service::Service;

use super::avoid::Avoided;
use super::link::Link;
use super::resolve::{BucketNames, Resolver};
use crate::config::UpstreamProxy;
use crate::error::Cause;

/// Probes of an idle connection: shorter than the five minutes after which common firewalls forget.
const KEEPALIVE: Duration = Duration::from_mins(1);

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
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(names, rules, avoided));
        // The scheme is the caller's business.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        // Shared out among the addresses of a name, so that one dead address does not use up all of it.
        tcp.set_connect_timeout(Some(connect_timeout));
        Self { tcp, egress }
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
        let Some(proxy) = self.egress.0.intercept(&destination) else {
            let connecting = self.tcp.call(destination);
            return Box::pin(async move { Ok(Link::direct(connecting.await?)) });
        };
        if destination.scheme_str() == Some("http") {
            let connecting = self.tcp.call(proxy.uri().clone());
            return Box::pin(async move { Ok(Link::to_proxy(connecting.await?)) });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        Box::pin(async move { Ok(Link::direct(tunnel.call(destination).await?)) })
    }
}
