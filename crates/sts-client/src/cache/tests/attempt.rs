//! One attempt for all who wait, and its end.

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;

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
async fn a_dropped_request_does_not_cancel_the_attempt_for_others() {
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
async fn an_attempt_that_hangs_ends_at_its_deadline() {
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
async fn an_attempt_that_panics_is_a_failure_like_any_other() {
    let stage = Stage::new(|attempt, _| match attempt {
        1 => Step::Panic,
        _ => Step::Session { lifetime: HOUR },
    });
    assert_eq!(stage.request().await.unwrap_err().code(), "internal");
    pass(Duration::from_secs(1)).await;
    stage.request().await.unwrap();
}
