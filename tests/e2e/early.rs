//! Services that respond before they have read the body, and close: the response is passed on, and acted upon.

pub(crate) mod http2;
mod over_http2;
pub(crate) mod service;

use std::fmt::Write as _;

use signing_proxy::app::Proxy;
use tokio::time::timeout;

use crate::support::world::{by_role, connection, proxy, sandbox, upstream_trusting};
use crate::support::{LONGEST_WAIT, RawResponse, Wire, ask};
use service::{Early, Service, Then};

const SLOW_DOWN: &str = "HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\ncontent-length: 42\r\n\
                         connection: close\r\n\r\n<Error><Code>SlowDown</Code></Error>      ";

/// Bytes of the bodies: above and below what waits for `100 Continue`, what is held in memory, and what the kernel buffers.
const LENGTHS: [usize; 6] = [50_000, 200_000, 1 << 20, 4 << 20, 8 << 20, 12 << 20];

async fn before(service: &Service, name: &str, kind: &str) -> Proxy {
    let endpoint = service.endpoint();
    let ca_file = service.ca_file();
    let upstream = ca_file.map_or_else(String::new, |file| upstream_trusting(&file));
    proxy(&(upstream + &connection(name, kind, &endpoint, ""))).await
}

fn upload(line: &str, length: usize, is_chunked: bool) -> Vec<u8> {
    let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n");
    if is_chunked {
        let mut request = format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n").into_bytes();
        request.resize(request.len() + length, b'x');
        request.extend_from_slice(b"\r\n0\r\n\r\n");
        return request;
    }
    let mut request = format!("{head}Content-Length: {length}\r\n\r\n").into_bytes();
    request.resize(request.len() + length, b'x');
    request
}

/// Each length, each framing, with and without TLS.
async fn check(kind: &str, line: &str, early: Early) {
    let mut lost = String::new();
    for is_tls in [false, true] {
        let service = Service::start(is_tls, vec![], Then::Early(early, SLOW_DOWN)).await;
        let proxy = before(&service, "c", kind).await;
        for length in LENGTHS {
            for is_chunked in [false, true] {
                let response = ask(proxy.addr().expect("a listener"), upload(line, length, is_chunked)).await;
                let is_passed_on = response.status == 503 && response.text().contains("SlowDown");
                if !is_passed_on {
                    // Writing to a String cannot fail.
                    let _ = writeln!(
                        lost,
                        "{length} chunked {is_chunked} TLS {is_tls}: {} {}",
                        response.status,
                        response.text()
                    );
                }
            }
        }
    }
    assert_eq!(lost, "");
}

#[tokio::test]
async fn response_to_the_head_alone_is_passed_on() {
    check("s3", "PUT /b/k", Early::ToHead).await;
}

#[tokio::test]
async fn response_in_the_middle_of_a_body_that_was_wanted_is_passed_on() {
    check("s3", "PUT /b/k", Early::AfterContinue).await;
}

/// No other service than S3 gets `Expect`: all of these are written into a connection that is being closed.
#[tokio::test]
async fn response_of_a_service_that_gets_no_expect_is_passed_on() {
    check("lambda", "POST /2015-03-31/functions/f/invocations", Early::ToHead).await;
    check("lambda", "POST /2015-03-31/functions/f/invocations", Early::AfterSome).await;
}

#[tokio::test]
async fn reset_without_a_response_is_still_a_bad_gateway() {
    let service = Service::start(false, vec![], Then::Early(Early::ToHead, "")).await;
    let proxy = before(&service, "c", "lambda").await;
    let request = upload("POST /2015-03-31/functions/f/invocations", 4 << 20, false);
    let (status, code, _) = ask(proxy.addr().expect("a listener"), request).await.rejection();
    assert_eq!((status, code.as_str()), (502, "upstream-failed"));
}

