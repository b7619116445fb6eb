//! Heads on HTTP/2 that two readers could take differently, as frames that no client library would write.

use signing_proxy::app::Proxy;

use crate::support::Recorder;
use crate::support::http2::{Outcome, PROTOCOL_ERROR, block, send};
use crate::support::world::{connection, proxy};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn start(more: &str) -> (Recorder, Proxy) {
    let recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, more)).await;
    (recorder, proxy)
}

const GET: (&str, &str) = (":method", "GET");
const HTTP: (&str, &str) = (":scheme", "http");
const LOCAL: (&str, &str) = (":authority", "localhost");
const KEY: (&str, &str) = (":path", "/b/k");
const JSON: (&str, &str) = ("accept", "application/json");

type Fields = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn heads_that_can_be_read_in_two_ways_are_rejected() {
    let (mut recorder, proxy) = start("").await;
    // The code of the error; "" where h2 itself resets the stream.
    let rows: [(Fields, &str); 36] = [
        // Where to.
        (&[GET, HTTP, LOCAL, KEY, JSON, ("host", "other")], "head-ambiguous"),
        (
            &[GET, HTTP, LOCAL, KEY, JSON, ("host", "localhost:1")],
            "head-ambiguous",
        ),
        (&[GET, HTTP, LOCAL, KEY, JSON, ("host", "")], "head-ambiguous"),
        (
            &[
                GET,
                HTTP,
                LOCAL,
                KEY,
                JSON,
                ("host", "localhost"),
                ("host", "localhost"),
            ],
            "host-repeated",
        ),
        (
            &[GET, HTTP, KEY, JSON, ("host", "localhost"), ("host", "other")],
            "host-repeated",
        ),
        (&[GET, HTTP, KEY, JSON], "host-missing"),
        (
            &[GET, HTTP, (":authority", "u:p@localhost"), KEY, JSON],
            "userinfo-in-target",
        ),
        (&[GET, HTTP, (":authority", "local host"), KEY, JSON], ""),
        (&[GET, HTTP, LOCAL, LOCAL, KEY, JSON], ""),
        (&[GET, (":scheme", "ftp"), LOCAL, KEY, JSON], "target-malformed"),
        // What.
        (&[GET, HTTP, LOCAL, (":path", "?a"), JSON], "target-malformed"),
        (&[GET, HTTP, LOCAL, (":path", "*"), JSON], "target-malformed"),
        (
            &[(":method", "OPTIONS"), HTTP, LOCAL, (":path", "*"), JSON],
            "target-malformed",
        ),
        (&[GET, HTTP, LOCAL, (":path", ""), JSON], ""),
        (&[GET, HTTP, LOCAL, (":path", "k"), JSON], ""),
        (&[GET, HTTP, LOCAL, (":path", "http://localhost/b/k"), JSON], ""),
        (&[GET, HTTP, LOCAL, (":path", "/b/a b"), JSON], ""),
        (&[GET, HTTP, LOCAL, (":path", "/b/a\r\nx: y"), JSON], ""),
        (&[GET, HTTP, LOCAL, KEY, KEY, JSON], ""),
        (&[GET, HTTP, LOCAL, JSON], ""),
        (&[GET, HTTP, LOCAL, JSON, KEY], ""),
        (&[HTTP, LOCAL, KEY, JSON], ""),
        (&[GET, GET, HTTP, LOCAL, KEY, JSON], ""),
        (&[(":method", "TRACE"), HTTP, LOCAL, KEY, JSON], "trace-unsupported"),
        (&[(":method", "trace"), HTTP, LOCAL, KEY, JSON], "head-ambiguous"),
        (&[(":method", "Get"), HTTP, LOCAL, KEY, JSON], "head-ambiguous"),
        // What some servers take for a field of another name.
        (
            &[GET, HTTP, LOCAL, KEY, JSON, ("x_amz_copy_source", "/b/secret")],
            "head-ambiguous",
        ),
        (
            &[
                (":method", "CONNECT"),
                (":authority", "s3.us-east-1.amazonaws.com:443"),
                JSON,
            ],
            "connect-unsupported",
        ),
        // Fields of HTTP/1's framing, and names that only HTTP/1 has.
        (&[GET, HTTP, LOCAL, KEY, JSON, ("transfer-encoding", "chunked")], ""),
        (&[GET, HTTP, LOCAL, KEY, JSON, ("connection", "close")], ""),
        (&[GET, HTTP, LOCAL, KEY, JSON, ("upgrade", "h2c")], ""),
        (&[GET, HTTP, LOCAL, KEY, JSON, ("te", "gzip")], ""),
        (&[GET, HTTP, LOCAL, KEY, ("Accept", "application/json")], ""),
        (&[GET, HTTP, LOCAL, KEY, JSON, ("x-a", "b\r\ncontent-length: 3")], ""),
        (&[GET, HTTP, LOCAL, KEY, JSON, ("content-length", "3")], ""),
        (
            &[
                GET,
                HTTP,
                LOCAL,
                KEY,
                JSON,
                ("content-length", "0"),
                ("content-length", "0"),
            ],
            "head-ambiguous",
        ),
    ];
    for (fields, code) in rows {
        match send(proxy.addr().unwrap(), &block(fields), None).await {
            Outcome::Reset(error) => assert_eq!((error, code), (PROTOCOL_ERROR, ""), "{fields:?}"),
            Outcome::Response(body) => {
                let shown = format!("\"code\":\"{code}\"");
                assert!(!code.is_empty() && body.contains(&shown), "{fields:?}: {body}");
            }
        }
        assert!(recorder.is_untouched(), "{fields:?} went upstream");
    }
}

