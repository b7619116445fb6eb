//! Refresh ahead of expiry and after a rejection.

use tokio::task::JoinSet;

use super::*;

#[tokio::test(start_paused = true)]
async fn while_a_valid_set_is_held_nobody_waits_for_its_refresh() {
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
async fn a_set_is_refreshed_in_the_background_before_it_expires() {
    let stage = Stage::new(an_hour);
    stage.request().await.unwrap();
    assert_eq!(stage.constant_traffic(Duration::from_mins(54)).await, 0);
    assert_eq!(stage.attempts(), 1, "not before the window opens");
    assert_eq!(stage.constant_traffic(Duration::from_mins(4)).await, 0);
    assert_eq!(stage.attempts(), 2, "within the window");
    assert_eq!(stage.request().await.unwrap().access_key_id.as_str(), "ASIA2");
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_not_confirmed_is_refreshed_ahead_of_its_expiry() {
    let stage = Stage::new(|_, _| Step::Stale);
    assert_eq!(stage.constant_traffic(Duration::from_mins(1)).await, 0);
    assert!((5..=7).contains(&stage.attempts()), "{} attempts", stage.attempts());
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
async fn a_source_that_hands_out_the_same_set_again_is_not_called_all_the_time() {
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
async fn a_rejected_set_is_refreshed_once_however_many_report_it() {
    let stage = Stage::new(an_hour);
    let refused = stage.request().await.unwrap();
    pass(Duration::from_mins(1)).await;
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let (cache, refused) = (stage.cache.clone(), Arc::clone(&refused));
        requests.spawn(async move { renew(&cache, &refused).await.unwrap() });
    }
    let sets = requests.join_all().await;
    assert!(sets.iter().all(|set| set.access_key_id.as_str() == "ASIA2"));

    pass(Duration::from_mins(1)).await;
    let late = renew(&stage.cache, &refused).await.unwrap();
    assert!(
        Arc::ptr_eq(&late, &sets[0]),
        "who reports an old set gets the current one"
    );
    assert_eq!(stage.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn first_rejection_refreshes_at_once_however_young_the_set_is() {
    let stage = Stage::new(an_hour);
    let set = stage.request().await.unwrap();
    let second = renew(&stage.cache, &set).await.unwrap();
    assert_eq!((second.access_key_id.as_str(), stage.attempts()), ("ASIA2", 2));
    // From the second one on with distances.
    assert!(Arc::ptr_eq(&renew(&stage.cache, &second).await.unwrap(), &second));
    assert_eq!(stage.attempts(), 2);
    pass(Duration::from_secs(5)).await;
    assert!(!Arc::ptr_eq(&renew(&stage.cache, &second).await.unwrap(), &second));
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

/// Refuses the current set each second for so long.
async fn refuse_constantly(stage: &Stage, duration: Duration) {
    for _ in 0..duration.as_secs() {
        let set = stage.request().await.unwrap();
        renew(&stage.cache, &set).await.unwrap();
        pass(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn constant_rejections_lead_to_few_refreshes() {
    let stage = Stage::new(an_hour);
    refuse_constantly(&stage, Duration::from_mins(30)).await;
    // The first set; seven within 5 + 10 + .. + 160 + 300 seconds, then one in five minutes.
    assert!((8..=13).contains(&stage.attempts()), "{} attempts", stage.attempts());

    // Quiet for long enough: the next rejection counts as the first one.
    pass(Duration::from_mins(11)).await;
    let before = stage.attempts();
    let set = stage.request().await.unwrap();
    let renewed = renew(&stage.cache, &set).await.unwrap();
    assert!(!Arc::ptr_eq(&set, &renewed));
    assert_eq!(stage.attempts(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_only_read_are_looked_up_at_once_and_then_ever_more_rarely() {
    let mut stage = Stage::new(|attempt, _| Step::Keys(if attempt < 2 { "AKIAOLD" } else { "AKIANEW" }));
    stage.only_reads();
    let old = stage.request().await.unwrap();
    let new = renew(&stage.cache, &old).await.unwrap();
    assert_eq!(
        (new.access_key_id.as_str(), stage.attempts()),
        ("AKIANEW", 2),
        "however young"
    );
    assert_eq!(stage.cache.state(), CredentialState::Valid { expires_at: None });

    // Besides these, keys are looked up every ten seconds while there is traffic.
    for _ in 0..300 {
        let set = renew(&stage.cache, &new).await.unwrap();
        assert!(Arc::ptr_eq(&set, &new), "nothing newer can be had");
        pass(Duration::from_secs(1)).await;
    }
    assert!((10..=13).contains(&stage.attempts()), "{} attempts", stage.attempts());
}

#[tokio::test(start_paused = true)]
async fn keys_that_aws_rejects_are_reported_once_until_others_come_or_aws_accepts_them() {
    let (log, _guard) = crate::testing::Log::capture();
    let mut stage = Stage::new(|_, seconds| Step::Keys(if seconds < 120 { "AKIAOLD" } else { "AKIANEW" }));
    stage.only_reads();
    let old = stage.request().await.unwrap();
    for _ in 0..20 {
        assert!(Arc::ptr_eq(&renew(&stage.cache, &old).await.unwrap(), &old));
        assert!(matches!(
            stage.cache.state(),
            CredentialState::Rejected { expires_at: None, .. }
        ));
        assert!(!stage.cache.state().is_serving());
        pass(Duration::from_secs(2)).await;
    }
    assert_eq!(
        log.text().matches("AWS rejects the credentials").count(),
        1,
        "{}",
        log.text()
    );
    assert!(log.text().contains("connection=stage"));

    stage.cache.accepted(&keys("AKIAOTHER"));
    assert!(!stage.cache.state().is_serving(), "that was another set");
    stage.cache.accepted(&old);
    assert_eq!(stage.cache.state(), CredentialState::Valid { expires_at: None });

    renew(&stage.cache, &old).await.unwrap();
    pass(Duration::from_mins(2)).await;
    stage.request().await.unwrap();
    pass(Duration::from_secs(2)).await;
    assert_eq!(stage.request().await.unwrap().access_key_id.as_str(), "AKIANEW");
    assert!(stage.cache.state().is_serving());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_signature_has_keys_read_again_and_nothing_issued() {
    let stage = Stage::new(an_hour);
    let set = stage.request().await.unwrap();
    pass(Duration::from_mins(1)).await;
    assert!(Arc::ptr_eq(&stage.cache.reread(&set).await.unwrap(), &set));
    assert_eq!(stage.attempts(), 1);

    let mut stage = Stage::new(|attempt, _| Step::Keys(if attempt < 3 { "AKIAOLD" } else { "AKIANEW" }));
    stage.only_reads();
    let set = stage.request().await.unwrap();
    assert!(Arc::ptr_eq(&stage.cache.reread(&set).await.unwrap(), &set));
    assert!(stage.cache.state().is_serving(), "the request may be at fault");
    pass(Duration::from_secs(1)).await;
    assert!(!Arc::ptr_eq(&stage.cache.reread(&set).await.unwrap(), &set));
}

#[tokio::test(start_paused = true)]
async fn the_first_request_after_a_long_idle_time_costs_one_call() {
    let stage = Stage::new(an_hour);
    stage.request().await.unwrap();
    pass(Duration::from_hours(72)).await;
    assert!(matches!(stage.cache.state(), CredentialState::Lapsed { .. }));
    assert_eq!(stage.attempts(), 1, "an idle connection costs nothing");
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let cache = stage.cache.clone();
        requests.spawn(async move { cache.credentials().await.unwrap() });
    }
    assert_eq!((requests.join_all().await.len(), stage.attempts()), (100, 2));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_began_before_the_keys_were_replaced_is_not_the_last_one() {
    let mut stage = Stage::new(|attempt, _| Step::Keys(if attempt < 3 { "AKIAOLD" } else { "AKIANEW" }));
    stage.only_reads();
    let old = stage.request().await.unwrap();
    pass(Duration::from_secs(10)).await;
    stage.request().await.unwrap(); // sends the second flight off
    let new = renew(&stage.cache, &old).await.unwrap();
    assert_eq!((new.access_key_id.as_str(), stage.attempts()), ("AKIANEW", 3));
}
