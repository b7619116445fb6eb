//! The way to the service: one pool of connections for each of the proxy's connections.
//!
//! What arrives here is signed. Nothing is added but what belongs to the hop: `Host` (or `:authority`), spelled as it
//! was signed, and the credentials for an HTTP proxy on the way.
//!
//! S3 and its kin are spoken to by HTTP/1.1 only: over HTTP/2 all requests to a host share one TCP connection,
//! and bulk transfers would share its bandwidth. Everything else negotiates by ALPN. Conversations need HTTP/2, and
//! each has a connection of its own: none waits for another one's window, and none meets a connection that has died.

mod avoid;
mod body;
mod connect;
mod dial;
mod exchange;
mod fault;
mod link;
mod multiplexed;
mod permits;
mod reach;
mod resolve;
mod response_head;
mod socket;
mod trust;
mod upload;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use aws_endpoints::{AddressRules, ServiceTraits};
use http::header::{EXPECT, HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::body::{Continues, ExpectContinue};
use crate::config::{PoolConfig, Timeouts, UpstreamConfig};
use crate::metrics::UpstreamTally;
use crate::process::DescriptorLimit;
use crate::retry::{Breakers, Budgets, Fault};
use crate::share::Pool;
use crate::sign::Signed;
use crate::threads::PerThread;
use avoid::Avoided;
use body::HeldBody;
use connect::Connector;
use dial::{Dial, Egress};
use exchange::Interim;
use upload::{Exchanging, RequestBody, Upload};

pub(crate) use body::ServiceBody;
pub(crate) use exchange::{Exchange, SendFault};
pub use fault::UpstreamError;
pub(crate) use reach::{HandshakeFault, Hop, connect, resolve};
pub(crate) use resolve::{BucketNames, allowed};
pub(crate) use trust::Trust;

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

/// How long an idle connection is kept where few may be open.
const SHORT_IDLE: Duration = Duration::from_secs(1);

/// What all upstreams share: trusted roots and the proxy on the way out. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Network(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: UpstreamConfig,
    /// How many send requests.
    threads: NonZeroUsize,
    /// Of `ca_file`, to notice another content.
    ca_pem: Option<Vec<u8>>,
    trust: Trust,
    egress: Arc<Egress>,
    descriptors: DescriptorLimit,
}

impl Network {
    /// Reads the trusted roots; `threads` are going to send requests, by so many connections at a time. The network before
    /// this one stays, with the pools that were made on it, where the settings and the content of `ca_file` are the same.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] where `ca_file` cannot be used.
    pub(crate) fn new(
        config: &UpstreamConfig,
        threads: NonZeroUsize,
        descriptors: &DescriptorLimit,
        before: Option<&Self>,
    ) -> Result<Self, UpstreamError> {
        let ca_pem = config.ca_file.as_deref().map(trust::read).transpose()?;
        if let Some(before) = before.filter(|before| before.0.config == *config && before.0.ca_pem == ca_pem) {
            return Ok(before.clone());
        }
        Ok(Self(Arc::new(Shared {
            trust: Trust::new(config.ca_file.as_deref().zip(ca_pem.as_deref()))?,
            egress: Arc::new(Egress::new(&config.proxy)),
            config: config.clone(),
            threads,
            ca_pem,
            descriptors: descriptors.clone(),
        })))
    }

    /// How long a connection is kept that no request uses: for moments where there may be fewer connections than are kept for
    /// one host, since one to another host would have to wait for its end.
    fn idle_timeout(&self) -> Duration {
        let PoolConfig {
            idle_timeout,
            idle_per_host,
            ..
        } = self.0.config.pool;
        let is_short = self.0.descriptors.most() < u64::try_from(idle_per_host).unwrap_or(u64::MAX);
        if is_short {
            idle_timeout.min(SHORT_IDLE)
        } else {
            idle_timeout
        }
    }

    /// How many connections to services there may be.
    pub(crate) fn descriptors(&self) -> &DescriptorLimit {
        &self.0.descriptors
    }

    /// At which addresses AWS's names may be.
    pub(crate) fn address_rules(&self) -> AddressRules {
        AddressRules::with_allowed(self.0.config.allow_addresses.clone())
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What a pool is made for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Purpose {
    /// What is offered to a TLS server.
    pub(crate) protocols: Protocols,
    /// Names that are not looked up as they are.
    pub(crate) names: BucketNames,
    /// Patience with the service.
    pub(crate) timeouts: Timeouts,
}

/// Which protocols are offered to a TLS server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocols {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, else HTTP/1.1.
    Http2OrHttp1,
}

impl Protocols {
    /// Those that a service is spoken to by.
    pub(crate) fn of(traits: &ServiceTraits) -> Self {
        if traits.is_s3_family {
            Self::Http1
        } else {
            Self::Http2OrHttp1
        }
    }
}

/// Whether a pooled connection may be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    /// One from the pool, if there is one.
    First,
    /// A new one, since the one from the pool turned out to be dead, or might, and the body can be sent only once.
    OnFreshConnection,
    /// A new one that takes HTTP/2, and nothing else.
    OnFreshHttp2,
}

