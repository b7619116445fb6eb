//! Scripted origins on a virtual clock; one test per sentence of the contract.

mod attempt;
mod failure;
mod held_back;
mod refresh;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::testing::{VirtualClock, keys, pass};

const HOUR: Duration = Duration::from_hours(1);

/// What one attempt does: how long it takes and how it ends.
enum Step {
    Session {
        lifetime: Duration,
    },
    /// A session of an hour from what keeps failing.
    Stale,
    Keys(&'static str),
    Fail(CredentialFailure),
    Hang,
    Panic,
}

/// Plays a script: attempt number (from 1) and seconds since the start, to a step.
struct Script {
    clock: VirtualClock,
    takes: Duration,
    attempts: Arc<AtomicU32>,
    only_reads: Arc<AtomicBool>,
    step: fn(u32, u64) -> Step,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Obtain for Script {
    async fn obtain(&self) -> Result<Obtained, CredentialFailure> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        pass(self.takes).await;
        let lasting = |id: &str, refresh_after| Obtained {
            credentials: keys(id),
            refresh_after,
            session_space_percent: None,
        };
        match (self.step)(attempt, self.clock.elapsed().as_secs()) {
            Step::Session { lifetime } => {
                let mut obtained = lasting(&format!("ASIA{attempt}"), None);
                obtained.credentials.expires_at = Some(self.clock.now() + lifetime);
                Ok(obtained)
            }
            Step::Stale => {
                let mut obtained = lasting("ASIA1", Some(Duration::from_secs(10)));
                let left = HOUR.saturating_sub(self.clock.elapsed());
                obtained.credentials.expires_at = Some(self.clock.now() + left);
                Ok(obtained)
            }
            Step::Keys(id) => Ok(lasting(id, Some(Duration::from_secs(10)))),
            Step::Fail(failure) => Err(failure),
            Step::Hang => std::future::pending().await,
            Step::Panic => panic!("a defect in an origin"),
        }
    }

    fn only_reads(&self) -> bool {
        self.only_reads.load(Ordering::Relaxed)
    }
}

/// What comes of a certain rejection.
async fn renew(cache: &Cache<Script>, rejected: &Credentials) -> CacheResult {
    let refresh = cache.refresh(rejected, Certainty::Certain).await;
    refresh.map(|refresh| refresh.credentials)
}

struct Stage {
    cache: Cache<Script>,
    clock: VirtualClock,
    attempts: Arc<AtomicU32>,
    only_reads: Arc<AtomicBool>,
}

impl Stage {
    /// Attempts take a second each.
    fn new(step: fn(u32, u64) -> Step) -> Self {
        Self::slow(Duration::from_secs(1), step)
    }

    fn slow(takes: Duration, step: fn(u32, u64) -> Step) -> Self {
        let clock = VirtualClock::new();
        let attempts = Arc::new(AtomicU32::new(0));
        let only_reads = Arc::new(AtomicBool::new(false));
        let script = Script {
            clock: clock.clone(),
            takes,
            attempts: Arc::clone(&attempts),
            only_reads: Arc::clone(&only_reads),
            step,
        };
        let label = Label {
            connection: "stage".to_owned(),
            method: "access-key-assume-role",
        };
        let cache = Cache::new(script, Arc::new(clock.clone()), label, Duration::from_mins(1));
        Self {
            cache,
            clock,
            attempts,
            only_reads,
        }
    }

    /// From now on the origin reads what is kept somewhere, as that of static keys does.
    fn only_reads(&mut self) {
        self.only_reads.store(true, Ordering::Relaxed);
    }

    fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// One request: the set it gets has to be valid at that moment.
    async fn request(&self) -> Result<Arc<Credentials>, CredentialError> {
        let outcome = self.cache.credentials().await;
        if let Ok(set) = &outcome {
            assert!(
                set.is_valid_at(self.clock.now()),
                "expired, at {:?}",
                self.clock.elapsed()
            );
        }
        outcome
    }

    /// A request each second; the result counts those that failed.
    async fn constant_traffic(&self, duration: Duration) -> u64 {
        let mut failed = 0;
        for _ in 0..duration.as_secs() {
            failed += u64::from(self.request().await.is_err());
            pass(Duration::from_secs(1)).await;
        }
        failed
    }
}

fn an_hour(_: u32, _: u64) -> Step {
    Step::Session { lifetime: HOUR }
}

fn is_down(_: u32, _: u64) -> Step {
    Step::Fail(unreachable())
}

fn is_denied(_: u32, _: u64) -> Step {
    Step::Fail(CredentialFailure::AccessDenied {
        action: "assuming x".into(),
        code: "AccessDenied".into(),
        message: "no".into(),
    })
}

fn unreachable() -> CredentialFailure {
    CredentialFailure::Unreachable {
        reason: "connection refused".into(),
    }
}
