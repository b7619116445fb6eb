//! The way to the service: one pool of connections for each of the proxy's connections.
//!
//! What arrives here is signed. Nothing is added but what belongs to the hop: `Host` (or `:authority`), spelled as it
//! was signed, and the credentials for an HTTP proxy on the way.
//!
//! S3 and its kin are spoken to by HTTP/1.1 only: over HTTP/2 all requests to a host share one TCP connection,
//! and bulk transfers would share its bandwidth. Everything else negotiates by ALPN.

mod connect;
mod dial;
mod exchange;
mod fault;
mod link;
mod resolve;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::{Request, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::body::{OutgoingBody, Progress};
use crate::config::{PoolConfig, Timeouts, UpstreamConfig};
use crate::error::{ErrorCode, ProxyError};
use crate::metrics::Tally;
use connect::Connector;
use dial::Egress;

pub(crate) use exchange::{Exchange, SendFault};
pub use fault::UpstreamError;
pub(crate) use resolve::BucketNames;
pub(crate) use trust::Trust;

/// Requests under way at a time, for each of the proxy's connections. A pool without an end would let a burst
/// of clients exhaust the proxy's ports.
const MAX_CONCURRENT: usize = 1024;

/// Notices an HTTP/2 connection whose other end has silently gone.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// What all upstreams share: trusted roots and the proxy on the way out.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    trust: Trust,
    egress: Arc<Egress>,
    pool: PoolConfig,
}

impl Network {
    /// Reads the trusted roots.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] where `ca_file` cannot be used or the proxy's URL is none.
    pub(crate) fn new(config: &UpstreamConfig) -> Result<Self, UpstreamError> {
        Ok(Self {
            trust: Trust::new(config.ca_file.as_deref())?,
            egress: Arc::new(Egress::new(&config.proxy)),
            pool: config.pool,
        })
    }
}

/// Which protocols are offered to a TLS server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocols {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, else HTTP/1.1.
    Http2OrHttp1,
}

/// Whether a pooled connection may be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    /// One from the pool, if there is one.
    First,
    /// A new one, since the one from the pool turned out to be dead, or might, and the body can be sent only once.
    OnFreshConnection,
}

/// The pool of one of the proxy's connections.
#[derive(Debug)]
pub(crate) struct Upstream {
    pooled: Client<Connector, OutgoingBody>,
    fresh: Client<Connector, OutgoingBody>,
    egress: Arc<Egress>,
    slots: Arc<Semaphore>,
    timeouts: Timeouts,
}

impl Upstream {
    /// A pool that has no connections yet.
    pub(crate) fn new(
        network: &Network,
        protocols: Protocols,
        names: BucketNames,
        timeouts: Timeouts,
        opened: Tally,
    ) -> Self {
        let egress = Arc::clone(&network.egress);
        let tls = network.trust.client_config(protocols);
        let connector = Connector::new(tls, Arc::clone(&egress), names, timeouts.connect, opened);
        let client = |idle_per_host: usize| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .pool_idle_timeout(network.pool.idle_timeout)
                .pool_max_idle_per_host(idle_per_host)
                .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
                .http2_adaptive_window(true)
                .build(connector.clone())
        };
        Self {
            pooled: client(network.pool.idle_per_host),
            // Keeps nothing, so each request gets a connection of its own.
            fresh: client(0),
            egress,
            slots: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            timeouts,
        }
    }

    /// Waits for a turn; held until the answer has been passed on.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UpstreamBusy`] where none came up within the time for connecting.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, ProxyError> {
        match timeout(self.timeouts.connect, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => {
                Err(ProxyError::new(ErrorCode::UpstreamBusy).with_retry_after(Duration::from_secs(1)))
            }
        }
    }

    /// Sends a signed request and waits for the head of the answer.
    ///
    /// The time for the answer begins anew with each piece of the body that is taken.
    ///
    /// # Errors
    ///
    /// [`SendFault`], which says whether the request may be sent again.
    pub(crate) async fn send(
        &self,
        mut head: Parts,
        body: OutgoingBody,
        progress: &Progress,
        attempt: Attempt,
    ) -> Result<Exchange, SendFault> {
        // hyper writes it from the target: the same text, as `Host` or as `:authority`.
        head.headers.remove(HOST);
        head.version = Version::HTTP_11;
        if let Some(value) = self.egress.authorization_for(&head.uri) {
            head.headers.insert(PROXY_AUTHORIZATION, value);
        }
        let client = match attempt {
            Attempt::First => &self.pooled,
            Attempt::OnFreshConnection => &self.fresh,
        };
        let response = client.request(Request::from_parts(head, body));
        exchange::wait(response, progress, self.timeouts.response).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};
    use crate::metrics::Metrics;

    #[tokio::test(start_paused = true)]
    async fn beyond_all_turns_a_request_waits_and_is_then_refused() {
        let config = Config::from_toml(
            "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nauth = { method = \"default-chain\" }",
            &Environment::empty(),
        );
        let config = config.unwrap();
        let (name, connection) = config.connections.first_key_value().unwrap();
        let upstream = Upstream::new(
            &Network::new(&config.upstream).unwrap(),
            Protocols::Http1,
            BucketNames::default(),
            connection.timeouts,
            Metrics::new().upstream_connections(name),
        );
        let mut turns = Vec::new();
        for _ in 0..MAX_CONCURRENT {
            turns.push(upstream.turn().await.unwrap());
        }
        let refused = upstream.turn().await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::UpstreamBusy);
        assert_eq!(
            (refused.code().status().as_u16(), refused.retry_after_seconds()),
            (503, Some(1))
        );
        turns.pop();
        assert!(upstream.turn().await.is_ok());
    }
}