/// The pool of one of the proxy's connections.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// What is on the way to the service stays on the thread of its client.
    pooled: PerThread<Client<Connector, RequestBody>>,
    fresh: Client<Connector, RequestBody>,
    conversing: Client<Connector, RequestBody>,
    egress: Arc<Egress>,
    /// Addresses that the next connection goes to last.
    avoided: Avoided,
    budgets: Budgets,
    permits: Pool,
    timeouts: Timeouts,
    network: Network,
    purpose: Purpose,
    /// Only for S3 and its kin: no other service gets `Expect` from its SDKs, and one that does not know it would delay each
    /// request. They are spoken to by HTTP/1.1: over HTTP/2 nobody would hear it.
    continues: Option<ExpectContinue>,
}

impl Upstream {
    /// A pool that has no connections yet.
    pub(crate) fn new(network: &Network, purpose: Purpose, counted: &UpstreamTally) -> Self {
        let Shared {
            config,
            threads,
            trust,
            egress,
            descriptors,
            ..
        } = &*network.0;
        let threads = *threads;
        let timeouts = purpose.timeouts;
        let rules = purpose.names.are_awss().then(|| Arc::new(network.address_rules()));
        let (avoided, breakers) = (Avoided::default(), Breakers::default());
        let connector = |protocols: Protocols| {
            let tls = trust.client_config(protocols);
            let (names, rules) = (purpose.names.clone(), rules.clone());
            let dial = Dial::new(
                Arc::clone(egress),
                names,
                rules,
                avoided.clone(),
                timeouts.connect,
                descriptors,
            );
            Connector::new(tls, dial, timeouts.connect, counted.clone(), breakers.clone())
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
            conversing: builder(0)
                .http2_only(true)
                // It has a single stream.
                .http2_initial_connection_window_size(HTTP2_STREAM_BUFFER)
                .build(connector(Protocols::Http2OrHttp1).for_http2()),
            egress: Arc::clone(egress),
            avoided: avoided.clone(),
            budgets: Budgets::default(),
            permits: Pool::new(permits::size(0)),
            timeouts,
            network: network.clone(),
            continues: (purpose.protocols == Protocols::Http1).then(ExpectContinue::default),
            purpose,
        }
    }

    /// Whether a pool on this network for this purpose would be no other.
    pub(crate) fn serves(&self, network: &Network, purpose: &Purpose) -> bool {
        self.network.is(network) && self.purpose == *purpose
    }

    /// The target's host, where it may send `100 Continue`, as far as is known.
    pub(crate) fn continues(&self, target: &Uri) -> Option<Continues> {
        self.continues.as_ref()?.of(target.authority()?.as_str())
    }

    /// How many of its requests may be sent again.
    pub(crate) fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// Sends a signed request and waits for the head of the response.
    ///
    /// The time for the answer begins anew with each piece of the body that is taken.
    ///
    /// # Errors
    ///
    /// [`SendFault`], which says whether the request may be sent again.
    pub(crate) async fn send(&self, request: Signed, attempt: Attempt) -> Result<Exchange, SendFault> {
        let (mut head, body, progress) = request.into_parts();
        // hyper writes it from the target: the same text, as `Host` or as `:authority`.
        head.headers.remove(HOST);
        head.version = Version::HTTP_11;
        if let Some(value) = self.egress.authorization_for(&head.uri) {
            head.headers.insert(PROXY_AUTHORIZATION, value);
        }
        let is_tls = head.uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let client = match attempt {
            Attempt::First => self.pooled.get(),
            Attempt::OnFreshConnection => &self.fresh,
            Attempt::OnFreshHttp2 => &self.conversing,
        };
        let gate = body.gate();
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
                    gate.open();
                }
            }
        });
        let response = client.request(request);
        let answer = exchange::wait(response, &progress, self.timeouts.response, &interim, &mut exchanging).await;
        let answer =
            answer.and_then(|response| exchange::checked(response, &interim, &connection, waiting, exchanging));
        if let Err(SendFault {
            fault: Fault::Closed | Fault::Malformed | Fault::NotSent,
            peer: Some(peer),
            ..
        }) = &answer
        {
            self.avoided.note(*peer);
        }
        if attempt == Attempt::OnFreshHttp2 && !is_tls {
            return answer.map_err(exchange::without_agreement);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};

    #[test]
    fn another_network_is_made_where_its_settings_or_the_content_of_its_ca_file_differ() {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        let write_ca = || {
            let names = vec!["localhost".to_owned()];
            std::fs::write(&ca_file, rcgen::generate_simple_self_signed(names).unwrap().cert.pem()).unwrap();
        };
        write_ca();
        let toml = format!(
            "[upstream]\nca_file = \"{}\"\n[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\n\
             auth = {{ method = \"default-chain\" }}",
            ca_file.display()
        );
        let config = Config::from_toml(&toml, &Environment::empty()).unwrap().upstream;
        let first = Network::new(&config, NonZeroUsize::MIN, &DescriptorLimit::none(), None).unwrap();
        let is_kept = |config| {
            let next = Network::new(config, NonZeroUsize::MIN, &DescriptorLimit::none(), Some(&first)).unwrap();
            next.is(&first)
        };
        assert!(is_kept(&config));
        let without_pool = UpstreamConfig {
            pool: crate::config::PoolConfig {
                idle_per_host: 0,
                ..config.pool
            },
            ..config.clone()
        };
        assert!(!is_kept(&without_pool));
        write_ca();
        assert!(!is_kept(&config));
    }
}
