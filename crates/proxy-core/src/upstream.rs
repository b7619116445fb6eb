//! Connections to services: one pool for each of the proxy's connections.
//!
//! What arrives here is signed. Nothing is added but what belongs to the hop: `Host` (or `:authority`), spelled as it
//! was signed, and the credentials for an HTTP proxy on the path.
//!
//! The S3 family is requested by HTTP/1.1 only: over HTTP/2 all requests to a host share one TCP connection,
//! and bulk transfers would share its bandwidth. Everything else negotiates by ALPN. Bidirectional streams
//! need HTTP/2, and each has a connection of its own: none waits for another one's window, and none meets a dead connection.

mod body;
mod connect;
mod error;
mod exchange;
mod multiplexed;
mod network;
mod permits;
mod probe;
mod response_head;
mod upload;

use std::time::Duration;

use aws_endpoints::ServiceTraits;
use egress::{AddressFilter, Connector, DialSettings, FailedAddresses, Protocols, WildcardHost};
use http::header::{EXPECT, HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode, Uri, Version};
use http_server::threads::PerThread;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use proxy_config::Timeouts;
use request_body::{ContinueHost, ContinueHosts};
use resource_limits::Pool;

use crate::metrics::UpstreamTally;
use crate::retry::{AttemptFailure, Breakers, Budgets};
use crate::sign::Signed;
use body::HeldBody;
use connect::PoolConnector;
use exchange::Interim;
use network::NetworkState;
use upload::{Exchanging, RequestBody, Upload};

pub use body::ServiceBody;
pub use error::UpstreamError;
pub use exchange::{Exchange, SendFailure};
pub use network::Network;

/// HTTP/1.1: bytes of a response that are read ahead, and the largest head of one. hyper's 400 KiB would let 900 responses
/// that their clients do not take hold 800 MiB; reads from TLS bring 16 KiB each.
const HTTP1_BUFFER: usize = 32 * 1024;

/// HTTP/1.1: header fields of a response of the S3 family, as many as a client may send: an object that was taken with its metadata
/// comes back with it. hyper's 100 need no heap; others' responses stay with them.
const S3_MOST_FIELDS: usize = 1_000;

/// Notices an HTTP/2 connection whose other end has silently gone.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// HTTP/2: bytes of one response that are read ahead of its client, and bytes of one request that wait for the service. hyper's
/// 2 MiB and 1 MiB would let the requests of all upstream permits hold 3 GiB. Speech and text need a fraction of that a second,
/// and everything large goes over HTTP/1.1.
const HTTP2_STREAM_BUFFER: u32 = 64 * 1024;

/// HTTP/2: bytes of all responses of a connection that are read ahead: as many as all upstream permits together, so that no
/// number of clients that take nothing of theirs keeps the others waiting for theirs.
const HTTP2_CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// What a pool is made for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Purpose {
    /// What is offered to a TLS server.
    pub(crate) protocols: Protocols,
    /// The host of the operator's own endpoint, whose buckets are names below it; `None` where all names are AWS's.
    pub(crate) own_host: Option<WildcardHost>,
    /// How long the service is waited for.
    pub(crate) timeouts: Timeouts,
}

/// The HTTP versions that a service is requested by.
#[must_use]
pub fn protocols_of(traits: &ServiceTraits) -> Protocols {
    if traits.is_s3_family {
        Protocols::Http1
    } else {
        Protocols::Http2OrHttp1
    }
}

/// Whether a pooled connection may be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attempt {
    /// One from the pool, if there is one.
    First,
    /// A new one, since the one from the pool turned out to be dead, or might, and the body can be sent only once.
    OnFreshConnection,
    /// A new one that takes HTTP/2, and nothing else.
    OnFreshHttp2,
}

