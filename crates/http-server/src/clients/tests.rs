//! What [`super`] promises.

use std::future::poll_fn;
use std::net::IpAddr;

use auth_model::ConnectionName;
use futures_util::FutureExt;
use tokio::time::advance;

use super::*;
use resource_limits::ListenerRole;

const PLACE_KEPT: Duration = Duration::from_secs(1);

fn clients(total: u64) -> Clients {
    Clients::new(
        PoolSize {
            total,
            reserve_percent: 10,
        },
        PLACE_KEPT,
    )
}

/// A client of the connection's own listener.
fn client(listener: &str, host: u8) -> ClientKey {
    let role = ListenerRole::Connection(ConnectionName::parse(listener).unwrap());
    ClientKey::new(role, IpAddr::from([10, 0, 0, host]))
}

/// As many places as the client gets, none of them by eviction.
fn take_all(clients: &Clients, client: &ClientKey) -> Vec<Place> {
    let mut places = Vec::new();
    loop {
        let place = clients.admit(client.clone()).unwrap();
        if place.is_rejected() {
            return places;
        }
        places.push(place);
    }
}

fn is_evicted(place: &mut Place) -> bool {
    poll_fn(|cx| place.poll_evicted(cx)).now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn one_client_takes_all_but_the_reserve_and_others_still_come_in() {
    let clients = clients(100);
    let hog = take_all(&clients, &client("a", 1));
    assert_eq!(hog.len(), 90);
    assert!(!clients.admit(client("a", 2)).unwrap().is_rejected());
    assert!(!clients.admit(client("b", 1)).unwrap().is_rejected());
}

#[tokio::test(start_paused = true)]
async fn many_addresses_on_one_listener_leave_room_on_another() {
    let clients = clients(100);
    let mut held = Vec::new();
    for host in 0..=255 {
        held.extend(clients.admit(client("a", host)));
    }
    let rejected = held.iter().filter(|place| place.is_rejected()).count();
    assert!(rejected > 0 && rejected <= 64, "{rejected}");
    assert!(!clients.admit(client("b", 1)).unwrap().is_rejected());
}

#[tokio::test(start_paused = true)]
async fn the_longest_idle_connection_makes_room() {
    let clients = clients(100);
    let hog = client("a", 1);
    let mut places = take_all(&clients, &hog);
    for place in places.iter_mut().take(3) {
        place.offer(IdleKind::Rested);
        advance(Duration::from_secs(1)).await;
    }
    let taken = clients.taken();
    for evicted in 0..3 {
        let place = clients.admit(hog.clone()).unwrap();
        assert!(!place.is_rejected());
        places.push(place);
        let gone: Vec<bool> = places.iter_mut().take(3).map(is_evicted).collect();
        assert_eq!(gone, [true, evicted >= 1, evicted >= 2]);
    }
    assert_eq!(clients.taken(), taken);
    assert!(clients.admit(hog).unwrap().is_rejected());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_just_come_is_not_idle() {
    let clients = clients(100);
    let hog = client("a", 1);
    let mut places = take_all(&clients, &hog);
    places[0].offer(IdleKind::Fresh);
    assert!(clients.admit(hog.clone()).unwrap().is_rejected());
    advance(PLACE_KEPT).await;
    assert!(!clients.admit(hog).unwrap().is_rejected());
    assert!(is_evicted(&mut places[0]));
}

#[tokio::test(start_paused = true)]
async fn a_busy_connection_takes_its_place_back() {
    let clients = clients(100);
    let hog = client("a", 1);
    let mut places = take_all(&clients, &hog);
    places[0].offer(IdleKind::Rested);
    assert!(places[0].take_back());
    assert!(!is_evicted(&mut places[0]));
    assert!(clients.admit(hog.clone()).unwrap().is_rejected());

    // One whose place is gone gets another one, if there is one.
    places[0].offer(IdleKind::Rested);
    let other = clients.admit(hog).unwrap();
    assert!(!places[0].take_back());
    drop(other);
    assert!(places[0].take_back());
}

#[tokio::test(start_paused = true)]
async fn who_has_most_makes_room_and_not_those_who_have_less() {
    let clients = clients(100);
    let (hog, small) = (client("a", 1), client("b", 1));
    let mut hogs = take_all(&clients, &hog);
    let mut one = clients.admit(small.clone()).unwrap();
    one.offer(IdleKind::Rested);
    // In the reserve the hog gets no place of the small one's, however long that is idle.
    assert!(clients.admit(hog.clone()).unwrap().is_rejected());
    assert!(!is_evicted(&mut one));
    // The small client gets places of the hog's, also when the whole reserve is taken.
    for place in hogs.iter_mut().take(60) {
        place.offer(IdleKind::Rested);
    }
    assert!(one.take_back());
    let more: Vec<_> = (0..40).map(|_| clients.admit(small.clone()).unwrap()).collect();
    assert!(more.iter().all(|place| !place.is_rejected()));
    assert!(clients.taken() <= 100);
    // The hog gets its own.
    assert!(!clients.admit(hog).unwrap().is_rejected());
}

#[tokio::test(start_paused = true)]
async fn after_a_reload_with_fewer_places_idle_connections_end() {
    let clients = clients(100);
    let hog = client("a", 1);
    let mut places = take_all(&clients, &hog);
    for place in &mut places {
        place.offer(IdleKind::Rested);
    }
    clients.resize(PoolSize {
        total: 50,
        reserve_percent: 10,
    });
    let admitted = (0..60).filter_map(|_| clients.admit(client("b", 2))).count();
    assert!(admitted > 0);
    assert!(clients.taken() <= 50, "{}", clients.taken());
}

#[tokio::test(start_paused = true)]
async fn rejections_are_few_and_nobody_takes_all_of_them() {
    let clients = clients(4);
    let hog = client("a", 1);
    let held: Vec<_> = std::iter::from_fn(|| clients.admit(hog.clone())).collect();
    let rejected = held.iter().filter(|place| place.is_rejected()).count();
    assert_eq!(rejected, 48);
    assert!(clients.admit(client("b", 1)).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_ends_leaves_nothing_behind() {
    let clients = clients(10);
    for kind in [IdleKind::Fresh, IdleKind::Rested] {
        let mut place = clients.admit(client("a", 1)).unwrap();
        place.offer(kind);
        drop(place);
    }
    assert_eq!(clients.taken(), 0);
    let idle = clients.lock();
    assert!(idle.fresh.is_empty() && idle.rested.is_empty());
}
