//! Every metric there is, with its name and its help.

use std::sync::RwLock;

use auth_model::{ConnectionName, ServiceId};
use http_server::Overflow;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use resource_limits::ListenerRole;

use super::aws_errors::AwsErrorLabels;
use super::calls::CallFamilies;
use super::credentials::CredentialCollector;
use super::known::Known;
use super::labels::{ConnectionLabel, ErrorLabels, ListenerLabel, OverflowLabel, ReasonLabel, RequestLabels};
use super::owned::{OwnedFamily, Removals};
use super::permissions::PermissionFamilies;
use super::process::ProcessCollector;
use super::reloads::ReloadFamilies;
use super::retries::RetryLabels;
use super::shares::ShareCollector;

/// Upper bounds in seconds: a local emulator responds in milliseconds, a model streams for minutes.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
];

/// With series for each connection.
type OfConnection<L, M> = OwnedFamily<ConnectionName, L, M>;

/// The families of metrics, and where they are registered.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) requests: OwnedFamily<(ConnectionName, ServiceId), RequestLabels, Counter>,
    pub(super) errors: OfConnection<ErrorLabels, Counter>,
    pub(super) aws_errors: OfConnection<AwsErrorLabels, Counter>,
    pub(super) duration: OfConnection<ConnectionLabel, Histogram>,
    pub(super) upstream_head: OfConnection<ConnectionLabel, Histogram>,
    pub(super) request_bytes: OfConnection<ConnectionLabel, Counter>,
    pub(super) response_bytes: OfConnection<ConnectionLabel, Counter>,
    pub(super) upstream_connections: OfConnection<ConnectionLabel, Counter>,
    pub(super) circuits_opened: OfConnection<ConnectionLabel, Counter>,
    pub(super) retries: OfConnection<RetryLabels, Counter>,
    pub(super) clock_skew: OfConnection<ConnectionLabel, Gauge>,
    pub(super) spooled_bytes: Counter,
    pub(super) in_flight: Gauge,
    pub(super) clients: OwnedFamily<ListenerRole, ListenerLabel, Gauge>,
    pub(super) clients_accepted: OwnedFamily<ListenerRole, ListenerLabel, Counter>,
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
    pub(super) of_connections: Removals<ConnectionName>,
    pub(super) of_services: Removals<(ConnectionName, ServiceId)>,
    pub(super) of_listeners: Removals<ListenerRole>,
    pub(super) registry: Registry,
    /// What has no prefix: every program's.
    pub(super) process: Registry,
}

impl Families {
    /// All at zero, and registered.
    pub(super) fn new() -> Self {
        let new_histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut families = Families {
            requests: OwnedFamily::default(),
            errors: OwnedFamily::default(),
            aws_errors: OwnedFamily::default(),
            duration: OwnedFamily::of(Family::new_with_constructor(new_histogram)),
            upstream_head: OwnedFamily::of(Family::new_with_constructor(new_histogram)),
            request_bytes: OwnedFamily::default(),
            response_bytes: OwnedFamily::default(),
            upstream_connections: OwnedFamily::default(),
            circuits_opened: OwnedFamily::default(),
            retries: OwnedFamily::default(),
            clock_skew: OwnedFamily::default(),
            spooled_bytes: Counter::default(),
            in_flight: Gauge::default(),
            clients: OwnedFamily::default(),
            clients_accepted: OwnedFamily::default(),
            clients_ended: Family::default(),
            clients_rejected: Family::default(),
            accept_failures: Counter::default(),
            calls: CallFamilies::new(),
            credentials: CredentialCollector::default(),
            shares: ShareCollector::default(),
            reloads: ReloadFamilies::default(),
            permissions: PermissionFamilies::default(),
            of_connections: Removals::default(),
            of_services: Removals::default(),
            of_listeners: Removals::default(),
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
        let r = &mut self.registry;
        self.process.register_collector(Box::new(ProcessCollector::new()));
        r.register(
            "build",
            "The running program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        r.register_with_unit(
            "spooled_body",
            "Request bodies kept on the disk",
            Unit::Bytes,
            self.spooled_bytes.clone(),
        );
        r.register(
            "requests_in_flight",
            "Requests whose response has not ended",
            self.in_flight.clone(),
        );
        r.register_collector(Box::new(self.credentials.clone()));
        r.register_collector(Box::new(self.shares.clone()));
        self.calls.register(r);
        self.reloads.register(r);
        self.register_requests();
        self.register_clients();
    }

    /// What is counted for each connection.
    fn register_requests(&mut self) {
        let r = &mut self.registry;
        self.of_services.register(
            r,
            ("requests", "Requests that ended, by the status the client got", None),
            &self.requests,
        );
        self.of_connections.register(
            r,
            ("errors", "Responses that were the proxy's own, by error code", None),
            &self.errors,
        );
        self.of_connections.register(
            r,
            (
                "aws_errors",
                "Error responses of services, by kind and by AWS's code",
                None,
            ),
            &self.aws_errors,
        );
        self.of_connections.register(
            r,
            (
                "request_duration",
                "From a request's head to the end of its response",
                Some(Unit::Seconds),
            ),
            &self.duration,
        );
        self.of_connections.register(
            r,
            (
                "upstream_head_duration",
                "From a request's head to the head of the service's response",
                Some(Unit::Seconds),
            ),
            &self.upstream_head,
        );
        self.of_connections.register(
            r,
            ("request_body", "Request bodies taken", Some(Unit::Bytes)),
            &self.request_bytes,
        );
        self.of_connections.register(
            r,
            ("response_body", "Response bodies sent", Some(Unit::Bytes)),
            &self.response_bytes,
        );
        self.of_connections.register(
            r,
            (
                "upstream_connections_opened",
                "Connections opened to upstreams, TLS included",
                None,
            ),
            &self.upstream_connections,
        );
        self.of_connections.register(
            r,
            (
                "upstream_circuits_opened",
                "Times that a host was left alone because it could not be connected to",
                None,
            ),
            &self.circuits_opened,
        );
        self.of_connections
            .register(r, ("retries", "Requests sent again, by reason", None), &self.retries);
        self.of_connections.register(
            r,
            (
                "clock_skew",
                "How far the service's clock is ahead of this machine's, as signatures take it",
                Some(Unit::Seconds),
            ),
            &self.clock_skew,
        );
        self.permissions.register(r, &mut self.of_connections);
    }

    fn register_clients(&mut self) {
        let r = &mut self.registry;
        self.of_listeners.register(
            r,
            ("client_connections", "Open client connections", None),
            &self.clients,
        );
        self.of_listeners.register(
            r,
            ("client_connections_accepted", "Client connections accepted", None),
            &self.clients_accepted,
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
    }
}
