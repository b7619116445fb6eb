//! Scripted origins on a virtual clock; one test per sentence of the contract.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::testing::{VirtualClock, keys, pass};

const HOUR: Duration = Duration::from_hours(1);

/// What one attempt does: how long it takes and how it ends.
enum Step {
    Session { lifetime: Duration },
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
        let lasting = |id: &str, ask_again_after| Obtained {
            credentials: keys(id),
            ask_again_after,
        };
        match (self.step)(attempt, self.clock.elapsed().as_secs()) {
            Step::Session { lifetime } => {
                let mut obtained = lasting(&format!("ASIA{attempt}"), None);
                obtained.credentials.expires_at = Some(self.clock.now() + lifetime);
                Ok(obtained)
            }
            Step::Keys(id) => Ok(lasting(id, Some(Duration::from_secs(10)))),
            Step::Fail(failure) => Err(failure),
            Step::Hang => std::future::pending().await,
            Step::Panic => panic!("a defect in an origin"),
        }
    }
}

struct Stage {
    cache: Cache<Script>,
    clock: VirtualClock,
    attempts: Arc<AtomicU32>,
}

impl Stage {
    /// Attempts take a second each.
    fn new(step: fn(u32, u64) -> Step) -> Self {
        Self::slow(Duration::from_secs(1), step)
    }

