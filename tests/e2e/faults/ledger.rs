//! What came to a service, and what took effect there.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest::{SHA256, digest};

use super::list::Twice;

/// A request that has come, at least to its first byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrival {
    pub(super) is_pooled: bool,
    /// The SHA-256 of the body, once all of it has come.
    pub(super) hash: Option<String>,
    pub(super) has_effect: bool,
    /// What is wrong with it, such as a body that is not the one that was signed.
    pub(super) wrong: Option<String>,
    pub(super) token: String,
    pub(super) date: String,
}

#[derive(Debug, Default)]
struct Counts {
    arrivals: Vec<Arrival>,
    /// The next requests meet the fault.
    is_armed: bool,
}

/// Shared by a service's connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Counts>>);

impl Ledger {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().expect("no panic")
    }

    /// From now on requests meet the fault, or none does.
    pub(super) fn arm(&self, is_armed: bool) {
        *self.counts() = Counts {
            is_armed,
            ..Counts::default()
        };
    }

    /// A request begins; which one it is since the fault was armed, `None` where it is not.
    pub(super) fn begin(&self, is_pooled: bool) -> Option<usize> {
        let mut counts = self.counts();
        if !counts.is_armed {
            return None;
        }
        counts.arrivals.push(Arrival {
            is_pooled,
            ..Arrival::default()
        });
        Some(counts.arrivals.len())
    }

    /// Changes what is known of that request.
    pub(super) fn note(&self, number: Option<usize>, change: impl FnOnce(&mut Arrival)) {
        if let Some(number) = number {
            change(&mut self.counts().arrivals[number - 1]);
        }
    }

    /// All of it has come.
    pub(super) fn whole(&self, number: Option<usize>, body: &[u8]) {
        self.note(number, |arrival| arrival.hash = Some(hash(body)));
    }

    pub(super) fn effect(&self, number: Option<usize>, twice: Twice) {
        self.note(number, |arrival| arrival.has_effect = twice != Twice::Nothing);
    }

    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        self.counts().arrivals.clone()
    }

    /// The first request's.
    pub(super) fn first(&self) -> Arrival {
        self.counts().arrivals.first().cloned().unwrap_or_default()
    }
}

/// SHA-256 in hexadecimal digits.
pub(super) fn hash(body: &[u8]) -> String {
    let digest = digest(&SHA256, body);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
