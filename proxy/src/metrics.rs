//! What the proxy counts, and how `/metrics` tells it (`OpenMetrics` text).
//!
//! No globals: a [`Metrics`] is made at the start and handed to whoever counts; clones share the numbers.
//! Every label has a bounded set of values: connections and services come from the configuration, methods,
//! status classes, error codes and reasons from the source. Nothing a client sends becomes a label.
//!
//! `docs/configuration.md` lists every metric; a test compares that list with what is encoded.

mod counting;
mod credentials;
mod known;
mod labels;
mod permissions;
mod reloads;
mod retries;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use auth_model::{Connection, ConnectionName, ServiceId};
use http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::credentials::CredentialCollector;
use self::known::Known;
use self::labels::{ConnectionLabel, ErrorLabels, ListenerLabel, ReasonLabel, RequestLabels};
use self::permissions::PermissionFamilies;
use self::reloads::ReloadFamilies;
use self::retries::RetryLabels;
use crate::server::{ListenerRole, Refusal};

pub use self::counting::Held;
pub(crate) use self::counting::Tally;
pub(crate) use self::labels::ClientEnd;
pub(crate) use self::permissions::{PermissionTally, Verdict};
pub(crate) use self::retries::{RetryReason, RetryTally, SkewGauge};

/// The media type of [`Metrics::encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: a local emulator answers in milliseconds, a model streams for minutes.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
];

/// The proxy's counters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Families>);

#[derive(Debug)]
struct Families {
    requests: Family<RequestLabels, Counter>,
    errors: Family<ErrorLabels, Counter>,
    duration: Family<ConnectionLabel, Histogram, fn() -> Histogram>,
    upstream_head: Family<ConnectionLabel, Histogram, fn() -> Histogram>,
    request_bytes: Family<ConnectionLabel, Counter>,
    response_bytes: Family<ConnectionLabel, Counter>,
    upstream_connections: Family<ConnectionLabel, Counter>,
    retries: Family<RetryLabels, Counter>,
    clock_skew: Family<ConnectionLabel, Gauge>,
    spooled_bytes: Counter,
    in_flight: Gauge,
    clients: Family<ListenerLabel, Gauge>,
    clients_accepted: Family<ListenerLabel, Counter>,
    clients_ended: Family<ReasonLabel, Counter>,
    client_waits: Counter,
    accept_failures: Counter,
    credentials: CredentialCollector,
    reloads: ReloadFamilies,
    permissions: PermissionFamilies,
    /// Read while something is counted by connection, so that nothing is counted for one that is just forgotten.
    known: RwLock<Known>,
    registry: Registry,
}