    fn slow(takes: Duration, step: fn(u32, u64) -> Step) -> Self {
        let clock = VirtualClock::new();
        let attempts = Arc::new(AtomicU32::new(0));
        let script = Script {
            clock: clock.clone(),
            takes,
            attempts: Arc::clone(&attempts),
            step,
        };
        let label = Label {
            connection: ConnectionName::parse("stage").unwrap(),
            method: "access-key-assume-role",
        };
        let cache = Cache::new(script, Arc::new(clock.clone()), label, Duration::from_mins(1));
        Self { cache, clock, attempts }
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

    /// A request each second; the answer counts those that failed.
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

#[tokio::test(start_paused = true)]
async fn concurrent_cold_start_calls_sts_once() {
    let stage = Stage::new(an_hour);
    let mut requests = JoinSet::new();
    for _ in 0..1_000 {
        let cache = stage.cache.clone();
        requests.spawn(async move { cache.credentials().await.unwrap() });
    }
    let sets = requests.join_all().await;
    assert!(sets.iter().all(|set| Arc::ptr_eq(set, &sets[0])));
    assert_eq!((sets.len(), stage.attempts()), (1_000, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_cold_start_on_many_threads_calls_sts_once() {
    let stage = Stage::slow(Duration::ZERO, an_hour);
    let mut requests = JoinSet::new();
    for _ in 0..1_000 {
        let cache = stage.cache.clone();
        requests.spawn(async move { cache.credentials().await.unwrap() });
    }
    assert_eq!((requests.join_all().await.len(), stage.attempts()), (1_000, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_cold_start_fails_for_all_and_calls_sts_once() {
    let stage = Stage::new(is_denied);
    let mut requests = JoinSet::new();
    for _ in 0..1_000 {
        let cache = stage.cache.clone();
        requests.spawn(async move { cache.credentials().await.unwrap_err().code() });
    }
    let codes = requests.join_all().await;
    assert!(codes.iter().all(|code| *code == "access_denied"));
    assert_eq!(stage.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_does_not_cancel_the_flight_for_others() {
    let stage = Stage::slow(Duration::from_secs(5), an_hour);
    let cache = stage.cache.clone();
    let patient = tokio::spawn(async move { cache.credentials().await });
    let impatient = timeout(Duration::from_secs(1), stage.request()).await;
    assert!(impatient.is_err());
    patient.await.unwrap().unwrap();

    let alone = Stage::slow(Duration::from_secs(5), an_hour);
    assert!(timeout(Duration::from_secs(1), alone.request()).await.is_err());
    pass(Duration::from_secs(5)).await;
    assert!(alone.cache.state().is_serving());
    assert_eq!((stage.attempts(), alone.attempts()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn while_a_valid_set_is_held_nobody_waits_for_its_renewal() {
    let stage = Stage::slow(Duration::from_secs(30), an_hour);
    let first = stage.request().await.unwrap();
    pass(HOUR.saturating_sub(Duration::from_mins(2))).await;

    let before = stage.clock.elapsed();
    for _ in 0..100 {
        assert!(Arc::ptr_eq(&stage.request().await.unwrap(), &first));
    }
    assert_eq!(stage.clock.elapsed(), before, "a request waited");
    pass(Duration::from_secs(31)).await;
    assert!(!Arc::ptr_eq(&stage.request().await.unwrap(), &first));
    assert_eq!(stage.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_set_is_renewed_in_the_background_before_it_expires() {
    let stage = Stage::new(an_hour);
    stage.request().await.unwrap();
    assert_eq!(stage.constant_traffic(Duration::from_mins(54)).await, 0);
    assert_eq!(stage.attempts(), 1, "not before the window opens");
    assert_eq!(stage.constant_traffic(Duration::from_mins(4)).await, 0);
    assert_eq!(stage.attempts(), 2, "within the window");
    assert_eq!(stage.request().await.unwrap().access_key_id.as_str(), "ASIA2");
}

#[tokio::test(start_paused = true)]
async fn a_session_of_900_seconds_does_not_loop() {
    let lifetime = Duration::from_mins(15);
    let stage = Stage::new(|_, _| Step::Session {
        lifetime: Duration::from_mins(15),
    });
    let day = Duration::from_hours(24);
    assert_eq!(stage.constant_traffic(day).await, 0);
    let most = 1 + day.as_secs() / lifetime.saturating_sub(Duration::from_mins(5)).as_secs();
    assert!(u64::from(stage.attempts()) <= most, "{} attempts", stage.attempts());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hands_out_the_same_set_again_is_not_asked_all_the_time() {
    // EC2's metadata service does so until shortly before the expiry.
    let stage = Stage::new(|_, seconds| Step::Session {
        lifetime: HOUR.saturating_sub(Duration::from_secs(seconds)),
    });
    assert_eq!(
        stage
            .constant_traffic(HOUR.saturating_sub(Duration::from_secs(20)))
            .await,
        0
    );
    assert!(stage.attempts() < 15, "{} attempts", stage.attempts());
}

#[tokio::test(start_paused = true)]
async fn the_last_good_set_serves_while_sts_is_down() {
    // Down for all of the first set's lifetime but its last minute.
    let stage = Stage::new(|attempt, seconds| match (attempt, seconds) {
        (1, _) | (_, 3_541..) => Step::Session { lifetime: HOUR },
        _ => Step::Fail(unreachable()),
    });
    stage.request().await.unwrap();
    assert_eq!(stage.constant_traffic(HOUR * 2).await, 0);
    assert!(stage.cache.counters().failed >= 5);
    assert!(stage.cache.state().is_serving());
}

#[tokio::test(start_paused = true)]
async fn an_expired_set_is_never_served() {
    let stage = Stage::new(|attempt, _| match attempt {
        1 => Step::Session { lifetime: HOUR },
        _ => Step::Fail(unreachable()),
    });
    let set = stage.request().await.unwrap();
    let rest = set.expires_at.unwrap().duration_since(stage.clock.now()).unwrap();
    let tick = Duration::from_millis(1); // tokio's timers are no finer
    pass(rest.saturating_sub(tick)).await;
    stage.request().await.unwrap();
    pass(tick).await;
    assert_eq!(stage.request().await.unwrap_err().code(), "sts_unreachable");
    assert_eq!(stage.constant_traffic(HOUR).await, HOUR.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_set_that_arrives_expired_is_an_error() {
    let stage = Stage::new(|_, _| Step::Session {
        lifetime: Duration::ZERO,
    });
    assert_eq!(stage.request().await.unwrap_err().code(), "clock_skew");
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_is_not_hammered() {
    for (step, is_permanent, most) in [
        (is_down as fn(u32, u64) -> Step, false, HOUR.as_secs() / 15 + 6),
        (is_denied, true, HOUR.as_secs() / 150 + 6),
    ] {
        let stage = Stage::new(step);
        assert_eq!(stage.constant_traffic(HOUR).await, HOUR.as_secs());
        let attempts = u64::from(stage.attempts());
        assert!((8..=most).contains(&attempts), "{attempts} attempts");

        pass(Duration::from_mins(10)).await;
        let first = stage.request().await.unwrap_err();
        let again = stage.request().await.unwrap_err();
        assert_eq!(first.is_permanent(), is_permanent);
        assert_eq!(again.retry_after(), first.retry_after(), "the second one was not sent");
        pass(first.retry_after() / 2).await;
        let later = stage.request().await.unwrap_err();
        assert!(later.retry_after() < first.retry_after());
        assert!(stage.cache.counters().refused > 3_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_recovers_starts_its_rests_anew() {
    let stage = Stage::new(|attempt, _| match attempt {
        1..=6 | 8.. => Step::Fail(unreachable()),
        7 => Step::Session {
            lifetime: Duration::from_secs(30),
        },
        0 => Step::Hang,
    });
    while stage.request().await.is_err() {
        pass(Duration::from_secs(1)).await;
    }
    pass(Duration::from_mins(1)).await;
    let error = stage.request().await.unwrap_err();
    assert!(
        error.retry_after() <= Duration::from_secs(1),
        "{:?}",
        error.retry_after()
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_set_is_renewed_once_however_many_report_it() {
    let stage = Stage::new(an_hour);
    let refused = stage.request().await.unwrap();
    pass(Duration::from_mins(1)).await;
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let (cache, refused) = (stage.cache.clone(), Arc::clone(&refused));
        requests.spawn(async move { cache.renew(&refused).await.unwrap() });
    }
    let sets = requests.join_all().await;
    assert!(sets.iter().all(|set| set.access_key_id.as_str() == "ASIA2"));

    pass(Duration::from_mins(1)).await;
    let late = stage.cache.renew(&refused).await.unwrap();
    assert!(
        Arc::ptr_eq(&late, &sets[0]),
        "who reports an old set gets the current one"
    );
    assert_eq!(stage.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_refused_right_after_its_arrival_is_not_renewed() {
    let stage = Stage::new(an_hour);
    let set = stage.request().await.unwrap();
    assert!(Arc::ptr_eq(&stage.cache.renew(&set).await.unwrap(), &set));
    assert_eq!(stage.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_set_stays_while_no_other_can_be_had() {
    let stage = Stage::new(|attempt, _| match attempt {
        1 => Step::Session { lifetime: HOUR },
        _ => Step::Fail(unreachable()),
    });
    let set = stage.request().await.unwrap();
    pass(Duration::from_mins(1)).await;
    assert_eq!(stage.cache.renew(&set).await.unwrap_err().code(), "sts_unreachable");
    assert!(Arc::ptr_eq(&stage.request().await.unwrap(), &set));
}

#[tokio::test(start_paused = true)]
async fn keys_that_did_not_change_stay_the_same_arc() {
    let stage = Stage::new(|attempt, _| Step::Keys(if attempt < 3 { "AKIAOLD" } else { "AKIANEW" }));
    let first = stage.request().await.unwrap();
    for (attempts, is_the_same) in [(2, true), (3, false)] {
        pass(Duration::from_secs(10)).await;
        stage.request().await.unwrap();
        pass(Duration::from_secs(2)).await;
        let now = stage.request().await.unwrap();
        assert_eq!((stage.attempts(), Arc::ptr_eq(&now, &first)), (attempts, is_the_same));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_hangs_ends_at_its_deadline() {
    let stage = Stage::new(|attempt, _| match attempt {
        1 => Step::Hang,
        _ => Step::Session { lifetime: HOUR },
    });
    assert_eq!(stage.request().await.unwrap_err().code(), "sts_timeout");
    assert_eq!(stage.clock.elapsed(), Duration::from_mins(1));
    pass(Duration::from_secs(1)).await;
    stage.request().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_panics_is_a_failure_like_any_other() {
    let stage = Stage::new(|attempt, _| match attempt {
        1 => Step::Panic,
        _ => Step::Session { lifetime: HOUR },
    });
    assert_eq!(stage.request().await.unwrap_err().code(), "internal");
    pass(Duration::from_secs(1)).await;
    stage.request().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_state_follows_the_life_of_the_set() {
    let stage = Stage::new(|attempt, seconds| match (attempt, seconds) {
        (1, _) | (_, 7_200..) => Step::Session { lifetime: HOUR },
        _ => Step::Fail(unreachable()),
    });
    assert_eq!(stage.cache.state(), CredentialState::Never);
    let expires_at = stage.request().await.unwrap().expires_at;
    assert_eq!(stage.cache.state(), CredentialState::Valid { expires_at });

    pass(HOUR.saturating_sub(Duration::from_secs(30))).await;
    stage.request().await.unwrap();
    pass(Duration::from_secs(2)).await;
    let code = "sts_unreachable";
    assert_eq!(stage.cache.state(), CredentialState::Degraded { expires_at, code });

    pass(Duration::from_mins(1)).await;
    let is_permanent = false;
    assert_eq!(stage.cache.state(), CredentialState::Failing { code, is_permanent });

    pass(HOUR).await;
    let since = stage.request().await.unwrap().expires_at.unwrap();
    pass(HOUR * 2).await;
    assert_eq!(stage.cache.state(), CredentialState::Lapsed { since });
    let counters = stage.cache.counters();
    assert_eq!((counters.obtained, counters.failed), (2, 1));
}