/// The pool of one of the proxy's connections.
#[derive(Debug)]
pub struct Upstream {
    /// What is in transit to the service stays on the thread of its client.
    pooled: PerThread<Client<PoolConnector, RequestBody>>,
    fresh: Client<PoolConnector, RequestBody>,
    bidirectional: Client<PoolConnector, RequestBody>,
    /// Addresses that the next connection tries last.
    failed_addresses: FailedAddresses,
    budgets: Budgets,
    permits: Pool,
    timeouts: Timeouts,
    network: Network,
    purpose: Purpose,
    /// Only for the S3 family: no other service gets `Expect` from its SDKs, and one that does not know it would delay each
    /// request. It is requested by HTTP/1.1: over HTTP/2 nobody would read it.
    continues: Option<ContinueHosts>,
}

impl Upstream {
    /// A pool that has no connections yet.
    pub(crate) fn new(network: &Network, purpose: Purpose, counted: &UpstreamTally) -> Self {
        let NetworkState {
            config,
            threads,
            tls,
            proxies,
            descriptors,
            ..
        } = &*network.0;
        let threads = *threads;
        let timeouts = purpose.timeouts;
        let (failed_addresses, breakers) = (FailedAddresses::default(), Breakers::default());
        let filter = match purpose.own_host {
            Some(_) => AddressFilter::any(),
            None => network.address_filter(),
        };
        let dial = DialSettings::new(timeouts.connect)
            .with_proxies(proxies.clone())
            .with_address_filter(filter)
            .with_wildcard_host(purpose.own_host.clone())
            .with_failed_addresses(failed_addresses.clone())
            .with_descriptor_limit(descriptors.clone());
        let connector = |protocols: Protocols| {
            let connector = Connector::new(tls, protocols, dial.clone());
            PoolConnector::new(connector, counted.clone(), breakers.clone())
        };
        let builder = |idle_per_host: usize| {
            let mut builder = Client::builder(TokioExecutor::new());
            builder
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .pool_idle_timeout(network.idle_timeout())
                .pool_max_idle_per_host(idle_per_host)
                .http1_max_buf_size(HTTP1_BUFFER)
                .http2_initial_stream_window_size(HTTP2_STREAM_BUFFER)
                .http2_max_send_buf_size(HTTP2_STREAM_BUFFER as usize)
                .http2_keep_alive_interval(HTTP2_PING_INTERVAL);
            if purpose.protocols == Protocols::Http1 {
                builder.http1_max_headers(S3_MOST_FIELDS);
            }
            builder
        };
        let client = |idle_per_host: usize| {
            builder(idle_per_host)
                .http2_initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
                .build(connector(purpose.protocols))
        };
        Self {
            pooled: PerThread::new(threads, || client(config.pool.idle_per_host.div_ceil(threads.get()))),
            // Keeps nothing, so each request gets a connection of its own.
            fresh: client(0),
            bidirectional: builder(0)
                .http2_only(true)
                // It has a single stream.
                .http2_initial_connection_window_size(HTTP2_STREAM_BUFFER)
                .build(connector(Protocols::Http2OrHttp1).for_http2()),
            failed_addresses: failed_addresses.clone(),
            budgets: Budgets::default(),
            permits: Pool::new(permits::size(0)),
            timeouts,
            network: network.clone(),
            continues: (purpose.protocols == Protocols::Http1).then(ContinueHosts::default),
            purpose,
        }
    }

    /// Whether a pool on this network for this purpose would be no other.
    pub(crate) fn serves(&self, network: &Network, purpose: &Purpose) -> bool {
        self.network.is(network) && self.purpose == *purpose
    }

    /// The target's host, where it may send `100 Continue`, as far as is known.
    pub(crate) fn continues(&self, target: &Uri) -> Option<ContinueHost> {
        self.continues.as_ref()?.of(target.authority()?.as_str())
    }

