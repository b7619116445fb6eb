//! What the proxy counts, and how `/metrics` reports it.
//!
//! No globals: a [`Metrics`] is made at the start and handed to whoever counts; clones share the numbers.
//! Every label has a bounded set of values: connections and services come from the configuration, methods,
//! status classes, error codes and reasons from the source. Nothing a client sends becomes a label.
//!
//! `docs/configuration.md` lists every metric; a test compares that list with what is encoded.

mod aws_errors;
mod calls;
mod counting;
mod credentials;
mod exposition;
mod families;
mod known;
mod labels;
mod owned;
mod permissions;
mod process;
mod reloads;
mod retries;
mod server;
mod shares;

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use auth_model::{Connection, ConnectionName, ServiceId};
use credential_assets::CallObserver;
use http::{Method, StatusCode};
use prometheus_client::encoding::text::{encode, encode_registry};
use prometheus_client::metrics::counter::Counter;

use self::aws_errors::AwsErrorLabels;
use self::families::Families;
use self::labels::{ConnectionLabel, ErrorLabels, RequestLabels};
use crate::error::ErrorCode;

pub use self::counting::{Tally, UpstreamTally};
#[cfg(test)]
pub(crate) use self::credentials::tests::never_requested;
pub use self::exposition::Exposition;
pub use self::permissions::{PermissionTally, Verdict};
pub use self::retries::{RetryReason, RetryTally, SkewGauge};
pub use self::shares::Watched;

/// The proxy's counters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Families>);

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
    /// The code of the error, where the response is ours.
    pub error: Option<&'static str>,
    /// AWS's code, where the service's response is an error.
    pub aws_error: Option<&'a str>,
    /// From the request's head to the head of the service's response.
    pub upstream_head: Option<Duration>,
    /// From the request's head to the end of the response.
    pub total: Duration,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the response's body.
    pub response_bytes: u64,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Families::new()))
    }

    /// Counts a request that has ended.
    pub fn request_ended(&self, sample: &RequestSample<'_>) {
        let families = &*self.0;
        let known = families.known.read().unwrap_or_else(PoisonError::into_inner);
        let sample = &known.name(sample);
        let of_service = || Some((sample.connection?.clone(), sample.service?.clone()));
        families
            .requests
            .count(of_service, &RequestLabels::of(sample), one_more);
        let of_connection = || sample.connection.cloned();
        if let Some(code) = sample.error {
            let labels = ErrorLabels::new(sample.connection, code);
            families.errors.count(of_connection, &labels, one_more);
        }
        if let Some(labels) = AwsErrorLabels::of(sample) {
            families.aws_errors.count(of_connection, &labels, one_more);
        }
        let connection = ConnectionLabel::new(sample.connection);
        families.duration.count(of_connection, &connection, |duration| {
            duration.observe(sample.total.as_secs_f64());
        });
        if let Some(head) = sample.upstream_head {
            families.upstream_head.count(of_connection, &connection, |duration| {
                duration.observe(head.as_secs_f64());
            });
        }
        families.request_bytes.count(of_connection, &connection, |counter| {
            counter.inc_by(sample.request_bytes);
        });
        families.response_bytes.count(of_connection, &connection, |counter| {
            counter.inc_by(sample.response_bytes);
        });
    }

    /// Measures the calls to STS, metadata services, vaults and secret stores.
    #[must_use]
    pub fn calls(&self) -> Arc<dyn CallObserver> {
        Arc::new(self.0.calls.clone())
    }

    /// From now on these connections are exported, with the state of their credentials, and no others: what was counted
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
            self.0.remove(name, service, what);
        }
        self.0.credentials.watch(sources);
    }

    /// A configuration is in effect: how many have been, what tells it from others, since when.
    pub fn config_in_effect(&self, generation: u64, fingerprint: u64, since: SystemTime) {
        self.0.reloads.in_effect(generation, fingerprint, since);
    }

    /// Another configuration was taken.
    pub fn reload_succeeded(&self) {
        self.0.reloads.succeeded();
    }

    /// Another configuration was not taken.
    pub fn reload_failed(&self) {
        self.0.reloads.failed();
    }

    /// From now on these pools are read, and no others.
    pub fn watch_shares(&self, pools: Vec<Watched>) {
        self.0.shares.watch(pools);
    }

    /// Counts the connections opened to the upstream of one of the proxy's connections, and the hosts that cannot be
    /// connected to; exported from now on, as zero.
    #[must_use]
    pub fn upstream_connections(&self, connection: &ConnectionName) -> UpstreamTally {
        let label = ConnectionLabel::new(Some(connection));
        UpstreamTally {
            opened: Tally(self.0.upstream_connections.of_owner(connection.clone(), &label)),
            circuits_opened: Tally(self.0.circuits_opened.of_owner(connection.clone(), &label)),
        }
    }

    /// Counts the requests of one of the proxy's connections that are sent again; exported from now on, as zero.
    #[must_use]
    pub fn retries(&self, connection: &ConnectionName) -> RetryTally {
        RetryTally::new(&self.0.retries, connection)
    }

    /// Exports how far a connection's signatures are from this machine's clock, from now on.
    #[must_use]
    pub fn clock_skew(&self, connection: &ConnectionName) -> SkewGauge {
        let label = ConnectionLabel::new(Some(connection));
        SkewGauge::new(self.0.clock_skew.of_owner(connection.clone(), &label))
    }

    /// Counts what the requests of a connection needed of IAM.
    #[must_use]
    pub fn permissions(&self, connection: &ConnectionName) -> PermissionTally {
        self.0.permissions.of(connection)
    }

    /// Counts the bytes of bodies that went to the disk.
    #[must_use]
    pub fn spooled_bytes(&self) -> Tally {
        Tally(self.0.spooled_bytes.clone())
    }

    /// What a client sent was rejected before it was a request.
    pub fn request_rejected(&self, code: ErrorCode) {
        let labels = ErrorLabels::new(None, code.name());
        self.0.errors.count(|| None, &labels, one_more);
    }

    /// Everything as `OpenMetrics` text.
    ///
    /// # Errors
    ///
    /// Only where a metric cannot be written as text, which would be a defect.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.0.process)?;
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    /// Everything in this form.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_as(&self, form: Exposition) -> Result<String, fmt::Error> {
        form.write(self.encode()?)
    }
}

fn one_more(counter: &Counter) {
    counter.inc();
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
