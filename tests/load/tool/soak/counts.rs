//! What the service has seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

/// So many of what is wrong are kept to be read.
const SAMPLES: usize = 40;

#[derive(Debug, Default)]
struct Seen {
    counts: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    samples: Vec<String>,
    /// For each request how often it came, and how often it took effect.
    requests: Vec<(u8, u8)>,
}

/// The service's counts. Those that have to be 0 are in [`Counts::WRONG`].
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Seen>);

impl Counts {
    /// What no request may be.
    const WRONG: [&str; 7] = [
        "unsigned",
        "wrongly_signed",
        "expired_session",
        "body_not_as_signed",
        "corrupted_body",
        "twice",
        "malformed",
    ];
    const OTHER: [&str; 7] = [
        "connections",
        "requests",
        "verified",
        "bytes",
        "sessions",
        "revoked_session",
        "cut",
    ];

    pub(super) fn add(&self, name: &'static str, more: u64) {
        *self.seen().counts.entry(name).or_default() += more;
    }

    pub(super) fn get(&self, name: &'static str) -> u64 {
        self.seen().counts.get(name).copied().unwrap_or_default()
    }

    pub(super) fn fault(&self, name: &'static str) {
        *self.seen().faults.entry(name).or_default() += 1;
    }

    /// One of [`Self::WRONG`].
    pub(super) fn wrong(&self, name: &'static str, sample: String) {
        self.add(name, 1);
        let mut seen = self.seen();
        if seen.samples.len() < SAMPLES {
            seen.samples.push(format!("{name}: {sample}"));
        }
    }

    /// A request came: how often it did so before.
    pub(super) fn arrival(&self, number: u64) -> u8 {
        let mut seen = self.seen();
        let entry = seen.entry(number);
        entry.0 = entry.0.saturating_add(1);
        entry.0 - 1
    }

    /// A request took effect: how often it did so before.
    pub(super) fn effect(&self, number: u64) -> u8 {
        let mut seen = self.seen();
        let entry = seen.entry(number);
        entry.1 = entry.1.saturating_add(1);
        entry.1 - 1
    }

    pub(super) fn json(&self) -> String {
        let seen = self.seen();
        let count = |name: &'static str| {
            (
                name.to_owned(),
                json!(seen.counts.get(name).copied().unwrap_or_default()),
            )
        };
        let wrong: serde_json::Map<_, _> = Self::WRONG.into_iter().map(count).collect();
        let other: serde_json::Map<_, _> = Self::OTHER.into_iter().map(count).collect();
        json!({"wrong": wrong, "counts": other, "faults": seen.faults, "samples": seen.samples}).to_string()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn entry(&mut self, number: u64) -> &mut (u8, u8) {
        // A soak of a day at 2,000 a second has not more.
        let index = usize::try_from(number).unwrap_or_default().min(200_000_000);
        if self.requests.len() <= index {
            self.requests.resize(index + 1, (0, 0));
        }
        &mut self.requests[index]
    }
}
