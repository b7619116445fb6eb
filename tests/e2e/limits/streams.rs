//! HTTP/2 streams that want nothing but to last.

use std::collections::BTreeSet;
use std::pin::pin;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::support::http2::{DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, RST_STREAM, SETTINGS, block, frame};

/// SETTINGS_INITIAL_WINDOW_SIZE = 0.
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];

const MEMORY: &str = "signing_proxy_shared_taken_bytes{resource=\"request_memory\",connection=\"\"}";
const TOGETHER: &str = "signing_proxy_shared_taken_permits{resource=\"http2_requests\",connection=\"\"}";
const TAKEN: &str = "signing_proxy_shared_taken_permits{resource=\"upstream_permits\",connection=\"a\"}";

/// All that a connection sends: so many requests, on streams that have no window.
fn requests(count: u32, flags: u8, method: &str, target: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![
        (":method", method),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", target),
    ];
    fields.extend_from_slice(more);
    let head = block(&fields);
    let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &NO_WINDOW)].concat();
    for number in 0..count {
        bytes.extend(frame(HEADERS, END_HEADERS | flags, 2 * number + 1, &head));
    }
    bytes
}

/// So many connections of the hog that send this and then read whatever comes.
async fn hold(to: SocketAddr, connections: usize, bytes: &[u8]) -> Vec<tokio::task::JoinHandle<()>> {
    let mut held = Vec::new();
    for _ in 0..connections {
        let mut socket = connect_from(HOG, to).await;
        let _ = socket.write_all(bytes).await;
        held.push(tokio::spawn(async move {
            let mut piece = [0; 4_096];
            while matches!(socket.read(&mut piece).await, Ok(1..)) {}
        }));
    }
    held
}

#[tokio::test]
async fn heads_without_bodies_hold_no_permit() {
    let (proxy, _upstream) = start("", "").await;
    let a = listener(&proxy, "a");
    let _held = hold(a, 40, &requests(32, 0, "PUT", "/b/k", &[("content-length", "5")])).await;
    reaches(&proxy, IN_FLIGHT, 40 * 32).await;
    assert_eq!(sample(&proxy, TAKEN).await, 0);
    let (response, after) = ask_from(OTHER, a).await;
    assert_eq!(response.status, 200);
    assert!(after < Duration::from_secs(5), "{after:?}");
}

#[tokio::test]
async fn requests_without_memory_for_them_are_reset_and_others_are_served() {
    let (proxy, _upstream) = start("request_memory = \"1MiB\"", "").await;
    let a = listener(&proxy, "a");
    // There is memory for some 70 of them.
    let _held = hold(a, 3, &requests(32, 0, "PUT", "/b/k", &[("content-length", "5")])).await;
    reaches(&proxy, MEMORY, (1 << 20) * 9 / 10 - 13_000).await;
    let reason = async {
        let socket = connect_from(HOG, a).await;
        let (sender, http2) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(http2);
        let request = http::Request::get("http://localhost/b/k").body(()).unwrap();
        let (response, _) = sender.ready().await.unwrap().send_request(request, true).unwrap();
        response.await.unwrap_err().reason()
    };
    assert_eq!(
        timeout(LONGEST_WAIT, reason).await.unwrap(),
        Some(h2::Reason::REFUSED_STREAM)
    );
    let (response, _) = ask_from(OTHER, a).await;
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn rejections_that_nobody_takes_are_in_the_budget() {
    let (proxy, _upstream) = start("", "").await;
    // TRACE is never sent on, and its rejection has no window to come back by.
    let held = hold(
        listener(&proxy, "a"),
        1,
        &requests(32, END_STREAM, "TRACE", "/b/k", &[]),
    )
    .await;
    reaches(&proxy, MEMORY, 32 * 12_288).await;
    for socket in held {
        socket.abort();
    }
    let freed = async {
        while sample(&proxy, MEMORY).await > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONGEST_WAIT, freed).await.expect("what was held is free");
}

#[tokio::test]
async fn a_connection_holds_an_eighth_of_the_permits_at_most() {
    let (proxy, _upstream) = start("", "").await;
    let a = listener(&proxy, "a");
    // More than it may have at a time: those beyond wait.
    let _held = hold(a, 1, &requests(150, END_STREAM, "GET", NEVER, &[])).await;
    reaches(&proxy, TAKEN, 32).await;
    let size = sample(&proxy, &TAKEN.replace("taken", "size")).await;
    // The requests of another one come after all of those.
    let (response, _) = ask_from(OTHER, a).await;
    assert_eq!(response.status, 200);
    let taken = sample(&proxy, TAKEN).await;
    assert!(taken == 32 && taken * 8 <= size, "{taken} of {size}");
}

/// The next frame's kind, flags, stream and payload.
async fn next_frame(socket: &mut TcpStream) -> (u8, u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.unwrap();
    let [high, middle, low, kind, flags, stream @ ..] = head;
    let length = u32::from_be_bytes([0, high, middle, low]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    socket.read_exact(&mut payload).await.unwrap();
    (kind, flags, u32::from_be_bytes(stream), payload)
}

/// RFC 9113, section 6.5.2: until a client has read our SETTINGS, it may send as many requests as it likes.
#[tokio::test]
async fn a_burst_before_our_settings_are_read_is_served_to_the_last_request() {
    const BURST: u32 = 150;
    let (proxy, _upstream) = start("", "").await;
    let mut socket = connect_from(OTHER, listener(&proxy, "a")).await;
    let bytes = requests(BURST, END_STREAM, "GET", "/b/k", &[]);
    let (requests, window) = (bytes, frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]));
    socket.write_all(&[requests, window].concat()).await.unwrap();
    let (kind, _, _, settings) = next_frame(&mut socket).await;
    assert_eq!(kind, SETTINGS);
    let streams = settings.chunks(6).find(|entry| entry[..2] == [0, 3]);
    assert_eq!(streams, Some(&[0, 3, 0, 0, 0, 32][..]));
    let reading = async {
        let (mut served, mut ended) = (BTreeSet::new(), BTreeSet::new());
        while ended.len() < usize::try_from(BURST).unwrap() {
            let (kind, flags, stream, payload) = next_frame(&mut socket).await;
            assert_ne!(kind, RST_STREAM, "{stream}: {payload:?}");
            // Field 8 of the static table is `:status: 200`; a change of the table's size may stand before it.
            if kind == HEADERS && payload.iter().find(|byte| **byte & 0xe0 != 0x20) == Some(&0x88) {
                served.insert(stream);
            }
            if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
                ended.insert(stream);
            }
        }
        assert_eq!(served, ended);
    };
    timeout(LONGEST_WAIT, reading).await.expect("responses in time");
}

