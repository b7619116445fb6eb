//! Client connections: what one client has never keeps another one out.

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Of `max_clients = 8` a client alone has all but a reserve of two.
const EIGHT: &str = "max_clients = 8";

/// Six connections of the hog whose requests the upstream has, and three more, with the response each.
async fn nine_busy(proxy: &Proxy) -> (Vec<Wire>, Vec<RawResponse>) {
    let a = listener(proxy, "a");
    let mut busy = Vec::new();
    for count in 1..=6 {
        let mut wire = Wire::connect(a).await;
        wire.send(get(NEVER)).await;
        reaches(proxy, IN_FLIGHT, count).await;
        busy.push(wire);
    }
    (busy, join_all((0..3).map(|_| ask(a, get("/b/k")))).await)
}

#[tokio::test]
async fn idle_connections_of_one_tenant_delay_nobody() {
    let (proxy, _upstream) = start(EIGHT, "").await;
    let mut idle = Vec::new();
    for _ in 0..9 {
        let mut wire = Wire::connect(listener(&proxy, "a")).await;
        wire.send(get("/b/k")).await;
        // Some are rejected: those before them have not been idle for long enough.
        wire.response().await;
        idle.push(wire);
    }
    let (response, after) = ask_from(HOG, listener(&proxy, "b")).await;
    assert_eq!(response.status, 200);
    assert!(after < Duration::from_secs(5), "{after:?}");
}

#[tokio::test]
async fn the_longest_idle_connection_makes_room() {
    let (proxy, _upstream) = start(EIGHT, "").await;
    let a = listener(&proxy, "a");
    let mut idle = Vec::new();
    for _ in 0..6 {
        let mut wire = Wire::connect(a).await;
        wire.send(get("/b/k")).await;
        assert_eq!(wire.response().await.status, 200);
        idle.push(wire);
    }
    served_in_the_end(a).await;
    assert!(idle[0].is_closed().await);
    let youngest = &mut idle[5];
    youngest.send(get("/b/k")).await;
    assert_eq!(youngest.response().await.status, 200);
    assert!(
        sample(
            &proxy,
            "signing_proxy_client_connections_ended_total{reason=\"evicted\"}"
        )
        .await
            >= 1
    );
}

#[tokio::test]
async fn an_idle_http2_connection_makes_room_by_goaway() {
    let (proxy, _upstream) = start(EIGHT, "").await;
    let a = listener(&proxy, "a");
    let (sender, http2) = h2::client::handshake(connect_from(HOG, a).await).await.unwrap();
    let http2 = tokio::spawn(http2);
    let mut sender = sender.ready().await.unwrap();
    let request = http::Request::get("http://localhost/b/k").body(()).unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    let mut busy = Vec::new();
    for count in 1..=5 {
        let mut wire = Wire::connect(a).await;
        wire.send(get(NEVER)).await;
        reaches(&proxy, IN_FLIGHT, count).await;
        busy.push(wire);
    }
    served_in_the_end(a).await;
    let ended = timeout(LONGEST_WAIT, http2).await.expect("it ends").unwrap();
    assert!(ended.is_ok(), "{ended:?}");
}

#[tokio::test]
async fn busy_connections_of_one_client_keep_no_other_one_out() {
    let (proxy, _upstream) = start(EIGHT, "").await;
    let (_busy, rejected) = nine_busy(&proxy).await;
    for response in rejected {
        assert_eq!(response.status, 503, "{response:?}");
        assert_eq!(response.header("x-signing-proxy-error"), Some("client-over-share"));
        assert_eq!(response.header("retry-after"), Some("1"));
        assert_eq!(response.header("connection"), Some("close"));
        assert!(response.text().contains("<Code>SlowDown</Code>"), "{}", response.text());
    }
    let (another_address, _) = ask_from(OTHER, listener(&proxy, "a")).await;
    assert_eq!(another_address.status, 200);
    let (another_listener, _) = ask_from(HOG, listener(&proxy, "b")).await;
    assert_eq!(another_listener.status, 200);
}

#[tokio::test]
async fn a_client_beyond_its_share_is_rejected_over_http2_too() {
    let (proxy, _upstream) = start(EIGHT, "").await;
    let (_busy, _) = nine_busy(&proxy).await;
    let socket = connect_from(HOG, listener(&proxy, "a")).await;
    let (sender, http2) = h2::client::handshake(socket).await.unwrap();
    let http2 = tokio::spawn(http2);
    let mut sender = sender.ready().await.unwrap();
    let request = http::Request::get("http://localhost/b/k").body(()).unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["x-signing-proxy-error"], "client-over-share");
    let ended = timeout(LONGEST_WAIT, http2).await.expect("it ends").unwrap();
    assert!(ended.is_ok(), "{ended:?}");
}

