use super::*;

type Flight = SingleFlight<u32, &'static str>;

fn start(flight: &Flight) -> (Attempt<u32, &'static str>, InFlight<u32, &'static str>) {
    match flight.join(|_| None::<()>) {
        Join::Started(attempt, in_flight) => (attempt, in_flight),
        other => panic!("{other:?}"),
    }
}

fn joined(flight: &Flight) -> InFlight<u32, &'static str> {
    match flight.join(|_| None::<()>) {
        Join::Joined(in_flight) => in_flight,
        other => panic!("{other:?}"),
    }
}

fn streak(flight: &Flight) -> Option<u32> {
    flight.with_last_failure(|failure| failure.map(|failure| failure.streak))
}

#[tokio::test(start_paused = true)]
async fn everybody_who_joins_gets_the_outcome_of_the_one_attempt() {
    let flight = Flight::default();
    let (attempt, first) = start(&flight);
    let second = joined(&flight);
    let value = attempt.succeed(7);
    for in_flight in [first, second] {
        assert!(Arc::ptr_eq(&in_flight.outcome().await.unwrap().unwrap(), &value));
    }
    let (attempt, first) = start(&flight);
    attempt.fail("down", false, |_| Duration::from_secs(5));
    let failure = first.outcome().await.unwrap().unwrap_err();
    assert_eq!((failure.error, failure.retry_after()), ("down", Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_attempt_releases_those_who_joined_and_the_next_one_may_begin() {
    let flight = Flight::default();
    let (attempt, first) = start(&flight);
    let second = joined(&flight);
    drop(attempt);
    assert!(first.outcome().await.is_none() && second.outcome().await.is_none());
    start(&flight).0.succeed(1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_keeps_the_value_counts_and_is_forgotten_with_the_next_success() {
    let flight = Flight::default();
    start(&flight).0.succeed(1);
    let backoff = |streak| Duration::from_secs(u64::from(streak));
    assert_eq!(start(&flight).0.fail("down", true, backoff).streak, 1);
    let failure = start(&flight).0.fail("down", true, backoff);
    assert_eq!((failure.streak, failure.retry_after()), (2, Duration::from_secs(2)));
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(failure.retry_after(), Duration::ZERO);
    assert_eq!((*flight.fetched().unwrap().value, streak(&flight)), (1, Some(2)));
    start(&flight).0.succeed(2);
    assert_eq!((*flight.fetched().unwrap().value, streak(&flight)), (2, None));
}

#[tokio::test(start_paused = true)]
async fn whether_an_attempt_begins_is_decided_under_the_lock() {
    let flight = Flight::default();
    let settled = |flight: &Flight| {
        let join = flight.join(|status| {
            let value = status.fetched.map(|fetched| *fetched.value);
            Some((value, status.is_in_flight, status.last_failure.is_some()))
        });
        let Join::Settled(seen) = join else { panic!("{join:?}") };
        seen
    };
    assert_eq!(settled(&flight), (None, false, false));
    let (attempt, _) = start(&flight);
    assert_eq!(settled(&flight), (None, true, false));
    attempt.fail("down", false, |_| Duration::ZERO);
    assert_eq!(settled(&flight), (None, false, true));
    start(&flight).0.succeed(1);
    assert_eq!(settled(&flight), (Some(1), false, false));
    drop(start(&flight));
    assert_eq!(settled(&flight), (Some(1), false, false));
}

#[tokio::test(start_paused = true)]
async fn a_map_keeps_no_more_entries_than_its_limit_and_none_that_is_in_flight_is_dropped() {
    type Map = SingleFlightMap<usize, u32, &'static str>;
    let map = Map::default();
    let (busy, _joined) = start(&map.entry(&0));
    for key in 1..Map::LIMIT {
        start(&map.entry(&key)).0.succeed(1);
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert!(map.get(&1).is_some() && map.get(&Map::LIMIT).is_none());
    map.entry(&Map::LIMIT);
    assert!(map.get(&1).is_none(), "the oldest are dropped");
    assert!(map.get(&0).is_some() && map.get(&(Map::LIMIT - 1)).is_some() && map.get(&Map::LIMIT).is_some());
    busy.succeed(1);
    map.remove(&0);
    assert!(map.get(&0).is_none());
}
