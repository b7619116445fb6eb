//! Every head on a connection is checked, whatever it is pipelined behind: each finding at each position.

use signing_proxy::app::Proxy;

use crate::support::world::{connection, proxy};
use crate::support::{Recorder, Wire};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn start() -> (Recorder, Proxy) {
    let recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    (recorder, proxy)
}

/// What stands before the head in the same segment: nothing, and requests with every kind of body.
const BEFORE: [&str; 6] = [
    "",
    "GET /b/1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "PUT /b/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /b/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nx-a: b\r\n\r\n",
    "GET /b/1 HTTP/1.1\r\nHost: localhost\r\n\r\nPUT /b/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    // Rejected, but not for being ambiguous: the connection goes on.
    "GET /@nobody/1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
];

const SMUGGLED: &str = "GET /b/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The head is rejected so behind each of [`BEFORE`]; what was before gets its response, what is behind never does.
async fn check(head: &str, status: u16, code: &str, hint: &str) {
    let (mut recorder, proxy) = start().await;
    for before in BEFORE {
        let head = match head.split_once("\r\n") {
            // Without it the response has the shape of S3's errors.
            Some((line, rest)) => format!("{line}\r\nAccept: application/json\r\n{rest}"),
            None => head.to_owned(),
        };
        let shown = format!("{head:?} behind {before:?}");
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        wire.send(format!("{before}{head}{SMUGGLED}")).await;
        for line in before.lines().filter(|line| line.ends_with("HTTP/1.1")) {
            let response = wire.response().await;
            if line.contains("@nobody") {
                assert_eq!(response.status, 404, "{shown}");
            } else {
                assert_eq!((response.status, response.text().as_str()), (200, "ok"), "{shown}");
                assert_eq!(recorder.take().await.target, "/b/1", "{shown}");
            }
        }
        let response = wire.response().await;
        assert_eq!(response.header("connection"), Some("close"), "{shown}: {response:?}");
        let (got_status, got_code, got_hint) = response.rejection();
        assert_eq!((got_status, got_code.as_str()), (status, code), "{shown}: {got_hint}");
        assert!(got_hint.contains(hint), "{shown}: the hint is {got_hint:?}");
        assert!(wire.is_closed().await, "{shown}: the connection stays open");
        assert!(recorder.is_untouched(), "{shown} went upstream");
    }
}

/// A test for each row: the head, then status, code, part of the hint.
macro_rules! rejected {
    ($($name:ident: $head:expr => $status:literal $code:literal $hint:literal;)+) => {
        $(#[tokio::test]
        async fn $name() {
            check($head, $status, $code, $hint).await;
        })+
    };
}

rejected! {
    // Where the body ends.
    a_length_and_chunks: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" => 400 "head-ambiguous" "not both";
    chunks_and_a_length: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" => 400 "head-ambiguous" "not both";
    two_lengths: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc" => 400 "head-ambiguous" "one Content-Length";
    a_length_twice: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc" => 400 "head-ambiguous" "one Content-Length";
    a_list_of_lengths: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3, 3\r\n\r\nabc" => 400 "head-ambiguous" "one Content-Length";
    a_signed_length: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: +3\r\n\r\nabc" => 400 "head-ambiguous" "decimal digits";
    a_length_that_overflows: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18446744073709551619\r\n\r\nabc" => 400 "head-ambiguous" "decimal digits";
    chunked_twice: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" => 501 "transfer-encoding-unsupported" "once";
    another_coding: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" => 501 "transfer-encoding-unsupported" "chunked";
    a_coding_that_is_nearly_chunked: "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked;\r\n\r\n0\r\n\r\n" => 501 "transfer-encoding-unsupported" "chunked";
    chunks_in_http_1_0: "PUT /b/k HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" => 400 "head-ambiguous" "HTTP/1.1";

    // Where lines end.
    a_line_feed_alone: "GET /b/k HTTP/1.1\r\nHost: localhost\n\r\n" => 400 "head-ambiguous" "CR LF";
    a_line_feed_alone_at_the_end: "GET /b/k HTTP/1.1\r\nHost: localhost\r\n\n" => 400 "head-ambiguous" "CR LF";
    a_carriage_return_alone: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nX-A: b\rContent-Length: 3\r\n\r\n" => 400 "head-malformed" "carriage return";
    a_folded_field: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n Content-Length: 3\r\n\r\n" => 400 "head-malformed" "one line";
    a_nul: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nX-A: b\0\r\n\r\n" => 400 "head-malformed" "control character";
    a_blank_before_the_colon: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length : 3\r\n\r\n" => 400 "head-malformed" "colon";

    // What is requested.
    a_fragment: "DELETE /b/report#1 HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "%23";
    a_fragment_in_a_url: "GET http://s3.us-east-1.amazonaws.com/b/k#x HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "%23";
    a_target_without_a_slash: "DELETE b.s3.us-east-1.amazonaws.com HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "'/'";
    a_word_for_a_target: "GET k HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "'/'";
    another_scheme: "GET ftp://s3.us-east-1.amazonaws.com/b/k HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "http://";
    an_asterisk: "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "target-malformed" "path";
    two_hosts: "GET /b/k HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n" => 400 "host-repeated" "exactly one";
    a_tunnel: "CONNECT s3.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n" => 501 "connect-unsupported" "http://";
    an_echo: "TRACE /b/k HTTP/1.1\r\nHost: localhost\r\nMax-Forwards: 1\r\n\r\n" => 405 "trace-unsupported" "another method";

    an_echo_in_small_letters: "trace /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "head-ambiguous" "capitals";
    an_echo_in_odd_letters: "Trace /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "head-ambiguous" "capitals";
    a_tunnel_in_small_letters: "connect /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "head-ambiguous" "capitals";
    a_head_in_small_letters: "head /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n" => 400 "head-ambiguous" "capitals";

    // Which HTTP it is.
    http_0_9: "GET /b/k\r\n\r\n" => 400 "head-malformed" "Percent-encode";
    http_1_2: "GET /b/k HTTP/1.2\r\nHost: localhost\r\n\r\n" => 400 "head-malformed" "version";
    http_2_0: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" => 400 "head-malformed" "";
    lower_case_http: "GET /b/k http/1.1\r\nHost: localhost\r\n\r\n" => 400 "head-malformed" "version";
}