#[tokio::test]
async fn all_connections_have_1024_streams_together() {
    let (proxy, _upstream) = start("", "").await;
    let (a, b) = (listener(&proxy, "a"), listener(&proxy, "b"));
    let bytes = requests(32, END_STREAM, "GET", NEVER, &[]);
    let _of_a = hold(a, 20, &bytes).await;
    reaches(&proxy, TAKEN, 20 * 32).await;
    let _of_b = hold(b, 20, &bytes).await;
    reaches(&proxy, TOGETHER, 1024).await;
    let (response, _) = ask_from(OTHER, b).await;
    assert_eq!(response.status, 200);
    let of_b = sample(&proxy, &TAKEN.replace("\"a\"", "\"b\"")).await;
    assert_eq!((of_b, sample(&proxy, TOGETHER).await), (1024 - 20 * 32, 1024));
}

#[tokio::test]
async fn a_stream_that_takes_nothing_ends_and_the_others_go_on() {
    let (proxy, _upstream) = start("write_timeout = \"1s\"", "").await;
    let socket = connect_from(HOG, listener(&proxy, "a")).await;
    let (sender, http2) = h2::client::Builder::new()
        .initial_connection_window_size(1 << 20)
        .handshake::<_, bytes::Bytes>(socket)
        .await
        .unwrap();
    tokio::spawn(http2);
    let mut sender = sender.ready().await.unwrap();
    let mut body = async |target: &str| {
        let request = http::Request::get(format!("http://localhost{target}"))
            .body(())
            .unwrap();
        let (response, _) = sender.send_request(request, true).unwrap();
        response.await.unwrap().into_body()
    };
    let mut stuck = body(LONG).await;
    let mut taken = body(LONG).await;
    let other = async {
        let mut all = 0;
        while let Some(data) = taken.data().await {
            let data = data.unwrap();
            all += data.len();
            taken.flow_control().release_capacity(data.len()).unwrap();
        }
        all
    };
    let stopped = async {
        loop {
            match stuck.data().await {
                // Its window is never opened again.
                Some(Ok(_)) => {}
                end => return end.and_then(Result::err).and_then(|error| error.reason()),
            }
        }
    };
    let (all, reason) = timeout(LONGEST_WAIT, async { tokio::join!(other, stopped) })
        .await
        .unwrap();
    assert_eq!((all, reason), (LARGE, Some(h2::Reason::CANCEL)));
    let mut after = body("/b/k").await;
    assert!(after.data().await.unwrap().is_ok());
}

/// The longest that a request of the other client takes while the hog opens so many connections, and once they are there.
async fn longest_delay(connections: usize, streams: u32) -> Duration {
    let (proxy, _upstream) = start("", "").await;
    let a = listener(&proxy, "a");
    let bytes = requests(streams, END_STREAM, "GET", "/b/k", &[]);
    let mut opening = pin!(hold(a, connections, &bytes));
    let mut longest = Duration::ZERO;
    loop {
        let held = timeout(Duration::from_millis(100), &mut opening).await;
        let (response, after) = ask_from(OTHER, a).await;
        assert_eq!(response.status, 200);
        longest = longest.max(after);
        let Ok(_held) = held else { continue };
        // All that the hog may have, it has.
        let most = (connections * 32).min(921);
        reaches(&proxy, TAKEN, u64::try_from(most).unwrap()).await;
        let (response, after) = ask_from(OTHER, a).await;
        assert_eq!(response.status, 200);
        return longest.max(after);
    }
}

#[tokio::test]
async fn eleven_connections_without_window_delay_nobody() {
    let delay = longest_delay(11, 100).await;
    assert!(delay < Duration::from_secs(1), "{delay:?}");
}

/// Some 8 s long, nearly all of it the hog's.
#[tokio::test]
async fn a_thousand_connections_without_window_delay_nobody() {
    let delay = longest_delay(1_000, 32).await;
    assert!(delay < Duration::from_secs(1), "{delay:?}");
}