#[tokio::test]
async fn a_body_is_as_long_as_its_length_says() {
    let (mut recorder, proxy) = start("").await;
    for (length, data) in [
        ("5", "abc"),
        ("2", "abc"),
        ("+3", "abc"),
        ("3, 3", "abc"),
        ("99999999999999999999", "abc"),
    ] {
        let fields = [(":method", "PUT"), HTTP, LOCAL, KEY, ("content-length", length)];
        let outcome = send(proxy.addr().unwrap(), &block(&fields), Some(data)).await;
        assert_eq!(outcome, Outcome::Reset(PROTOCOL_ERROR), "{length} for {data:?}");
        assert!(recorder.is_untouched(), "{length} for {data:?} went upstream");
    }
}

#[tokio::test]
async fn heads_without_a_doubt_pass() {
    let (mut recorder, proxy) = start("").await;
    let rows: [Fields; 5] = [
        &[GET, HTTP, LOCAL, KEY],
        &[GET, HTTP, LOCAL, KEY, ("host", "LOCALHOST"), ("te", "trailers")],
        &[GET, HTTP, KEY, ("host", "localhost")],
        &[GET, (":scheme", "https"), LOCAL, KEY, ("content-length", "0")],
        &[HTTP, KEY, LOCAL, GET],
    ];
    for fields in rows {
        let outcome = send(proxy.addr().unwrap(), &block(fields), None).await;
        assert_eq!(outcome, Outcome::Response("ok".to_owned()), "{fields:?}");
        assert_eq!(recorder.take().await.target, "/b/k");
    }
}

/// `http` cuts off what follows a `#` before any code of ours runs, so that such a path is not rejected as RFC 9113,
/// section 8.3.1, has it. But what is decided on, signed and sent is one and the same: the path without it.
#[tokio::test]
async fn of_a_path_with_a_fragment_what_is_allowed_is_what_is_sent() {
    let statement = r#"{"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::b/allowed"}"#;
    let allow = format!("allow = '{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}'\n");
    let (mut recorder, proxy) = start(&allow).await;
    let delete = |path: &'static str| [(":method", "DELETE"), HTTP, LOCAL, (":path", path), JSON];
    for path in ["/b/allowed#", "/b/allowed#/../secret", "/b/allowed?#versionId=1"] {
        let outcome = send(proxy.addr().unwrap(), &block(&delete(path)), None).await;
        assert_eq!(outcome, Outcome::Response("ok".to_owned()), "{path}");
        let sent = recorder.take().await;
        assert_eq!(sent.target, "/b/allowed", "{path}");
        assert!(sent.header("authorization").is_some());
    }
    for path in [
        "/b/secret#b/allowed",
        "/b/#allowed",
        "/b#/allowed",
        "#/b/allowed",
        "/b/secret?x=#/b/allowed",
    ] {
        match send(proxy.addr().unwrap(), &block(&delete(path)), None).await {
            Outcome::Response(body) => assert!(body.contains("AccessDenied"), "{path}: {body}"),
            Outcome::Reset(error) => panic!("{path}: {error}"),
        }
        assert!(recorder.is_untouched(), "{path} went upstream");
    }
}
