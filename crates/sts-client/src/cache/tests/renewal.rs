//! Renewal ahead of expiry and after a refusal.

use tokio::task::JoinSet;

use super::*;

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
