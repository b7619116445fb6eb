//! What happens while there is nothing to be had.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_last_set_is_served_while_sts_is_down() {
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
        assert!(stage.cache.counters().backed_off > 3_000);
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
async fn a_rejected_set_stays_while_there_is_no_other() {
    let stage = Stage::new(|attempt, _| match attempt {
        1 => Step::Session { lifetime: HOUR },
        _ => Step::Fail(unreachable()),
    });
    let set = stage.request().await.unwrap();
    pass(Duration::from_mins(1)).await;
    assert_eq!(renew(&stage.cache, &set).await.unwrap_err().code(), "sts_unreachable");
    assert!(Arc::ptr_eq(&stage.request().await.unwrap(), &set));
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

/// Of attempts of 10 ms, with nothing held: the outcome, and how many there were.
async fn of_quick_attempts(step: fn(u32, u64) -> Step) -> (bool, u32) {
    let stage = Stage::slow(Duration::from_millis(10), step);
    (stage.request().await.is_ok(), stage.attempts())
}

#[tokio::test(start_paused = true)]
async fn one_quick_failure_that_nobody_has_tried_again_is_felt_by_no_request() {
    const UNREADABLE: CredentialFailure = CredentialFailure::UnreadableResponse { status: 200 };
    let once = |attempt, _| match attempt {
        1 => Step::Fail(UNREADABLE),
        _ => Step::Session { lifetime: HOUR },
    };
    assert_eq!(of_quick_attempts(once).await, (true, 2));
    assert_eq!(of_quick_attempts(|_, _| Step::Fail(UNREADABLE)).await, (false, 2));
    // The SDK has tried it again already, or somebody has to change something.
    assert_eq!(of_quick_attempts(is_down).await, (false, 1));
    assert_eq!(of_quick_attempts(is_denied).await, (false, 1));
    // Only for the first time in a row.
    let stage = Stage::slow(Duration::from_millis(10), |_, _| Step::Fail(UNREADABLE));
    stage.request().await.unwrap_err();
    pass(Duration::from_mins(10)).await;
    stage.request().await.unwrap_err();
    assert_eq!(stage.attempts(), 3);
}
