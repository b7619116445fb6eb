//! Each framing of a truncated response, on each protocol of a client: never whole.

use super::*;
use crate::early::http2::{self, After, Framing};
use crate::early::service::{Early, Service, Then};
use crate::support::http2::{INTERNAL_ERROR, NO_ERROR};
use crate::support::world::upstream_trusting;

/// No client takes what it gets for a response.
async fn check_is_broken(what: &str, settings: String, endpoint: &str, kind: &str) {
    let proxy = proxy(&(settings + &connection("c", kind, endpoint, "retry.max_attempts = 1"))).await;
    let address = proxy.addr().expect("a shared listener");
    // A status of our own says as well that the response is not whole.
    let is_ours = |status| status == 502;
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        let received = bytes_of(address, version, "GET", "/b/k").await;
        let whole = whole(&received, "GET");
        assert!(
            whole.as_ref().is_none_or(|(status, _)| is_ours(*status)),
            "{what}, {version}: {whole:?}"
        );
    }
    let whole = on_http2(address, "GET", "/b/k").await;
    assert!(
        whole.as_ref().is_none_or(|(status, _)| is_ours(*status)),
        "{what}, HTTP/2: {whole:?}"
    );
}

/// The connection ends without TLS's `close_notify`.
#[tokio::test]
async fn truncated_response_by_http_1_over_tls_is_never_whole() {
    for (what, response) in [
        ("length", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"),
        (
            "chunks",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ),
        (
            "a chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nhello",
        ),
        ("close-delimited", "HTTP/1.1 200 OK\r\n\r\nhello"),
        ("close-delimited, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello"),
    ] {
        let service = Service::start(true, vec![], Then::Early(Early::ToHead, response)).await;
        let ca_file = service.ca_file().expect("it has TLS");
        let settings = upstream_trusting(&ca_file);
        check_is_broken(what, settings, &service.endpoint(), "s3").await;
    }
}

#[tokio::test]
async fn truncated_response_by_http_2_is_never_whole() {
    for after in [
        After::Reset(NO_ERROR),
        After::Reset(INTERNAL_ERROR),
        After::GoesAway,
        After::Drops,
    ] {
        for framing in [Framing::Length, Framing::NoLength, Framing::Trailers] {
            let early = http2::Early {
                is_cut: true,
                ..http2::Early::new("200", "0123456789", framing, after)
            };
            let service = http2::Service::start(vec![], http2::Then::Early(early)).await;
            let (settings, endpoint) = service.settings();
            check_is_broken(&format!("{framing:?} {after:?}"), settings, &endpoint, "lambda").await;
        }
    }
}