#[tokio::test]
async fn what_is_beyond_the_rejections_is_closed_and_others_are_served() {
    let (proxy, _upstream) = start(EIGHT, "").await;
    let a = listener(&proxy, "a");
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut socket = connect_from(HOG, a).await;
        // The head never ends.
        let _ = socket.write_all(b"GET /b/k HTTP/1.1\r\n").await;
        held.push(socket);
    }
    reaches(
        &proxy,
        "signing_proxy_client_connections_rejected_total{outcome=\"closed\"}",
        1,
    )
    .await;
    assert!(
        sample(
            &proxy,
            "signing_proxy_client_connections_rejected_total{outcome=\"rejected\"}"
        )
        .await
            >= 48
    );
    let (response, after) = ask_from(HOG, listener(&proxy, "b")).await;
    assert_eq!(response.status, 200);
    assert!(after < Duration::from_secs(5), "{after:?}");
    // Those that were let in for a head do not stay.
    let mut rejected = held.swap_remove(10);
    let ended = timeout(LONGEST_WAIT, rejected.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn a_thousand_idle_sockets_keep_nobody_out() {
    let (proxy, _upstream) = start("", "").await;
    let a = listener(&proxy, "a");
    let mut silent = Vec::new();
    for _ in 0..1_024 {
        silent.push(connect_from(HOG, a).await);
    }
    for (from, to) in [(OTHER, "a"), (HOG, "b")] {
        let (response, after) = ask_from(from, listener(&proxy, to)).await;
        assert_eq!(response.status, 200);
        assert!(after < Duration::from_secs(5), "{after:?}");
    }
    let live = ask(proxy.admin_addr().unwrap(), get("/livez")).await;
    assert_eq!(live.status, 200);
    // Nor the client itself: silent ones make room.
    served_in_the_end(a).await;
}

#[tokio::test]
async fn the_admin_listener_responds_whoever_fills_it() {
    let (proxy, _upstream) = start("", "").await;
    let admin = proxy.admin_addr().unwrap();
    let mut held = Vec::new();
    for _ in 0..64 {
        let mut socket = connect_from(HOG, admin).await;
        let _ = socket.write_all(b"GET /livez HTTP/1.1\r\n").await;
        held.push(socket);
    }
    for from in [OTHER, HOG] {
        let mut wire = Wire::on(connect_from(from, admin).await);
        wire.send(get("/livez")).await;
        assert_eq!(wire.response().await.status, 200, "{from}");
    }
}

/// Unfinished heads of several addresses, opened anew as fast as they end, keep no probe out.
#[tokio::test]
async fn the_admin_listener_responds_to_a_probe_among_unfinished_heads() {
    let (proxy, _upstream) = start("", "").await;
    let admin = proxy.admin_addr().unwrap();
    for round in 0..4 {
        let mut held = Vec::new();
        for host in 11..=13 {
            for _ in 0..70 {
                let mut socket = connect_from(IpAddr::from([127, 0, 0, host]), admin).await;
                let _ = socket.write_all(b"GET /livez HTTP/1.1\r\nHo").await;
                held.push(socket);
            }
        }
        let mut wire = Wire::on(connect_from(OTHER, admin).await);
        wire.send(get("/livez")).await;
        assert_eq!(wire.response().await.status, 200, "round {round}");
    }
}

/// Nor do clients that are slow with anything else: that dribble bodies, or stay when they were rejected.
#[tokio::test]
async fn the_admin_listener_responds_to_a_probe_among_slow_clients() {
    let (proxy, _upstream) = start("", "").await;
    let admin = proxy.admin_addr().unwrap();
    let head = "GET /livez HTTP/1.1\r\nHost: localhost\r\n";
    for (bytes, more) in [
        (format!("{head}Content-Length: 100000\r\n\r\n"), "x"),
        (format!("{head}Transfer-Encoding: chunked\r\n\r\n"), "1\r\nx\r\n"),
        ("nonsense\r\n\r\n".to_owned(), "x"),
        ("\u{16}\u{3}\u{1}".to_owned(), "x"),
        (get("/livez"), &get("/livez")),
    ] {
        let mut held = Vec::new();
        for host in (11..=50).cycle().take(200) {
            let mut socket = connect_from(IpAddr::from([127, 0, 0, host]), admin).await;
            let _ = timeout(Duration::from_millis(5), socket.write_all(bytes.as_bytes())).await;
            held.push(socket);
        }
        for round in 0..5 {
            for from in [OTHER, HOG] {
                let mut wire = Wire::on(connect_from(from, admin).await);
                wire.send(get("/livez")).await;
                let response = timeout(LONGEST_WAIT, wire.response())
                    .await
                    .expect("a response in time");
                assert_eq!(response.status, 200, "{round}: {bytes:.80?}");
            }
            for socket in &held {
                let _ = socket.try_write(more.as_bytes());
            }
        }
    }
}

/// A body is nothing that the admin listener reads: its response ends the connection.
#[tokio::test]
async fn the_admin_listener_does_not_wait_for_bodies() {
    let (proxy, _upstream) = start("", "").await;
    let mut wire = Wire::connect(proxy.admin_addr().unwrap()).await;
    wire.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx")
        .await;
    let response = wire.response().await;
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert!(wire.is_closed().await);
}

#[tokio::test]
async fn unfinished_heads_of_many_addresses_make_room_after_a_second() {
    let (proxy, _upstream) = start(EIGHT, "").await;
    let a = listener(&proxy, "a");
    let mut held = Vec::new();
    for host in 11..=18 {
        let mut socket = connect_from(IpAddr::from([127, 0, 0, host]), a).await;
        socket.write_all(b"GET /b/k HTTP/1.1\r\nHo").await.unwrap();
        held.push(socket);
    }
    served_in_the_end(a).await;
}
