//! The state of the connections' credentials, read when `/metrics` is requested.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_model::ConnectionName;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use sts_client::{CredentialCounters, CredentialSource, CredentialState};

use super::labels::ConnectionLabel;

/// The sources to read, in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct CredentialCollector(Arc<RwLock<Vec<(ConnectionLabel, CredentialSource)>>>);

/// How one of the counters is called, explained and read.
type CounterRow = (&'static str, &'static str, fn(&CredentialCounters) -> u64);

struct Reading {
    label: ConnectionLabel,
    state: CredentialState,
    counters: CredentialCounters,
    session_space_percent: Option<u32>,
    stale_for: Option<Duration>,
}

impl CredentialCollector {
    /// Reads these from now on, and no others.
    pub(super) fn watch(&self, sources: Vec<(ConnectionName, CredentialSource)>) {
        let labelled = sources
            .into_iter()
            .map(|(connection, source)| (ConnectionLabel::new(Some(&connection)), source));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = labelled.collect();
    }

    fn read(&self) -> Vec<Reading> {
        let sources = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sources
            .iter()
            .map(|(label, source)| Reading {
                label: label.clone(),
                state: source.state(),
                counters: source.counters(),
                session_space_percent: source.session_space_percent(),
                stale_for: source.stale_for(),
            })
            .collect()
    }
}

impl Collector for CredentialCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let readings = self.read();
        let ratio = Unit::Other("ratio".to_owned());
        family(
            &mut encoder,
            (
                "credentials_valid",
                "1 while a request would be signed without waiting for credentials",
                None,
            ),
            MetricType::Gauge,
            readings
                .iter()
                .map(|reading| (&reading.label, ConstGauge::new(i64::from(reading.state.is_serving())))),
        )?;
        family(
            &mut encoder,
            (
                "credentials_expiry_timestamp",
                "When the credentials held expire",
                Some(&Unit::Seconds),
            ),
            MetricType::Gauge,
            readings
                .iter()
                .filter_map(|reading| Some((&reading.label, ConstGauge::new(expiry(&reading.state)?)))),
        )?;
        family(
            &mut encoder,
            (
                "credentials_session_token_utilization",
                "How much of what a session may hold its policies and tags take",
                Some(&ratio),
            ),
            MetricType::Gauge,
            readings.iter().filter_map(|reading| {
                Some((
                    &reading.label,
                    ConstGauge::new(f64::from(reading.session_space_percent?) / 100.0),
                ))
            }),
        )?;
        family(
            &mut encoder,
            (
                "credential_asset_stale",
                "How long ago the keys that serve were last confirmed, while what keeps them fails; else 0",
                Some(&Unit::Seconds),
            ),
            MetricType::Gauge,
            readings.iter().map(|reading| {
                let seconds = reading.stale_for.map_or(0, |age| age.as_secs());
                (
                    &reading.label,
                    ConstGauge::new(i64::try_from(seconds).unwrap_or(i64::MAX)),
                )
            }),
        )?;
        let counters: [CounterRow; 3] = [
            (
                "credentials_obtained",
                "Attempts to obtain credentials that succeeded",
                |counters| counters.obtained,
            ),
            (
                "credentials_failed",
                "Attempts to obtain credentials that failed",
                |counters| counters.failed,
            ),
            (
                "credentials_backoff_rejections",
                "Requests for credentials that got the last failure during the backoff after it",
                |counters| counters.backed_off,
            ),
        ];
        for (name, help, count) in counters {
            family(
                &mut encoder,
                (name, help, None),
                MetricType::Counter,
                readings
                    .iter()
                    .map(|reading| (&reading.label, ConstCounter::new(count(&reading.counters)))),
            )?;
        }
        Ok(())
    }
}

fn family<'a, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): (&str, &str, Option<&Unit>),
    kind: MetricType,
    rows: impl Iterator<Item = (&'a ConnectionLabel, M)>,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, unit, kind)?;
    for (label, value) in rows {
        value.encode(metric.encode_family(label)?)?;
    }
    Ok(())
}

/// Seconds since 1970; `None` where nothing is held or it does not expire.
fn expiry(state: &CredentialState) -> Option<i64> {
    let at: SystemTime = match state {
        CredentialState::Valid { expires_at }
        | CredentialState::Degraded { expires_at, .. }
        | CredentialState::Rejected { expires_at, .. } => (*expires_at)?,
        CredentialState::Lapsed { since } => *since,
        _ => return None,
    };
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use auth_model::{AuthMethod, Connection, KeyAssets, KeyParts, Region, ServiceId, SystemClock};
    use credential_assets::{Assets, FixedEnvironment};
    use sts_client::StsSettings;

    use super::*;

    /// Has the metrics watch a connection that was not requested yet.
    pub(crate) fn watch_one(metrics: &super::super::Metrics) {
        let (connection, source) = never_requested("reports", "s3");
        metrics.watch_connections([(&connection, source)]);
    }

    /// A connection that was not requested yet.
    pub(crate) fn never_requested(name: &str, service: &str) -> (Connection, CredentialSource) {
        let connection = Connection {
            name: ConnectionName::parse(name).unwrap(),
            service: ServiceId::parse(service).unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            signing_name: None,
            auth: AuthMethod::AccessKey {
                keys: KeyAssets::Parts(KeyParts {
                    access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
                    secret_access_key: "literal:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".parse().unwrap(),
                    session_token: None,
                }),
            },
        };
        let assets = Assets::new(FixedEnvironment::from_iter([("", "")]));
        let source =
            CredentialSource::new(&connection, assets, &StsSettings::default(), Arc::new(SystemClock)).unwrap();
        (connection, source)
    }

    #[test]
    fn the_expiry_is_that_of_what_is_held_or_was() {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(
            expiry(&CredentialState::Valid { expires_at: Some(at) }),
            Some(1_700_000_000)
        );
        assert_eq!(expiry(&CredentialState::Lapsed { since: at }), Some(1_700_000_000));
        assert_eq!(expiry(&CredentialState::Valid { expires_at: None }), None);
        assert_eq!(expiry(&CredentialState::Never), None);
    }
}
