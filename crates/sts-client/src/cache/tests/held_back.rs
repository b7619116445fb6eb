//! Rejections that lead to no refresh, or to one now and then.

use super::*;

#[tokio::test(start_paused = true)]
async fn refresh_that_is_held_back_is_reported_and_logged_once() {
    let (log, _guard) = crate::testing::Log::capture();
    let stage = Stage::new(an_hour);
    let mut set = stage.request().await.unwrap();
    for streak in [5, 10] {
        let refresh = stage.cache.refresh(&set, Certainty::Certain).await.unwrap();
        assert!(!Arc::ptr_eq(&refresh.credentials, &set));
        assert_eq!(refresh.held_back_for, None);
        set = refresh.credentials;
        // The refresh took a second of the distance.
        for left in [streak - 1, streak - 2] {
            let refresh = stage.cache.refresh(&set, Certainty::Certain).await.unwrap();
            assert!(Arc::ptr_eq(&refresh.credentials, &set));
            assert_eq!(refresh.held_back_for, Some(Duration::from_secs(left)));
            pass(Duration::from_secs(1)).await;
        }
        pass(Duration::from_secs(streak)).await;
    }
    let text = log.text();
    assert_eq!(text.matches("the next one is held back").count(), 2, "{text}");
    assert!(text.contains("WARN") && text.contains("connection=stage"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_only_possible_refreshes_once_a_minute_and_holds_nothing_else_back() {
    let (log, _guard) = crate::testing::Log::capture();
    let stage = Stage::new(an_hour);
    let mut set = stage.request().await.unwrap();
    for _ in 0..600 {
        set = stage
            .cache
            .refresh(&set, Certainty::Possible)
            .await
            .unwrap()
            .credentials;
        pass(Duration::from_secs(1)).await;
    }
    assert!((10..=12).contains(&stage.attempts()), "{} attempts", stage.attempts());

    // A certain one refreshes at once all the same, and the next one waits no longer than after a first one.
    let refresh = stage.cache.refresh(&set, Certainty::Certain).await.unwrap();
    assert!(!Arc::ptr_eq(&refresh.credentials, &set));
    let held_back = stage
        .cache
        .refresh(&refresh.credentials, Certainty::Certain)
        .await
        .unwrap();
    assert_eq!(held_back.held_back_for, Some(Duration::from_secs(4)));
    assert_eq!(log.text().matches("held back").count(), 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn keys_that_may_be_at_fault_and_stay_the_same_are_not_called_rejected() {
    let stage = Stage::new(|_, _| Step::Keys("AKIAONLY"));
    let set = stage.request().await.unwrap();
    for certainty in [Certainty::Possible, Certainty::Likely] {
        let refresh = stage.cache.refresh(&set, certainty).await.unwrap();
        assert!(Arc::ptr_eq(&refresh.credentials, &set) && refresh.held_back_for.is_none());
        assert!(stage.cache.state().is_serving(), "{certainty:?}");
    }
    assert_eq!(stage.attempts(), 3);
}
