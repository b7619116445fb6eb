//! Early responses by HTTP/2: the end of a response says that it is whole, whatever becomes of its stream or connection.

use std::fmt::Write as _;

use bytes::Bytes;
use signing_proxy::app::Proxy;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http2::{After, Early, Framing, Service, Then};
use super::{LENGTHS, upload};
use crate::bidirectional::{PATH, encoded, message};
use crate::support::http2::{INTERNAL_ERROR, NO_ERROR};
use crate::support::world::{by_role, connection, proxy, sandbox};
use crate::support::{LONGEST_WAIT, ask};

const INVOKE: &str = "POST /2015-03-31/functions/f/invocations";

async fn before(service: &Service) -> Proxy {
    let (settings, endpoint) = service.settings();
    proxy(&(settings + &connection("c", "lambda", &endpoint, ""))).await
}

/// Each length and framing of the request, each framing of the response.
async fn check(after: After, read: usize) {
    let mut lost = String::new();
    for framing in [Framing::Head, Framing::Length, Framing::NoLength, Framing::Trailers] {
        let text = if framing == Framing::Head { "" } else { "SlowDown" };
        let early = Early {
            read,
            interim: 2,
            ..Early::new("503", text, framing, after)
        };
        let service = Service::start(vec![], Then::Early(early)).await;
        let proxy = before(&service).await;
        let mut sent = 0;
        for length in LENGTHS {
            for is_chunked in [false, true] {
                let what = format!("{framing:?}, {length} chunked {is_chunked}");
                let request = upload(INVOKE, length, is_chunked);
                // A response that breaks off fails its task.
                let response = tokio::spawn(ask(proxy.addr().expect("a listener"), request)).await;
                let got = response.map(|response| (response.status, response.text())).ok();
                sent += 1;
                if got != Some((503, text.to_owned())) {
                    // Writing to a String cannot fail.
                    let _ = writeln!(lost, "{what}: {got:?}");
                }
                if service.counts().requests != sent {
                    let _ = writeln!(lost, "{what}: {} requests came, not {sent}", service.counts().requests);
                    sent = service.counts().requests;
                }
            }
        }
    }
    assert_eq!(lost, "", "{after:?}");
}

#[tokio::test]
async fn response_before_a_reset_is_passed_on() {
    for after in [After::Reset(NO_ERROR), After::Reset(INTERNAL_ERROR)] {
        check(after, 0).await;
        check(after, 20_000).await;
    }
}

#[tokio::test]
async fn response_before_silence_is_passed_on() {
    check(After::Stalls, 0).await;
    check(After::ReadsOn, 0).await;
}

#[tokio::test]
async fn response_before_a_goaway_and_the_end_of_the_connection_is_passed_on() {
    check(After::GoesAway, 0).await;
    check(After::GoesAway, 20_000).await;
}

#[tokio::test]
async fn response_before_the_connection_is_dropped_is_passed_on() {
    check(After::Drops, 0).await;
    check(After::Drops, 20_000).await;
}

async fn status(proxy: &Proxy, request: impl AsRef<[u8]>) -> u16 {
    ask(proxy.addr().expect("a listener"), request).await.status
}

/// Nothing is left to send: the response is whole whatever follows it.
#[tokio::test]
async fn response_to_a_request_without_a_body_is_passed_on() {
    for after in [
        After::Reset(NO_ERROR),
        After::Reset(INTERNAL_ERROR),
        After::GoesAway,
        After::Drops,
    ] {
        for framing in [Framing::Head, Framing::Length, Framing::NoLength, Framing::Trailers] {
            let service = Service::start(vec![], Then::Early(Early::new("404", "gone", framing, after))).await;
            let proxy = before(&service).await;
            let request = "GET /2015-03-31/functions/f HTTP/1.1\r\nHost: localhost\r\n\r\n";
            assert_eq!(status(&proxy, request).await, 404, "{framing:?} {after:?}");
            assert_eq!(service.counts().requests, 1, "{framing:?} {after:?}");
        }
    }
}