/// A chunked body without a certain end is an error of its request, and the last one of the connection.
#[tokio::test]
async fn chunks_that_readers_take_differently_end_the_connection() {
    let (mut recorder, proxy) = start().await;
    for body in [
        "5\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloo\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "80000000000000000\r\nhello\r\n0\r\n\r\n",
        "0\r\nContent-Length: 3\r\n\r\n",
        "0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0\r\nx : y\r\n\r\n",
        "0\r\n\n",
    ] {
        for before in ["", BEFORE[1], BEFORE[3]] {
            let mut wire = Wire::connect(proxy.addr().unwrap()).await;
            let head = "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            wire.send(format!("{before}{head}{body}{SMUGGLED}")).await;
            if !before.is_empty() {
                assert_eq!(wire.response().await.status, 200);
                recorder.take().await;
            }
            let response = wire.response().await;
            assert_eq!(response.header("connection"), Some("close"), "{body:?}");
            let (status, code, _) = response.rejection();
            assert_eq!((status, code.as_str()), (400, "body-incomplete"), "{body:?}");
            assert!(wire.is_closed().await, "{body:?}");
            assert!(recorder.is_untouched(), "{body:?} went upstream");
        }
    }
}

/// What follows a request that was rejected before its body was read is read as a request only behind that body.
#[tokio::test]
async fn the_body_of_a_rejected_request_is_no_request() {
    let (mut recorder, proxy) = start().await;
    let bodies = [
        format!("Content-Length: {}\r\n\r\n{SMUGGLED}", SMUGGLED.len()),
        format!(
            "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n",
            SMUGGLED.len()
        ),
    ];
    for body in bodies {
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        wire.send(format!(
            "PUT /@nobody/k HTTP/1.1\r\nHost: localhost\r\n{body}{}",
            BEFORE[1]
        ))
        .await;
        assert_eq!(wire.response().await.status, 404);
        // hyper may read the body, or close.
        if !wire.is_closed().await {
            assert_eq!(wire.response().await.status, 200);
            assert_eq!(recorder.take().await.target, "/b/1");
        }
        assert!(recorder.is_untouched());
    }
}

/// What old and odd clients do, and must go on doing.
#[tokio::test]
async fn lenience_that_clients_need_stays() {
    let (mut recorder, proxy) = start().await;
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    for request in [
        "\r\nGET /b/1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PUT /b/1 HTTP/1.1\r\nHost: localhost\r\ncontent-LENGTH:   2  \r\n\r\nhi\r\n",
        "PUT /b/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n\r\n",
        "GET /b/1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        "GET /b/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nX-Odd:\t\u{e9}\r\n\r\n",
        "GET /b/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET /b/1 HTTP/1.0\r\n\r\n",
    ] {
        wire.send(request).await;
        assert_eq!(wire.response().await.status, 200, "{request:?}");
        assert_eq!(recorder.take().await.target, "/b/1", "{request:?}");
    }
    assert!(wire.is_closed().await);
}

/// A client that waits for `100 Continue` gets it, though a head was read before hyper saw it.
#[tokio::test]
async fn a_body_that_waits_for_its_continue_is_let_in() {
    let (mut recorder, proxy) = start().await;
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    let head = "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    wire.send(format!("{}{head}", BEFORE[1])).await;
    assert_eq!(wire.response().await.status, 200);
    assert_eq!(wire.head().await.0, 100);
    wire.send("hi").await;
    assert_eq!(wire.response().await.status, 200);
    recorder.take().await;
    assert_eq!(recorder.take().await.body, b"hi");
}

/// A whole burst in one segment: each request is served, in order.
#[tokio::test]
async fn a_burst_is_served_in_order() {
    let (mut recorder, proxy) = start().await;
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    let burst: String = (0..40)
        .map(|number| match number % 3 {
            0 => format!("GET /b/{number} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            1 => format!("PUT /b/{number} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nGET / HTT"),
            _ => format!("PUT /b/{number} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n"),
        })
        .collect();
    wire.send(burst).await;
    for number in 0..40 {
        assert_eq!(wire.response().await.status, 200, "{number}");
        let sent = recorder.take().await;
        assert_eq!(sent.target, format!("/b/{number}"));
        let want: &[u8] = [&b""[..], b"GET / HTT", b"\r\n\r\n"][number % 3];
        assert_eq!(sent.body, want);
    }
}

/// The listener for operators reads heads with the same eyes.
#[tokio::test]
async fn the_admin_listener_rejects_ambiguous_heads_as_well() {
    let recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    let mut wire = Wire::connect(proxy.admin_addr().unwrap()).await;
    let live = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    wire.send(format!("{live}GET /livez#x HTTP/1.1\r\nHost: localhost\r\n\r\n{live}"))
        .await;
    assert_eq!(wire.response().await.status, 200);
    let response = wire.response().await;
    assert_eq!(
        (response.status, response.header("x-signing-proxy-error")),
        (400, Some("target-malformed"))
    );
    assert!(wire.is_closed().await);
}