    /// How many of its requests may be sent again.
    pub(crate) fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// Sends a signed request and waits for the head of the response.
    ///
    /// The response timeout begins again with each piece of the body that is taken.
    ///
    /// # Errors
    ///
    /// [`SendFailure`], which determines whether the request may be sent again.
    pub async fn send(&self, request: Signed, attempt: Attempt) -> Result<Exchange, SendFailure> {
        let (mut head, body, progress) = request.into_parts();
        // hyper writes it from the target: the same text, as `Host` or as `:authority`.
        head.headers.remove(HOST);
        head.version = Version::HTTP_11;
        if let Some(value) = self.network.0.proxies.authorization_for(&head.uri) {
            head.headers.insert(PROXY_AUTHORIZATION, value);
        }
        let is_tls = head.uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let client = match attempt {
            Attempt::First => self.pooled.get(),
            Attempt::OnFreshConnection => &self.fresh,
            Attempt::OnFreshHttp2 => &self.bidirectional,
        };
        let gate = body.expect_continue();
        let waiting = gate.clone().map(HeldBody);
        if gate.is_some() {
            head.headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
        }
        let (body, upload) = Upload::new(body);
        let mut request = Request::from_parts(head, body);
        let connection = capture_connection(&mut request);
        let mut exchanging = Exchanging::new(upload, connection.clone());
        let interim = Interim::default();
        hyper::ext::on_informational(&mut request, {
            let (gate, interim) = (gate, interim.clone());
            move |response| {
                interim.count();
                if let Some(gate) = gate.as_ref().filter(|_| response.status() == StatusCode::CONTINUE) {
                    gate.continued();
                }
            }
        });
        let response = client.request(request);
        let outcome = exchange::wait(response, &progress, self.timeouts.response, &interim, &mut exchanging).await;
        let outcome =
            outcome.and_then(|response| exchange::checked(response, &interim, &connection, waiting, exchanging));
        if let Err(SendFailure {
            failure: AttemptFailure::Closed | AttemptFailure::Malformed | AttemptFailure::NotSent,
            peer: Some(peer),
            ..
        }) = &outcome
        {
            self.failed_addresses.record(*peer);
        }
        if attempt == Attempt::OnFreshHttp2 && !is_tls {
            return outcome.map_err(exchange::without_agreement);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::metrics::Metrics;
    use proxy_config::{Config, Environment};
    use request_body::{BodyContent, Progress};
    use resource_limits::DescriptorLimit;

    /// The next connection goes to another address of the name, where there is one.
    #[tokio::test]
    async fn address_on_which_an_exchange_failed_comes_last() {
        for response in ["", "no HTTP\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                let (mut socket, _) = listener.accept().await.unwrap();
                socket.read_buf(&mut Vec::with_capacity(4096)).await.unwrap();
                socket.write_all(response.as_bytes()).await.unwrap();
            });
            let upstream = upstream();
            let (head, ()) = Request::get(format!("http://{address}/"))
                .body(())
                .unwrap()
                .into_parts();
            let progress = Progress::new();
            let body = BodyContent::Empty.body(None, progress.clone());
            let sent = upstream
                .send(Signed::for_test(head, body, progress), Attempt::First)
                .await;
            let failure = sent.map(drop).unwrap_err().failure;
            assert!(
                matches!(failure, AttemptFailure::Closed | AttemptFailure::Malformed),
                "{response}: {failure:?}"
            );
            let other = "127.0.0.2:1".parse().unwrap();
            let sorted = upstream.failed_addresses.sorted(vec![address, other]);
            assert_eq!(sorted, [other, address]);
        }
    }

    fn upstream() -> Upstream {
        let config = Config::from_toml(
            "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nauth = { method = \"default-chain\" }",
            &Environment::empty(),
        );
        let config = config.unwrap();
        let (name, connection) = config.connections.first_key_value().unwrap();
        let purpose = Purpose {
            protocols: Protocols::Http1,
            own_host: None,
            timeouts: connection.timeouts,
        };
        let network = Network::new(&config.upstream, config.server.threads, &DescriptorLimit::none(), None).unwrap();
        Upstream::new(&network, purpose, &Metrics::new().upstream_connections(name))
    }
}
