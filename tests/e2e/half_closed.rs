//! Clients that close their sending side behind a request, as `printf … | socat` does: served, and found when they are gone.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::world::{connection, proxy};
use crate::support::{LONGEST_WAIT, Recorder, Wire, World, ask};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Sends all at once, the end with it, and returns what comes back until the other side closes.
async fn half_close(to: std::net::SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(to).await.unwrap();
    // The end goes out in the segment of the last bytes.
    socket.set_nodelay(false).unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut response = Vec::new();
    timeout(LONGEST_WAIT, socket.read_to_end(&mut response))
        .await
        .expect("an end in time")
        .unwrap();
    String::from_utf8(response).unwrap()
}

#[tokio::test]
async fn every_request_is_served_whose_client_closes_its_side() {
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    let get = "GET /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let rows = [
        ("PUT /b/k HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello".to_owned(), 1),
        (
            "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
            1,
        ),
        (
            "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                .to_owned(),
            1,
        ),
        ("DELETE /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 1),
        (get.to_owned(), 1),
        (get.repeat(3), 3),
        (
            format!("{get}PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"),
            2,
        ),
    ];
    // Whether the end comes with the body or behind it is up to the kernel.
    for (request, count) in rows.iter().cycle().take(rows.len() * 8) {
        let response = half_close(proxy.addr().unwrap(), request).await;
        assert_eq!(
            response.matches(" 200 OK\r\n").count(),
            *count,
            "{request:?}: {response}"
        );
        assert_eq!(
            response.matches("\r\n\r\nok").count(),
            *count,
            "{request:?}: {response}"
        );
        for _ in 0..*count {
            recorder.take().await;
        }
    }
}

/// A client that resets its connection is gone, whatever it closed or sent before: the request to the service is dropped.
/// So it is where nothing but the end comes, two seconds behind a `GET`.
#[tokio::test]
async fn a_reset_or_the_end_of_a_read_cancels_the_request() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", upstream.local_addr().unwrap());
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    let put = "PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    let get = "GET /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (request, behind, closes, resets) in [
        (put, "", true, true),
        (put, "X", true, true),
        (put, "X", false, true),
        (put, get, false, true),
        (get, "X", true, false),
        (get, get, true, false),
        (get, "X", false, false),
    ] {
        let mut client = TcpStream::connect(proxy.addr().unwrap()).await.unwrap();
        client.write_all(format!("{request}{behind}").as_bytes()).await.unwrap();
        if closes {
            client.shutdown().await.unwrap();
        }
        let (mut service, _) = timeout(LONGEST_WAIT, upstream.accept()).await.unwrap().unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(if request == put { b"hello" } else { b"\r\n\r\n" }) {
            assert_ne!(service.read_buf(&mut seen).await.unwrap(), 0);
        }
        if resets {
            client.set_zero_linger().unwrap();
        }
        // Without a reset, one that closed its side stays to read, and the other is gone.
        let kept = (closes && !resets).then_some(client);
        let ended = timeout(LONGEST_WAIT / 2, service.read_buf(&mut seen)).await;
        assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{request:?} {behind:?}: {ended:?}");
        drop(kept);
    }
}

#[tokio::test]
async fn a_request_without_its_length_is_rejected_and_nothing_is_emptied() {
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    let head = |line: &str, version: &str| {
        format!("{line} HTTP/{version}\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")
    };
    let mut rejected = Vec::new();
    for method in ["PUT /b/k", "POST /b/k?uploads", "PATCH /b/k"] {
        rejected.push(head(method, "1.0"));
        for body in [
            "data",
            "first line\r\nsecond\r\n",
            "{\"a\": 1}",
            "a=b",
            "\0",
            "HELLO",
            "\r\nHELLO",
            "HELLO /WORLD",
            "abc /def HTTP/1.1",
            "x /y HTTP/1.1\r\n\r\n",
        ] {
            rejected.push(format!("{}{body}", head(method, "1.0")));
            rejected.push(format!("{}{body}", head(method, "1.1")));
        }
    }
    for request in rejected {
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        wire.send(&request).await;
        let response = wire.response().await;
        let (status, code, hint) = response.rejection();
        assert_eq!((status, code.as_str()), (411, "length-required"), "{request:?}");
        assert!(hint.contains("Content-Length"), "{hint}");
        assert!(wire.is_closed().await, "{request:?}: the connection stays open");
        assert!(recorder.is_untouched(), "{request:?} went upstream");
    }
    let get = head("GET /b/k", "1.1");
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    for request in [
        head("PUT /bucket", "1.1"),
        head("POST /b/k?uploads", "1.1"),
        head("PUT /bucket", "1.1") + "\r\n",
        head("GET /b/k", "1.0").replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n"),
    ] {
        wire.send(format!("{request}{get}")).await;
        for _ in 0..2 {
            assert_eq!(wire.response().await.status, 200, "{request:?}");
            recorder.take().await;
        }
        wire.send(&request).await;
        assert_eq!(wire.response().await.status, 200, "{request:?}");
        recorder.take().await;
    }
}

