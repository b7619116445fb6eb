//! Every metric there is, with its name and its help.

use std::sync::RwLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::aws_errors::AwsErrorLabels;
use super::calls::CallFamilies;
use super::credentials::CredentialCollector;
use super::known::Known;
use super::labels::{ConnectionLabel, ErrorLabels, ListenerLabel, OverflowLabel, ReasonLabel, RequestLabels};
use super::permissions::PermissionFamilies;
use super::process::ProcessCollector;
use super::reloads::ReloadFamilies;
use super::retries::RetryLabels;
use super::shares::ShareCollector;
use crate::server::Overflow;

/// Upper bounds in seconds: a local emulator answers in milliseconds, a model streams for minutes.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
];

/// The families of metrics, and where they are registered.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) requests: Family<RequestLabels, Counter>,
    pub(super) errors: Family<ErrorLabels, Counter>,
    pub(super) aws_errors: Family<AwsErrorLabels, Counter>,
    pub(super) duration: Family<ConnectionLabel, Histogram, fn() -> Histogram>,
    pub(super) upstream_head: Family<ConnectionLabel, Histogram, fn() -> Histogram>,
    pub(super) request_bytes: Family<ConnectionLabel, Counter>,
    pub(super) response_bytes: Family<ConnectionLabel, Counter>,
    pub(super) upstream_connections: Family<ConnectionLabel, Counter>,
    pub(super) circuits_opened: Family<ConnectionLabel, Counter>,
    pub(super) retries: Family<RetryLabels, Counter>,
    pub(super) clock_skew: Family<ConnectionLabel, Gauge>,
    pub(super) spooled_bytes: Counter,
    pub(super) in_flight: Gauge,
    pub(super) clients: Family<ListenerLabel, Gauge>,
    pub(super) clients_accepted: Family<ListenerLabel, Counter>,
    pub(super) clients_ended: Family<ReasonLabel, Counter>,
    pub(super) clients_rejected: Family<OverflowLabel, Counter>,
    pub(super) accept_failures: Counter,
    pub(super) calls: CallFamilies,
    pub(super) credentials: CredentialCollector,
    pub(super) shares: ShareCollector,
    pub(super) reloads: ReloadFamilies,
    pub(super) permissions: PermissionFamilies,
    /// Read while something is counted by connection, so that nothing is counted for one that is just forgotten.
    pub(super) known: RwLock<Known>,
    pub(super) registry: Registry,
    /// What has no prefix: every program's.
    pub(super) process: Registry,
}

impl Families {
    /// All at zero, and registered.
    pub(super) fn new() -> Self {
        let new_histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut families = Families {
            requests: Family::default(),
            errors: Family::default(),
            aws_errors: Family::default(),
            duration: Family::new_with_constructor(new_histogram),
            upstream_head: Family::new_with_constructor(new_histogram),
            request_bytes: Family::default(),
            response_bytes: Family::default(),
            upstream_connections: Family::default(),
            circuits_opened: Family::default(),
            retries: Family::default(),
            clock_skew: Family::default(),
            spooled_bytes: Counter::default(),
            in_flight: Gauge::default(),
            clients: Family::default(),
            clients_accepted: Family::default(),
            clients_ended: Family::default(),
            clients_rejected: Family::default(),
            accept_failures: Counter::default(),
            calls: CallFamilies::new(),
            credentials: CredentialCollector::default(),
            shares: ShareCollector::default(),
            reloads: ReloadFamilies::default(),
            permissions: PermissionFamilies::default(),
            known: RwLock::default(),
            registry: Registry::with_prefix("signing_proxy"),
            process: Registry::default(),
        };
        families.register();
        // From the start, so that the first rejection shows as an increase.
        for outcome in [Overflow::Rejected, Overflow::Closed] {
            drop(families.clients_rejected.get_or_create(&OverflowLabel::of(outcome)));
        }
        families
    }

    fn register(&mut self) {
        self.process.register_collector(Box::new(ProcessCollector::new()));
        let r = &mut self.registry;
        r.register(
            "build",
            "The running program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        r.register(
            "requests",
            "Requests that ended, by the status the client got",
            self.requests.clone(),
        );
        r.register(
            "errors",
            "Answers that were the proxy's own, by error code",
            self.errors.clone(),
        );
        r.register(
            "aws_errors",
            "Error responses of services, by kind and by AWS's code",
            self.aws_errors.clone(),
        );
        r.register_with_unit(
            "request_duration",
            "From a request's head to the end of its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
        r.register_with_unit(
            "upstream_head_duration",
            "From a request's head to the head of the service's answer",
            Unit::Seconds,
            self.upstream_head.clone(),
        );
        r.register_with_unit(
            "request_body",
            "Request bodies taken",
            Unit::Bytes,
            self.request_bytes.clone(),
        );
        r.register_with_unit(
            "response_body",
            "Answer bodies sent",
            Unit::Bytes,
            self.response_bytes.clone(),
        );
        r.register(
            "upstream_connections_opened",
            "Connections opened to upstreams, TLS included",
            self.upstream_connections.clone(),
        );
        r.register(
            "upstream_circuits_opened",
            "Times that a host was left alone because it could not be connected to",
            self.circuits_opened.clone(),
        );
        r.register("retries", "Requests sent again, by reason", self.retries.clone());
        r.register_with_unit(
            "clock_skew",
            "How far the service's clock is ahead of this machine's, as signatures take it",
            Unit::Seconds,
            self.clock_skew.clone(),
        );
        r.register_with_unit(
            "spooled_body",
            "Request bodies kept on the disk",
            Unit::Bytes,
            self.spooled_bytes.clone(),
        );
        r.register(
            "requests_in_flight",
            "Requests whose answer has not ended",
            self.in_flight.clone(),
        );
        r.register("client_connections", "Open client connections", self.clients.clone());
        r.register(
            "client_connections_accepted",
            "Client connections accepted",
            self.clients_accepted.clone(),
        );
        r.register(
            "client_connections_ended",
            "Client connections that ended, by reason",
            self.clients_ended.clone(),
        );
        r.register(
            "client_connections_rejected",
            "Client connections for which server.max_clients has no place",
            self.clients_rejected.clone(),
        );
        r.register(
            "accept_failures",
            "Failures to accept a client",
            self.accept_failures.clone(),
        );
        r.register_collector(Box::new(self.credentials.clone()));
        r.register_collector(Box::new(self.shares.clone()));
        self.calls.register(r);
        self.reloads.register(r);
        self.permissions.register(r);
    }
}
