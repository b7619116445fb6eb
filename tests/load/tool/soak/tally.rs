//! What came of the requests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fault::{Expected, Fault};
use super::plan::Plan;

/// So many of what was not expected are kept to be read.
const SAMPLES: usize = 60;

/// What the client has seen of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Seen {
    As(Expected),
    /// The response to another request.
    Mixed,
    Other(String),
}

#[derive(Debug, Default)]
struct Row {
    requests: u64,
    /// Of these, the ones that succeeded.
    succeeded: u64,
    unexpected: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: BTreeMap<Fault, Row>,
    connections: BTreeMap<&'static str, u64>,
    mixed: u64,
    /// Bodies of responses that were none of the content, and should have been.
    corrupted: u64,
    sent: u64,
    received: u64,
    samples: Vec<String>,
    /// Microseconds, from when the request was due, of those without a fault.
    times: Vec<u32>,
}

impl Tally {
    pub(super) fn note(&mut self, plan: &Plan, seen: &Seen, microseconds: u128) {
        let expected = plan.expected();
        let row = self.rows.entry(plan.fault).or_default();
        row.requests += 1;
        row.succeeded += u64::from(*seen == Seen::As(Expected::Success));
        *self.connections.entry(plan.connection.name()).or_default() += 1;
        self.sent += plan.body.length as u64;
        self.received += plan.response.length as u64;
        if *seen != Seen::As(expected) {
            row.unexpected += 1;
            self.mixed += u64::from(*seen == Seen::Mixed);
            self.corrupted += u64::from(*seen == Seen::As(Expected::Corrupted));
            if self.samples.len() < SAMPLES {
                self.samples
                    .push(format!("{expected:?} was expected, {seen:?} came: {plan:?}"));
            }
        }
        if plan.fault == Fault::None {
            self.times.push(u32::try_from(microseconds).unwrap_or(u32::MAX));
        }
    }

    /// All of it. `seconds`: how long it took to send them.
    pub(super) fn report(&mut self, seconds: f64, opened: usize) -> Value {
        self.times.sort_unstable();
        let times = &self.times;
        let at = |per_mille: usize| times.get((times.len() * per_mille / 1000).min(times.len().saturating_sub(1)));
        let sum = |field: fn(&Row) -> u64| self.rows.values().map(field).sum::<u64>();
        let faults: BTreeMap<_, _> = self
            .rows
            .iter()
            .map(|(fault, row)| {
                let row = json!({"requests": row.requests, "succeeded": row.succeeded, "unexpected": row.unexpected});
                (fault.name(), row)
            })
            .collect();
        let (requests, unexpected) = (sum(|row| row.requests), sum(|row| row.unexpected));
        let succeeded = sum(|row| row.succeeded);
        json!({
            "requests": requests,
            "per_second": requests as f64 / seconds,
            "succeeded": succeeded,
            "failed_as_expected": requests - succeeded - unexpected,
            "unexpected": unexpected,
            "corrupted": self.corrupted,
            "mixed": self.mixed,
            "request_body_bytes": self.sent,
            "response_body_bytes": self.received,
            "client_connections": opened,
            "connections": self.connections,
            "faults": faults,
            "p50_us": at(500),
            "p99_us": at(990),
            "p999_us": at(999),
            "max_us": times.last(),
            "samples": self.samples,
        })
    }
}