/// A request that has ended, as it is counted.
#[derive(Clone, Debug)]
pub struct RequestSample<'a> {
    /// The connection that signed it; `None` where none was chosen.
    pub connection: Option<&'a ConnectionName>,
    /// The connection's service.
    pub service: Option<&'a ServiceId>,
    /// Its method.
    pub method: &'a Method,
    /// The status the client got; `None` where it left before.
    pub status: Option<StatusCode>,
    /// The code of the error, where the answer is ours.
    pub error: Option<&'static str>,
    /// From the request's head to the head of the service's answer.
    pub upstream_head: Option<Duration>,
    /// From the request's head to the end of the answer.
    pub total: Duration,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let new_histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut families = Families {
            requests: Family::default(),
            errors: Family::default(),
            duration: Family::new_with_constructor(new_histogram),
            upstream_head: Family::new_with_constructor(new_histogram),
            request_bytes: Family::default(),
            response_bytes: Family::default(),
            upstream_connections: Family::default(),
            retries: Family::default(),
            clock_skew: Family::default(),
            spooled_bytes: Counter::default(),
            in_flight: Gauge::default(),
            clients: Family::default(),
            clients_accepted: Family::default(),
            clients_ended: Family::default(),
            client_waits: Counter::default(),
            accept_failures: Counter::default(),
            credentials: CredentialCollector::default(),
            reloads: ReloadFamilies::default(),
            permissions: PermissionFamilies::default(),
            known: RwLock::default(),
            registry: Registry::with_prefix("signing_proxy"),
        };
        families.register();
        Self(Arc::new(families))
    }

    /// Counts a request that has ended.
    pub fn request_ended(&self, sample: &RequestSample<'_>) {
        let families = &*self.0;
        let known = families.known.read().unwrap_or_else(PoisonError::into_inner);
        let sample = &known.name(sample);
        families.requests.get_or_create(&RequestLabels::of(sample)).inc();
        if let Some(code) = sample.error {
            families
                .errors
                .get_or_create(&ErrorLabels::new(sample.connection, code))
                .inc();
        }
        let connection = ConnectionLabel::new(sample.connection);
        families
            .duration
            .get_or_create(&connection)
            .observe(sample.total.as_secs_f64());
        if let Some(head) = sample.upstream_head {
            families
                .upstream_head
                .get_or_create(&connection)
                .observe(head.as_secs_f64());
        }
        families
            .request_bytes
            .get_or_create(&connection)
            .inc_by(sample.request_bytes);
        families
            .response_bytes
            .get_or_create(&connection)
            .inc_by(sample.response_bytes);
    }

    /// A request begins; it counts as in flight until the answer is dropped.
    #[must_use]
    pub fn request_begins(&self) -> Held {
        Held::new(self.0.in_flight.clone())
    }

    /// From now on these connections are told of, with the state of their credentials, and no others: what was counted
    /// for those that are gone is forgotten.
    pub fn watch_connections<'a>(
        &self,
        connections: impl IntoIterator<Item = (&'a Connection, sts_client::CredentialSource)>,
    ) {
        let (connections, sources): (Vec<_>, Vec<_>) = connections
            .into_iter()
            .map(|(connection, source)| (connection, (connection.name.clone(), source)))
            .unzip();
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        for (name, service, what) in known.replace(connections.into_iter()) {
            self.0.forget(&name, &service, what);
        }
        self.0.credentials.watch(sources);
    }

    /// A configuration is in effect: how many have been, what tells it from others, since when.
    pub(crate) fn config_in_effect(&self, generation: u64, fingerprint: u64, since: SystemTime) {
        self.0.reloads.in_effect(generation, fingerprint, since);
    }

    /// Another configuration was taken.
    pub(crate) fn reload_succeeded(&self) {
        self.0.reloads.succeeded();
    }

    /// Another configuration was not taken.
    pub(crate) fn reload_failed(&self) {
        self.0.reloads.failed();
    }

    /// The listener is there no longer, nor is any client of it.
    pub(crate) fn listener_removed(&self, listener: &ListenerRole) {
        self.0.forget_listener(listener);
    }

    /// Counts the connections opened to the upstream of one of the proxy's connections; told from now on, as zero.
    pub(crate) fn upstream_connections(&self, connection: &ConnectionName) -> Tally {
        let label = ConnectionLabel::new(Some(connection));
        Tally(self.0.upstream_connections.get_or_create_owned(&label))
    }

    /// Counts the requests of one of the proxy's connections that are sent again; told from now on, as zero.
    pub(crate) fn retries(&self, connection: &ConnectionName) -> RetryTally {
        RetryTally::new(&self.0.retries, connection)
    }

    /// Tells how far a connection's signatures are from this machine's clock, from now on.
    pub(crate) fn clock_skew(&self, connection: &ConnectionName) -> SkewGauge {
        let label = ConnectionLabel::new(Some(connection));
        SkewGauge::new(self.0.clock_skew.get_or_create_owned(&label))
    }

    /// Counts what the requests of a connection asked of IAM.
    pub(crate) fn permissions(&self, connection: &ConnectionName) -> PermissionTally {
        self.0.permissions.of(connection)
    }

    /// Counts the bytes of bodies that went to the disk.
    pub(crate) fn spooled_bytes(&self) -> Tally {
        Tally(self.0.spooled_bytes.clone())
    }

    /// A client's connection begins; it counts as open until the answer is dropped.
    pub(crate) fn client_begins(&self, listener: &ListenerRole) -> Held {
        let label = ListenerLabel::new(listener);
        self.0.clients_accepted.get_or_create(&label).inc();
        Held::new(self.0.clients.get_or_create_owned(&label))
    }

    /// A client's connection ended.
    pub(crate) fn client_ended(&self, end: ClientEnd) {
        self.0.clients_ended.get_or_create(&ReasonLabel { reason: end }).inc();
    }

    /// What a client sent could not be read as a request.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.0
            .errors
            .get_or_create(&ErrorLabels::new(None, refusal.name()))
            .inc();
    }

    /// A client had to wait for another one to leave.
    pub(crate) fn client_had_to_wait(&self) {
        self.0.client_waits.inc();
    }

    /// The operating system had no connection to give.
    pub(crate) fn accept_failed(&self) {
        self.0.accept_failures.inc();
    }

    /// Everything as `OpenMetrics` text.
    ///
    /// # Errors
    ///
    /// Only where a metric cannot be written as text, which would be a defect.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Families {
    fn register(&mut self) {
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
            "client_waits",
            "Clients that waited because of server.max_clients",
            self.client_waits.clone(),
        );
        r.register(
            "accept_failures",
            "Failures to accept a client",
            self.accept_failures.clone(),
        );
        r.register_collector(Box::new(self.credentials.clone()));
        self.reloads.register(r);
        self.permissions.register(r);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(method: &Method) -> RequestSample<'_> {
        RequestSample {
            connection: None,
            service: None,
            method,
            status: Some(StatusCode::FORBIDDEN),
            error: Some("no-connection"),
            upstream_head: None,
            total: Duration::from_millis(20),
            request_bytes: 3,
            response_bytes: 4,
        }
    }

    #[track_caller]
    fn check(metrics: &Metrics, line: &str) {
        let text = metrics.encode().unwrap();
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }

    #[test]
    fn a_request_is_counted_by_connection_service_method_and_status_class() {
        let metrics = Metrics::new();
        let name = ConnectionName::parse("reports").unwrap();
        let service = ServiceId::parse("s3").unwrap();
        metrics.request_ended(&RequestSample {
            connection: Some(&name),
            service: Some(&service),
            status: Some(StatusCode::NO_CONTENT),
            error: None,
            upstream_head: Some(Duration::from_millis(7)),
            ..sample(&Method::PUT)
        });
        check(
            &metrics,
            r#"signing_proxy_requests_total{connection="reports",service="s3",method="PUT",status="2xx"} 1"#,
        );
        check(
            &metrics,
            r#"signing_proxy_request_body_bytes_total{connection="reports"} 3"#,
        );
        check(
            &metrics,
            r#"signing_proxy_response_body_bytes_total{connection="reports"} 4"#,
        );
        check(
            &metrics,
            r#"signing_proxy_upstream_head_duration_seconds_bucket{le="0.01",connection="reports"} 1"#,
        );
        check(
            &metrics,
            r#"signing_proxy_request_duration_seconds_bucket{le="0.01",connection="reports"} 0"#,
        );
    }

    #[test]
    fn what_clients_invent_does_not_become_a_label() {
        let metrics = Metrics::new();
        let method = Method::from_bytes(b"INVENTED").unwrap();
        metrics.request_ended(&RequestSample {
            status: None,
            ..sample(&method)
        });
        check(
            &metrics,
            r#"signing_proxy_requests_total{connection="",service="",method="other",status="left"} 1"#,
        );
        check(
            &metrics,
            r#"signing_proxy_errors_total{connection="",code="no-connection"} 1"#,
        );
    }

    #[test]
    fn what_is_taken_out_of_the_configuration_is_forgotten() {
        let metrics = Metrics::new();
        let end = |connection: &Connection| {
            metrics.request_ended(&RequestSample {
                connection: Some(&connection.name),
                service: Some(&connection.service),
                upstream_head: Some(Duration::ZERO),
                ..sample(&Method::GET)
            });
        };
        let (first, source) = credentials::tests::connection("first", "s3");
        metrics.watch_connections([(&first, source.clone())]);
        metrics.upstream_connections(&first.name);
        end(&first);
        check(
            &metrics,
            r#"signing_proxy_errors_total{connection="first",code="no-connection"} 1"#,
        );
        let before = metrics.encode().unwrap().lines().count();
        for number in 0..100 {
            let (next, source) = credentials::tests::connection(&format!("next-{number}"), "s3");
            metrics.watch_connections([(&next, source)]);
            metrics.upstream_connections(&next.name);
            end(&next);
        }
        let text = metrics.encode().unwrap();
        assert_eq!(text.lines().count(), before, "{text}");
        assert!(!text.contains("first"), "{text}");
        // Its last request may end later.
        end(&first);
        check(
            &metrics,
            r#"signing_proxy_requests_total{connection="",service="",method="GET",status="4xx"} 1"#,
        );
    }

    #[test]
    fn another_service_of_a_connection_takes_the_place_of_the_one_before() {
        let metrics = Metrics::new();
        for service in ["s3", "ec2"] {
            let (connection, source) = credentials::tests::connection("reports", service);
            metrics.watch_connections([(&connection, source)]);
            metrics.request_ended(&RequestSample {
                connection: Some(&connection.name),
                service: Some(&connection.service),
                ..sample(&Method::GET)
            });
        }
        check(
            &metrics,
            r#"signing_proxy_request_body_bytes_total{connection="reports"} 6"#,
        );
        assert!(!metrics.encode().unwrap().contains("s3"));
    }

    #[test]
    fn gauges_go_down_again() {
        let metrics = Metrics::new();
        let request = metrics.request_begins();
        let client = metrics.client_begins(&ListenerRole::Shared);
        check(&metrics, "signing_proxy_requests_in_flight 1");
        check(&metrics, r#"signing_proxy_client_connections{listener="shared"} 1"#);
        drop((request, client));
        check(&metrics, "signing_proxy_requests_in_flight 0");
        check(&metrics, r#"signing_proxy_client_connections{listener="shared"} 0"#);
    }

    /// Name and type of every metric that `text` holds, as `name type`.
    fn told(text: &str) -> Vec<String> {
        let mut told: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .map(ToOwned::to_owned)
            .collect();
        told.sort();
        told
    }

    #[test]
    fn the_documentation_lists_exactly_what_is_told() {
        const PAGE: &str = include_str!("../../docs/configuration.md");
        let metrics = Metrics::new();
        // A family without a sample is not told.
        metrics.request_ended(&RequestSample {
            upstream_head: Some(Duration::ZERO),
            ..sample(&Method::GET)
        });
        drop(metrics.client_begins(&ListenerRole::Admin));
        metrics.client_ended(ClientEnd::Closed);
        let name = ConnectionName::parse("reports").unwrap();
        metrics.upstream_connections(&name);
        metrics.retries(&name).add(RetryReason::Clock);
        metrics.clock_skew(&name).set(-3);
        metrics.permissions(&name).count_unmapped(Verdict::Allowed);
        credentials::tests::watch_one(&metrics);
        let told = told(&metrics.encode().unwrap());

        let section = PAGE
            .split("\n## Metrics\n")
            .nth(1)
            .unwrap()
            .split("\n## ")
            .next()
            .unwrap();
        let rows = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `signing_proxy_"));
        let mut listed: Vec<_> = rows
            .map(|row| {
                let mut cells = row.split('|').map(str::trim);
                let name = cells.next().unwrap().trim_end_matches('`');
                format!("signing_proxy_{name} {}", cells.next().unwrap())
            })
            .collect();
        listed.sort();
        assert_eq!(listed, told);
    }
}
