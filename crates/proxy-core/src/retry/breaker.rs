//! Hosts that cannot be connected to are not tried for a while, so that requests do not wait for them one by one.
//!
//! Only what happens before a request is sent counts: connections that fail or time out, and TLS handshakes that fail. A
//! status never does: one throttled bucket must not stop the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::ErrorCode;

/// This many failures in a row open the circuit.
const THRESHOLD: u32 = 5;

/// Failures that are further apart are not in a row.
const IN_A_ROW: Duration = Duration::from_secs(30);

/// How long the circuit stays open at first: a server that is restarted is back soon.
const FIRST_OPEN: Duration = Duration::from_secs(1);

/// How long it stays open at most.
const MAX_OPEN: Duration = Duration::from_secs(30);

/// Hosts with failures that are remembered.
const MAX_HOSTS: usize = 1024;

/// The circuits of one connection's hosts. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breakers(Arc<Mutex<HashMap<String, Circuit>>>);

/// A host with failures; one without has none.
#[derive(Debug)]
struct Circuit {
    failures: u32,
    last_failure: Instant,
    last: ErrorCode,
    /// How often it opened in a row, and until when it stays so.
    opened: u32,
    open_until: Option<Instant>,
    /// One attempt is under way to find out.
    is_probed: bool,
}

/// No attempt is made to connect to the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the last attempts to connect to the host failed, the very last one with {}", last.name())]
pub(crate) struct CircuitOpen {
    /// What a request would have been rejected with at the last attempt.
    pub(crate) last: ErrorCode,
    /// Before the next one.
    pub(crate) retry_after: Duration,
}

/// One attempt to connect, which ends well, badly, or is dropped without a result.
#[derive(Debug)]
pub(crate) struct Ticket {
    breakers: Breakers,
    host: String,
    is_probe: bool,
}

impl Breakers {
    /// Before an attempt to connect.
    ///
    /// # Errors
    ///
    /// [`CircuitOpen`] where none is to be made.
    pub(crate) fn begin(&self, host: &str) -> Result<Ticket, CircuitOpen> {
        let mut is_probe = false;
        if let Some(circuit) = self.circuits().get_mut(host)
            && let Some(until) = circuit.open_until
        {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(CircuitOpen {
                    last: circuit.last,
                    retry_after: left,
                });
            }
            if circuit.is_probed {
                return Err(CircuitOpen {
                    last: circuit.last,
                    retry_after: FIRST_OPEN,
                });
            }
            circuit.is_probed = true;
            is_probe = true;
        }
        Ok(Ticket {
            breakers: self.clone(),
            host: host.to_owned(),
            is_probe,
        })
    }

    fn circuits(&self) -> MutexGuard<'_, HashMap<String, Circuit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The host can be connected to.
    pub(crate) fn succeeded(self) {
        if self
            .breakers
            .circuits()
            .remove(&self.host)
            .is_some_and(|circuit| circuit.open_until.is_some())
        {
            tracing::info!(host = self.host, "the host can be connected to again");
        }
    }

    /// It cannot, for the reason that a request is rejected with. Returns whether that has opened the circuit.
    pub(crate) fn failed(self, with: ErrorCode) -> bool {
        let now = Instant::now();
        let mut circuits = self.breakers.circuits();
        if circuits.len() >= MAX_HOSTS
            && !circuits.contains_key(&self.host)
            && let Some(oldest) = circuits.iter().min_by_key(|(_, circuit)| circuit.last_failure)
        {
            let oldest = oldest.0.clone();
            circuits.remove(&oldest);
        }
        let circuit = circuits.entry(self.host.clone()).or_insert(Circuit {
            failures: 0,
            last_failure: now,
            last: with,
            opened: 0,
            open_until: None,
            is_probed: false,
        });
        if circuit.open_until.is_none() && now.saturating_duration_since(circuit.last_failure) > IN_A_ROW {
            circuit.failures = 0;
        }
        circuit.failures = circuit.failures.saturating_add(1);
        circuit.last_failure = now;
        circuit.last = with;
        // Attempts that were under way when it opened say nothing new.
        let opens = self.is_probe || (circuit.open_until.is_none() && circuit.failures >= THRESHOLD);
        if !opens {
            return false;
        }
        let factor = 1_u32.checked_shl(circuit.opened).unwrap_or(u32::MAX);
        let open_for = FIRST_OPEN.saturating_mul(factor).min(MAX_OPEN);
        circuit.opened = circuit.opened.saturating_add(1);
        circuit.open_until = Some(now + open_for);
        if circuit.opened == 1 {
            tracing::warn!(
                host = self.host,
                failures = circuit.failures,
                last = with.name(),
                "the host cannot be connected to: requests that need a new connection are rejected at once, but for an \
                 attempt now and then"
            );
        }
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(circuit) = self.breakers.circuits().get_mut(&self.host)
        {
            circuit.is_probed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breakers: &Breakers) -> bool {
        breakers.begin("h").unwrap().failed(ErrorCode::UpstreamTls)
    }

    fn left(breakers: &Breakers) -> Option<u64> {
        breakers.begin("h").err().map(|open| open.retry_after.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_row_open_the_circuit_of_that_host() {
        let breakers = Breakers::default();
        for _ in 0..4 {
            assert!(!fail(&breakers));
        }
        breakers.begin("h").unwrap().succeeded();
        for _ in 0..4 {
            assert!(!fail(&breakers), "a success in between");
        }
        tokio::time::advance(IN_A_ROW + Duration::from_secs(1)).await;
        for _ in 0..4 {
            assert!(!fail(&breakers), "long ago");
        }
        let under_way = breakers.begin("h").unwrap();
        assert!(fail(&breakers));
        assert!(!under_way.failed(ErrorCode::UpstreamTls), "it is open already");
        assert_eq!(left(&breakers), Some(1));
        assert_eq!(breakers.begin("h").unwrap_err().last, ErrorCode::UpstreamTls);
        assert!(breakers.begin("other").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_attempt_at_a_time_finds_out_and_the_rests_double() {
        let breakers = Breakers::default();
        for _ in 0..5 {
            fail(&breakers);
        }
        for rest in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(left(&breakers), Some(rest));
            tokio::time::advance(Duration::from_secs(rest)).await;
            let probe = breakers.begin("h").unwrap();
            assert_eq!(left(&breakers), Some(1), "one is under way");
            assert!(probe.failed(ErrorCode::UpstreamTls));
        }
        tokio::time::advance(MAX_OPEN).await;
        drop(breakers.begin("h").unwrap());
        breakers.begin("h").unwrap().succeeded();
        assert!(breakers.circuits().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_beyond_the_bound_displace_the_oldest() {
        let breakers = Breakers::default();
        for number in 0..=MAX_HOSTS {
            breakers
                .begin(&number.to_string())
                .unwrap()
                .failed(ErrorCode::UpstreamTls);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(breakers.circuits().len(), MAX_HOSTS);
        assert!(!breakers.circuits().contains_key("0"));
    }
}