/// The bound is `server.max_header_bytes`, on both protocols, and not a number of fields.
#[tokio::test]
async fn many_small_fields_pass() {
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    let request = |count: usize| {
        let fields: String = (0..count)
            .map(|number| format!("x-amz-meta-{number}: {number}\r\n"))
            .collect();
        format!("PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n{fields}\r\nhi")
    };
    for count in [98, 99, 150, 1, 900] {
        wire.send(request(count)).await;
        let response = wire.response().await;
        assert_eq!(response.status, 200, "{count}: {}", response.text());
        let sent = recorder.take().await;
        let last = format!("x-amz-meta-{}", count - 1);
        assert!(sent.header(&last).is_some() && sent.signed_headers().contains(&last.as_str()));
        assert_eq!(sent.body, b"hi");
    }
    // Pipelined behind one another, with a large one between.
    wire.send([request(3), request(120), request(2)].concat()).await;
    for _ in 0..3 {
        assert_eq!(wire.response().await.status, 200);
        recorder.take().await;
    }
    wire.send(request(1_500)).await;
    let response = wire.response().await;
    assert_eq!(
        (response.status, response.header("x-signing-proxy-error")),
        (431, Some("head-too-large"))
    );
    assert!(response.text().contains("max_header_bytes"), "{}", response.text());
}

/// The client's own fields are bounded by 1,000, whatever the proxy adds to them: at the bound, too, each request is served
/// or rejected, and the connection lives on.
#[tokio::test]
async fn fields_at_the_bound_are_served_or_rejected() {
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let server = "http2_max_header_bytes = \"128KiB\"\nmax_header_bytes = \"128KiB\"\n";
    let proxy = proxy(&format!("{server}{}", connection("store", "s3", &endpoint, ""))).await;
    let address = proxy.addr().unwrap();
    let mut wire = Wire::connect(address).await;
    let socket = TcpStream::connect(address).await.unwrap();
    let (sender, http2) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(http2);
    let (mut served, mut rejected) = ([0; 2], [0; 2]);
    for count in 988..=1_010 {
        let fields: String = (0..count).map(|number| format!("x-amz-meta-{number}: a\r\n")).collect();
        wire.send(format!(
            "GET /b/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{fields}\r\n"
        ))
        .await;
        let response = wire.response().await;
        let over_http1 = (
            response.status,
            response.header("x-signing-proxy-error").map(str::to_owned),
        );
        let mut request = http::Request::get("http://localhost/b/k").header("accept", "application/json");
        for number in 0..count {
            request = request.header(format!("x-amz-meta-{number}"), "a");
        }
        let mut sender = sender.clone().ready().await.unwrap();
        let (response, _) = sender.send_request(request.body(()).unwrap(), true).unwrap();
        let response = timeout(LONGEST_WAIT, response).await.unwrap().unwrap();
        let code = response.headers().get("x-signing-proxy-error");
        let over_http2 = (
            response.status().as_u16(),
            code.map(|code| code.to_str().unwrap().to_owned()),
        );
        for (index, outcome) in [over_http1, over_http2].into_iter().enumerate() {
            match outcome {
                (200, None) => {
                    assert_eq!(rejected[index], 0, "{count}");
                    assert!(recorder.take().await.header("authorization").is_some(), "{count}");
                    served[index] += 1;
                }
                (400, Some(code)) if code == "headers-too-many" => rejected[index] += 1,
                other => panic!("{count}: {other:?}"),
            }
        }
        assert!(recorder.is_untouched());
    }
    assert!(
        served.into_iter().chain(rejected).all(|times| times >= 9),
        "{served:?} {rejected:?}"
    );
}

/// What S3 takes is encoded words, over which a signature is certain: docs/clients.md.
#[tokio::test]
async fn metadata_beyond_ascii_becomes_encoded_words() {
    let mut world = World::with_store().await;
    let put = "PUT /sandbox-bucket/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nX-Amz-Meta-City: Z\u{fc}rich\r\n\r\nhi";
    let response = ask(world.address(), put).await;
    assert_eq!(response.status, 200, "{}", response.text());
    world.accepted("s3");
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    assert_eq!(ask(proxy.addr().unwrap(), put).await.status, 200);
    let sent = recorder.take().await;
    assert_eq!(sent.header("x-amz-meta-city"), Some("=?UTF-8?B?WsO8cmljaA==?="));
    assert!(sent.signed_headers().contains(&"x-amz-meta-city"));
    // Others are in no form that a service is known to take.
    for (field, name) in [
        ("X-Amz-Tagging: a=\u{fc}", "x-amz-tagging"),
        ("Content-Type: \u{fc}", "content-type"),
    ] {
        let request = format!("GET /b/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{field}\r\n\r\n");
        let (status, code, hint) = ask(proxy.addr().unwrap(), request).await.rejection();
        assert_eq!((status, code.as_str()), (400, "header-unsignable"), "{field}");
        assert!(hint.contains(name), "{hint}");
    }
    assert!(recorder.is_untouched());
}