/// The head announces more than comes before the reset.
#[tokio::test]
async fn early_response_that_is_cut_is_never_whole() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this";
    let service = Service::start(false, vec![], Then::Early(Early::ToHead, cut)).await;
    let proxy = before(&service, "c", "lambda").await;
    let request = upload("POST /2015-03-31/functions/f/invocations", 4 << 20, false);
    let mut wire = Wire::connect(proxy.addr().expect("a listener")).await;
    wire.send(request).await;
    let (status, headers) = wire.head().await;
    assert_eq!(status, 200);
    assert!(
        headers.contains(&("content-length".to_owned(), "100".to_owned())),
        "{headers:?}"
    );
    wire.exactly(9).await;
    assert!(wire.is_closed().await);
}

/// A proxy whose keys are those of a role, that the sandbox's STS issues.
async fn with_role(service: &Service) -> (sandbox::Sandbox, Proxy) {
    let sandbox = sandbox().await;
    let proxy = proxy(&by_role(&sandbox, &service.endpoint())).await;
    (sandbox, proxy)
}

async fn recovered(early: Early, rejection: &'static str) -> (RawResponse, String) {
    let service = Service::start(false, vec![Then::Early(early, rejection)], Then::Whole).await;
    let (_sandbox, proxy) = with_role(&service).await;
    let response = ask(proxy.addr().expect("a listener"), upload("PUT /b/k", 4 << 20, false)).await;
    (response, proxy.metrics().encode().expect("metrics"))
}

#[tokio::test]
async fn expired_session_is_refreshed_on_an_early_response() {
    let expired = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/xml\r\ncontent-length: 41\r\n\
                   connection: close\r\n\r\n<Error><Code>ExpiredToken</Code></Error> ";
    for early in [Early::ToHead, Early::AfterContinue] {
        let (response, metrics) = recovered(early, expired).await;
        assert_eq!(
            (response.status, response.text().as_str()),
            (200, "4194304"),
            "{early:?}"
        );
        let retried = "signing_proxy_retries_total{connection=\"c\",reason=\"credentials\"} 1";
        assert!(metrics.contains(retried), "{metrics}");
    }
}

#[tokio::test]
async fn clock_is_corrected_on_an_early_response() {
    let skewed = "HTTP/1.1 403 Forbidden\r\ndate: DATE\r\ncontent-type: application/xml\r\ncontent-length: 49\r\n\
                  connection: close\r\n\r\n<Error><Code>RequestTimeTooSkewed</Code></Error> ";
    for early in [Early::ToHead, Early::AfterContinue] {
        let (response, metrics) = recovered(early, skewed).await;
        assert_eq!(
            (response.status, response.text().as_str()),
            (200, "4194304"),
            "{early:?}"
        );
        let retried = "signing_proxy_retries_total{connection=\"c\",reason=\"clock\"} 1";
        assert!(metrics.contains(retried), "{metrics}");
    }
}

/// A service that has responded and neither reads on nor closes keeps no client waiting that sends all before it reads.
#[tokio::test]
async fn body_that_the_service_reads_no_more_is_read_for_a_moment_and_its_client_let_go() {
    let forbidden = "HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nbad";
    for early in [Early::ToHead, Early::AfterContinue, Early::AfterSome] {
        let service = Service::start(false, vec![], Then::Stuck(early, forbidden)).await;
        for (kind, line) in [
            ("s3", "PUT /b/k"),
            ("lambda", "POST /2015-03-31/functions/f/invocations"),
        ] {
            let proxy = before(&service, "c", kind).await;
            for is_chunked in [false, true] {
                let mut wire = Wire::connect(proxy.addr().expect("a listener")).await;
                let sending = wire.send(upload(line, 12 << 20, is_chunked));
                let sent = timeout(LONGEST_WAIT, sending).await;
                assert!(sent.is_ok(), "{kind} {early:?} chunked {is_chunked}");
                assert_eq!(wire.head().await.0, 403);
            }
        }
    }
}
