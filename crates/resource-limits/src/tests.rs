use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::time::Duration;

use auth_model::ConnectionName;
use proptest::prelude::*;
use tokio::time::{Instant, timeout};

use super::*;

const SIZE: PoolSize = PoolSize {
    total: 100,
    reserve_percent: 10,
};

fn client(listener: u8, address: u8) -> ClientKey {
    let listener = match listener {
        0 => ListenerRole::Shared,
        other => ListenerRole::Connection(ConnectionName::parse(format!("c{other}")).unwrap()),
    };
    ClientKey::new(listener, IpAddr::V4(Ipv4Addr::new(10, 0, 0, address)))
}

/// Units that the client gets one by one.
fn take_all(pool: &Pool, client: &ClientKey) -> Vec<Grant> {
    std::iter::from_fn(|| pool.try_take(client, 1).ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_ever_have_is_rejected_at_once() {
    let pool = Pool::new(SIZE);
    let began = Instant::now();
    let exhausted = pool.acquire(&client(1, 1), 91, second()).await.unwrap_err();
    assert_eq!((exhausted, began.elapsed().as_millis()), (Exhausted::Full, 0));
    assert!(pool.acquire(&client(1, 1), 90, second()).await.is_ok());
}

#[test]
fn one_client_gets_all_but_the_reserve() {
    let pool = Pool::new(SIZE);
    let taken = take_all(&pool, &client(0, 1));
    assert_eq!((taken.len(), pool.taken()), (90, 90));
    assert_eq!(pool.try_take(&client(0, 1), 1).unwrap_err(), Exhausted::OverShare);
    drop(taken);
    assert_eq!((pool.taken(), pool.entries()), (0, 0));
}

#[test]
fn another_address_gets_half_of_the_reserve_and_another_listener_all_of_it() {
    let pool = Pool::new(SIZE);
    let _hog = take_all(&pool, &client(1, 1));
    let neighbour = take_all(&pool, &client(1, 2));
    assert_eq!(neighbour.len(), 5);
    assert_eq!(take_all(&pool, &client(2, 1)).len(), 5);
    drop(neighbour);
    assert_eq!(take_all(&pool, &client(2, 1)).len(), 10);
}

#[test]
fn many_addresses_of_one_listener_leave_half_of_the_reserve_to_others() {
    let pool = Pool::new(SIZE);
    let hogs: Vec<_> = (0..=254).flat_map(|n| take_all(&pool, &client(1, n))).collect();
    assert_eq!(hogs.len(), 95);
    assert_eq!(take_all(&pool, &client(2, 255)).len(), 5);
}

#[test]
fn where_everything_is_taken_the_client_learns_whose_fault_it_is() {
    let pool = Pool::new(SIZE);
    let _one = take_all(&pool, &client(1, 1));
    let _two = take_all(&pool, &client(2, 1));
    assert_eq!(pool.try_take(&client(1, 1), 1).unwrap_err(), Exhausted::OverShare);
    assert_eq!(pool.try_take(&client(3, 1), 1).unwrap_err(), Exhausted::Full);
    assert_eq!(Exhausted::Full.retry_after().as_secs(), 1);
    // Each client was rejected once when it took all it could.
    assert_eq!(
        (pool.rejections(Exhausted::OverShare), pool.rejections(Exhausted::Full)),
        (2, 2)
    );
}

#[test]
fn small_pools_have_no_reserve_and_others_two_units_at_least() {
    for (total, reserve_percent, reserve) in [
        (0, 10, 0),
        (3, 50, 0),
        (4, 1, 2),
        (8, 10, 2),
        (1024, 10, 103),
        (1024, 0, 0),
        (100, 50, 50),
        (u64::MAX, 50, u64::MAX / 2 + 1),
    ] {
        let size = PoolSize { total, reserve_percent };
        assert_eq!(size.reserve(), reserve, "{size:?}");
    }
}

#[test]
fn a_grant_grows_and_shrinks_by_the_same_rule() {
    let pool = Pool::new(SIZE);
    let mut grant = pool.try_take(&client(1, 1), 0).unwrap();
    assert_eq!(pool.entries(), 0);
    grant.grow(90).unwrap();
    assert_eq!(grant.grow(1), Err(Exhausted::OverShare));
    grant.shrink(30);
    assert_eq!((grant.units(), pool.taken()), (60, 60));
    grant.shrink(1000);
    assert_eq!((grant.units(), pool.taken(), pool.entries()), (0, 0, 0));
}

#[test]
fn a_smaller_pool_takes_nothing_away() {
    let pool = Pool::new(SIZE);
    let grant = pool.try_take(&client(1, 1), 80).unwrap();
    let small = PoolSize { total: 50, ..SIZE };
    pool.resize(small);
    assert_eq!((pool.taken(), pool.size()), (80, small));
    assert_eq!(pool.try_take(&client(2, 1), 1).unwrap_err(), Exhausted::Full);
    drop(grant);
    assert!(pool.try_take(&client(2, 1), 45).is_ok());
}

#[test]
fn an_ipv6_client_is_its_network_and_a_mapped_one_its_ipv4_address() {
    let of = |address: &str| ClientKey::new(ListenerRole::Shared, address.parse().unwrap());
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2:3"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
}

fn second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_too_long_gets_nothing() {
    let pool = Pool::new(SIZE);
    let held = take_all(&pool, &client(1, 1));
    let begin = Instant::now();
    let exhausted = pool.acquire(&client(1, 1), 1, second()).await.unwrap_err();
    assert_eq!((exhausted, begin.elapsed().as_secs()), (Exhausted::OverShare, 1));
    drop(held);
    assert_eq!(pool.entries(), 0);
    assert!(pool.acquire(&client(1, 1), 1, second()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_queue_delays_another_client() {
    let pool = Pool::new(PoolSize {
        total: 4,
        reserve_percent: 0,
    });
    let mut held = take_all(&pool, &client(1, 1));
    let (order, mut served) = tokio::sync::mpsc::unbounded_channel();
    // Each notes its name, and keeps its unit. Who has less goes first, and who came first where they have the same.
    let wait = |name: &'static str, who: ClientKey| {
        let (pool, order) = (pool.clone(), order.clone());
        tokio::spawn(async move {
            let grant = pool.acquire(&who, 1, second()).await;
            order.send((name, grant)).unwrap();
        })
    };
    for (name, who) in [
        ("a1", client(1, 1)),
        ("a2", client(1, 1)),
        ("b1", client(1, 2)),
        ("b2", client(1, 2)),
        ("c1", client(2, 1)),
    ] {
        wait(name, who);
        tokio::task::yield_now().await;
    }
    let mut kept = Vec::new();
    for want in ["c1", "b1", "a1", "a2"] {
        held.pop();
        let (name, grant) = served.recv().await.unwrap();
        assert_eq!(name, want);
        kept.push(grant.unwrap());
    }
    assert_eq!(pool.taken(), 4);
}

#[tokio::test(start_paused = true)]
async fn who_left_the_queue_takes_nothing_with_it() {
    let pool = Pool::new(SIZE);
    let held = take_all(&pool, &client(1, 1));
    let who = client(1, 1);
    let mut gone = Box::pin(pool.acquire(&who, 1, second()));
    let mut stays = Box::pin(pool.acquire(&who, 1, second()));
    for waiting in [&mut gone, &mut stays] {
        assert!(timeout(Duration::ZERO, waiting.as_mut()).await.is_err());
    }
    // Given a unit that it never looks at.
    drop(held);
    drop(gone);
    drop(stays.await.unwrap());
    assert_eq!((pool.taken(), pool.entries()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_larger_pool_serves_those_who_wait() {
    let pool = Pool::new(PoolSize { total: 2, ..SIZE });
    let _held = take_all(&pool, &client(1, 1));
    let who = client(1, 1);
    let mut waiting = pin!(pool.acquire(&who, 1, second()));
    assert!(timeout(Duration::ZERO, waiting.as_mut()).await.is_err());
    pool.resize(SIZE);
    assert!(waiting.await.is_ok());
}

/// What happens to a pool: a client takes so many units, or a grant is given back.
#[derive(Clone, Debug)]
enum Event {
    Take(u8, u8, u64),
    Grow(usize, u64),
    Drop(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..4_u8, 0..6_u8, 1..12_u64).prop_map(|(listener, address, units)| Event::Take(listener, address, units)),
        (any::<usize>(), 1..5_u64).prop_map(|(index, units)| Event::Grow(index, units)),
        any::<usize>().prop_map(Event::Drop),
    ]
}

proptest! {
    #[test]
    fn shares_hold_whatever_happens(
        total in 4..200_u64,
        reserve_percent in 1..=50_u8,
        events in prop::collection::vec(event(), 1..200),
    ) {
        let size = PoolSize { total, reserve_percent };
        let pool = Pool::new(size);
        let mut grants: Vec<(ClientKey, Grant)> = Vec::new();
        for event in events {
            let before = pool.taken();
            let grown = match event {
                Event::Take(listener, address, units) => {
                    let who = client(listener, address);
                    pool.try_take(&who, units).ok().map(|grant| {
                        grants.push((who.clone(), grant));
                        who
                    })
                }
                Event::Grow(index, units) if !grants.is_empty() => {
                    let index = index % grants.len();
                    let (who, grant) = &mut grants[index];
                    grant.grow(units).ok().map(|()| who.clone())
                }
                Event::Drop(index) if !grants.is_empty() => {
                    drop(grants.swap_remove(index % grants.len()));
                    None
                }
                Event::Grow(..) | Event::Drop(_) => None,
            };
            let mut clients: HashMap<ClientKey, u64> = HashMap::new();
            for (who, grant) in &grants {
                *clients.entry(who.clone()).or_default() += grant.units();
            }
            let sum: u64 = clients.values().sum();
            prop_assert_eq!(pool.taken(), sum);
            prop_assert!(sum <= total);
            // Nobody took of the reserve who has more than half of all, or than an equal share of its own listener.
            if let Some(who) = grown && sum > size.open() {
                let active = u64::try_from(clients.len()).unwrap().max(2);
                let listener: u64 = clients
                    .iter()
                    .filter(|(other, _)| other.listener() == who.listener())
                    .map(|(_, units)| units)
                    .sum();
                prop_assert!(clients[&who] <= total / 2);
                if clients[&who] > total / active {
                    prop_assert!(listener <= total / 2);
                }
                if sum > size.open_to_small_clients() {
                    prop_assert!(listener <= total / 2);
                }
            } else {
                prop_assert!(sum <= before || sum <= size.open());
            }
            // A newcomer is let in as long as there is a reserve for it.
            if sum < size.open_to_small_clients() {
                prop_assert!(pool.try_take(&client(1, 200), 1).is_ok());
            }
            if sum < total {
                prop_assert!(pool.try_take(&client(9, 200), 1).is_ok());
            }
        }
        drop(grants);
        prop_assert_eq!((pool.taken(), pool.entries()), (0, 0));
        prop_assert!(pool.try_take(&client(0, 0), size.open()).is_ok());
    }
}