#[tokio::test]
async fn response_to_a_request_with_trailers_is_passed_on() {
    for after in [After::Reset(NO_ERROR), After::GoesAway, After::Stalls] {
        let service = Service::start(vec![], Then::Early(Early::new("503", "x", Framing::Length, after))).await;
        let proxy = before(&service).await;
        let mut request =
            format!("{INVOKE} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
        request.extend_from_slice(b"100000\r\n");
        request.resize(request.len() + 0x10_0000, b'x');
        request.extend_from_slice(b"\r\n0\r\nx-checksum: 1\r\n\r\n");
        assert_eq!(status(&proxy, request).await, 503, "{after:?}");
    }
}

/// Else its window stays shut for all that follow, and the body in memory.
#[tokio::test]
async fn connection_on_which_the_service_reads_no_more_is_not_used_again_and_closed() {
    for early in ["200", "503"] {
        let stalls = Then::Early(Early::new(early, "x", Framing::Length, After::Stalls));
        let service = Service::start(vec![stalls; 5], Then::Whole).await;
        let proxy = before(&service).await;
        for _ in 0..5 {
            assert_eq!(status(&proxy, upload(INVOKE, 1 << 20, false)).await.to_string(), early);
        }
        for _ in 0..2 {
            assert_eq!(status(&proxy, upload(INVOKE, 1 << 20, false)).await, 200);
        }
        let counts = service.counts();
        assert_eq!((counts.requests, counts.connections), (7, 6), "{counts:?}");
        service.counts_until(|counts| counts.open == 1).await;
    }
}

#[tokio::test]
async fn connection_on_which_no_response_comes_takes_no_further_requests() {
    let service = Service::start(vec![Then::Silent], Then::Whole).await;
    let (settings, endpoint) = service.settings();
    let connection = connection("c", "lambda", &endpoint, "timeouts.response = \"1s\"");
    let proxy = proxy(&(settings + &connection)).await;
    assert_eq!(status(&proxy, upload(INVOKE, 1000, false)).await, 504);
    assert_eq!(status(&proxy, upload(INVOKE, 1000, false)).await, 200);
    let counts = service.counts();
    assert_eq!((counts.requests, counts.connections), (2, 2), "{counts:?}");
}

#[tokio::test]
async fn service_that_has_accepted_and_reads_on_gets_the_whole_body_and_one_that_has_not_gets_a_reset() {
    let early = |status| Then::Early(Early::new(status, "x", Framing::Length, After::ReadsOn));
    let service = Service::start(vec![early("200")], early("503")).await;
    let proxy = before(&service).await;
    assert_eq!(status(&proxy, upload(INVOKE, 4 << 20, false)).await, 200);
    service.counts_until(|counts| counts.bytes == 4 << 20).await;
    assert_eq!(service.counts().resets, 0);
    assert_eq!(status(&proxy, upload(INVOKE, 8 << 20, false)).await, 503);
    service.counts_until(|counts| counts.resets == 1).await;
    assert!(service.counts().bytes < 12 << 20, "{:?}", service.counts());
}

/// A proxy whose keys are those of a role, that the sandbox's STS issues.
async fn recovered(rejection: Early, reason: &str) {
    let service = Service::start(vec![Then::Early(rejection)], Then::Whole).await;
    let sandbox = sandbox().await;
    let (settings, endpoint) = service.settings();
    let connection = by_role(&sandbox, &endpoint).replace("\"s3\"", "\"lambda\"");
    let proxy = proxy(&(settings + &connection)).await;
    let response = ask(proxy.addr().expect("a listener"), upload(INVOKE, 4 << 20, false)).await;
    assert_eq!(
        (response.status, response.text().as_str()),
        (200, "4194304"),
        "{rejection:?}"
    );
    let metrics = proxy.metrics().encode().expect("metrics");
    let retried = format!("signing_proxy_retries_total{{connection=\"c\",reason=\"{reason}\"}} 1");
    assert!(metrics.contains(&retried), "{metrics}");
    assert_eq!(service.counts().requests, 2, "{rejection:?}");
}

#[tokio::test]
async fn session_is_refreshed_and_the_clock_corrected() {
    let expired =
        "{\"__type\":\"ExpiredTokenException\",\"message\":\"The security token included in the request is expired\"}";
    let skewed = "{\"__type\":\"RequestTimeTooSkewed\",\"message\":\"Skewed\"}";
    for after in [After::Reset(NO_ERROR), After::Stalls, After::GoesAway, After::Drops] {
        recovered(Early::new("403", expired, Framing::Length, after), "credentials").await;
        recovered(Early::new("403", skewed, Framing::NoLength, after), "clock").await;
    }
}

#[tokio::test]
async fn status_that_is_to_be_retried_is() {
    for after in [After::Reset(NO_ERROR), After::Stalls, After::Drops] {
        let early = Early::new("503", "SlowDown", Framing::NoLength, after);
        let service = Service::start(vec![Then::Early(early)], Then::Whole).await;
        let (settings, endpoint) = service.settings();
        let connection = connection("c", "lambda", &endpoint, "retry.on_status = [503]");
        let proxy = proxy(&(settings + &connection)).await;
        let update = "PUT /2015-03-31/functions/f/code";
        assert_eq!(status(&proxy, upload(update, 1 << 20, false)).await, 200, "{after:?}");
        assert_eq!(service.counts().requests, 2, "{after:?}");
    }
}

/// Neither a head nor data without their end are a response.
#[tokio::test]
async fn early_response_that_is_cut_is_never_whole() {
    for after in [
        After::Reset(NO_ERROR),
        After::Reset(INTERNAL_ERROR),
        After::GoesAway,
        After::Drops,
    ] {
        for framing in [Framing::Length, Framing::NoLength, Framing::Trailers] {
            let early = Early {
                is_cut: true,
                ..Early::new("200", "0123456789", framing, after)
            };
            let service = Service::start(vec![], Then::Early(early)).await;
            let proxy = before(&service).await;
            let request = upload(INVOKE, 1 << 20, false);
            let response = tokio::spawn(ask(proxy.addr().expect("a listener"), request)).await;
            let is_broken = response.as_ref().map_or(true, |response| response.status == 502);
            assert!(is_broken, "{framing:?} {after:?}: {response:?}");
        }
    }
}

/// The client still sends events when the service rejects all of it, and never ends its side. With `events` the service's
/// window is full.
#[tokio::test]
async fn response_to_a_client_that_streams_events_is_passed_on_and_its_connection_is_closed() {
    let text = "{\"message\":\"no\"}";
    for after in [
        After::Reset(NO_ERROR),
        After::Reset(INTERNAL_ERROR),
        After::Stalls,
        After::GoesAway,
        After::Drops,
    ] {
        for events in [0, 2] {
            let early = Early {
                read: if events > 0 { 60_000 } else { 0 },
                ..Early::new("400", text, Framing::NoLength, after)
            };
            let service = Service::start(vec![], Then::Early(early)).await;
            let (settings, endpoint) = service.settings();
            let proxy = proxy(&(settings + &connection("c", "bedrock-runtime", &endpoint, ""))).await;
            let address = proxy.addr().expect("a listener");
            let socket = TcpStream::connect(address).await.expect("the proxy listens");
            let (sender, http2) = h2::client::handshake(socket).await.expect("a connection");
            tokio::spawn(http2);
            let request = http::Request::post(format!("http://{address}{PATH}"))
                .header("content-type", "application/vnd.amazon.eventstream");
            let mut sender: h2::client::SendRequest<Bytes> = sender.ready().await.expect("room for a stream");
            let (response, mut stream) = sender
                .send_request(request.body(()).expect("a request"), false)
                .expect("a stream");
            for _ in 0..events {
                stream
                    .send_data(encoded(&message(vec![b'x'; 100_000])), false)
                    .expect("an open stream");
            }
            let what = format!("{after:?}, {events} events");
            let response = timeout(LONGEST_WAIT, response).await.expect("in time").expect("a head");
            assert_eq!(response.status(), 400, "{what}");
            let (mut body, mut received) = (response.into_body(), Vec::new());
            while let Some(data) = timeout(LONGEST_WAIT, body.data()).await.expect("in time") {
                received.extend_from_slice(&data.unwrap_or_else(|error| panic!("{what}: {error}")));
            }
            assert_eq!(received, text.as_bytes(), "{what}");
            service
                .counts_until(|counts| counts.connections == 1 && counts.open == 0)
                .await;
        }
    }
}

/// As over HTTP/1: the service has sent something that is no HTTP.
#[tokio::test]
async fn response_that_is_no_http_is_malformed() {
    for status in ["000", "1000", "abc"] {
        let early = Early::new(status, "x", Framing::Length, After::ReadsOn);
        let service = Service::start(vec![], Then::Early(early)).await;
        let proxy = before(&service).await;
        let request = upload(INVOKE, 10, false);
        let (status, code, _) = ask(proxy.addr().expect("a listener"), request).await.rejection();
        assert_eq!((status, code.as_str()), (502, "upstream-malformed"));
    }
}
