//! What the upstream gets: the canonical spelling, one line for each header, nothing of the client's authentication.

use std::fmt::Write as _;

use sandbox::{Outcome, Reason};

use crate::support::world::{connection, is_well_signed, proxy};
use crate::support::{Recorder, World, ask};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// How clients spell keys, and the one spelling that S3 signs over: decoded once, encoded strictly, nothing resolved.
const S3_TARGETS: [(&str, &str); 25] = [
    ("/b/plain.txt", "/b/plain.txt"),
    ("/b/a+b.txt", "/b/a%2Bb.txt"),
    ("/b/a%2bb", "/b/a%2Bb"),
    ("/b/%61%62", "/b/ab"),
    ("/b/a%20b", "/b/a%20b"),
    ("/b/dt=2024-05-22/x", "/b/dt%3D2024-05-22/x"),
    (
        "/b/a+b(c)'!*@$,;:&.bin",
        "/b/a%2Bb%28c%29%27%21%2A%40%24%2C%3B%3A%26.bin",
    ),
    ("/b/test%2F.txt", "/b/test/.txt"),
    ("/b/test%252F.txt", "/b/test%252F.txt"),
    ("/b/a%25b", "/b/a%25b"),
    ("/b//a///b", "/b//a///b"),
    ("/b/./a/../c", "/b/./a/../c"),
    ("/b/%2e%2E/x", "/b/../x"),
    ("/b/a/", "/b/a/"),
    ("/b/~a-b_c.d", "/b/~a-b_c.d"),
    ("/b/%7Ea", "/b/~a"),
    ("/b/%C3%A4%e2%82%ac", "/b/%C3%A4%E2%82%AC"),
    ("/b/%f0%9f%a6%80", "/b/%F0%9F%A6%80"),
    ("/b/%5C%7C%5E%60", "/b/%5C%7C%5E%60"),
    ("/b/[0]{1}|", "/b/%5B0%5D%7B1%7D%7C"),
    ("/b/%3f%23", "/b/%3F%23"),
    ("/b?acl", "/b?acl="),
    ("/b?prefix=a+b&delimiter=/", "/b?prefix=a%20b&delimiter=%2F"),
    ("/b?b=2&&a=1&", "/b?b=2&a=1"),
    ("/b?k=%2b%61&K=a:b*'()!", "/b?k=%2Ba&K=a%3Ab%2A%27%28%29%21"),
];

/// For other services the path keeps the client's escapes; dots and doubled slashes are resolved as those servers do.
const OTHER_TARGETS: [(&str, &str); 9] = [
    ("/model/a.b-v1%3A0/invoke", "/model/a.b-v1%3A0/invoke"),
    ("/model/a.b-v1:0/invoke", "/model/a.b-v1:0/invoke"),
    (
        "/model/arn%3Aaws%3Abedrock%2Fx/invoke",
        "/model/arn%3Aaws%3Abedrock%2Fx/invoke",
    ),
    ("/a/./b/../c", "/a/c"),
    ("/a//b", "/a/b"),
    ("/a/b/", "/a/b/"),
    ("///", "/"),
    ("/a?q=a+b", "/a?q=a%20b"),
    ("/a?b=2&a=1&a=0", "/a?b=2&a=1&a=0"),
];

async fn check_targets(service: &str, rows: &[(&str, &str)]) {
    let mut recorder = Recorder::start(OK).await;
    let proxy = proxy(&connection(
        "store",
        service,
        &format!("http://{}", recorder.address),
        "",
    ))
    .await;
    let mut wrong = String::new();
    for (sent, want) in rows {
        let response = ask(
            proxy.addr().unwrap(),
            format!("GET {sent} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        )
        .await;
        if response.status != 200 {
            let _ = writeln!(wrong, "{sent}: refused: {}", response.text());
            continue;
        }
        let got = recorder.take().await.target;
        if got != *want {
            let _ = writeln!(wrong, "{sent}: {got} and not {want}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn s3_gets_the_canonical_spelling() {
    check_targets("s3", &S3_TARGETS).await;
}

#[tokio::test]
async fn other_services_get_the_clients_escapes() {
    check_targets("bedrock-runtime", &OTHER_TARGETS).await;
}

/// The sandbox signs again from the bytes that arrive. Its file system takes not every key, but says so after that.
#[tokio::test]
async fn every_spelling_is_signed_as_it_is_sent() {
    let mut world = World::with_store().await;
    for (sent, want) in S3_TARGETS {
        let (sent, want) = (
            sent.replacen("/b", "/sandbox-bucket", 1),
            want.replacen("/b", "/sandbox-bucket", 1),
        );
        for host in ["localhost", "s3.us-east-1.amazonaws.com"] {
            let target = if host == "localhost" {
                sent.clone()
            } else {
                format!("http://{host}{sent}")
            };
            ask(
                world.address(),
                format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            )
            .await;
            let event = world.verified("s3");
            assert!(is_well_signed(&event), "{sent}: {event:#?}");
            assert_eq!(event.path, want.split('?').next().unwrap(), "{sent}");
        }
    }
}

#[tokio::test]
async fn odd_keys_are_stored_and_fetched() {
    let world = World::with_store().await;
    let keys = [
        "space%20in%20name",
        "plus+and%2Bplus",
        "dt=2024-05-22/part=1",
        "a+b(c)'!*@$,;:&.bin",
        "percent%25and%252F",
        "%E6%97%A5%E6%9C%AC%E8%AA%9E/%F0%9F%A6%80",
        "question%3Fmark%23hash",
        "%22quotes%22%3Cangles%3E",
        "@store/looks-like-a-prefix",
        "...dots.",
        "~tilde",
    ];
    for (index, key) in keys.iter().enumerate() {
        let body = format!("{index}: {key}");
        let request = |method: &str, more: &str| {
            format!("{method} /sandbox-bucket/{key} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
        };
        let put = request("PUT", &format!("Content-Length: {}\r\n", body.len())) + &body;
        let stored = ask(world.address(), put).await;
        assert_eq!(stored.status, 200, "{key}: {}", stored.text());
        assert_eq!(ask(world.address(), request("GET", "")).await.text(), body, "{key}");
    }
    let listing = ask(
        world.address(),
        "GET /sandbox-bucket?list-type=2 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .await;
    let count = listing.text().matches("<Key>").count();
    assert_eq!(count, keys.len(), "{}", listing.text());
}

#[tokio::test]
async fn headers_are_merged_cleaned_and_signed() {
    let mut recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", "s3", &endpoint, "")).await;
    let request = "PUT /b/k HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\
                   Content-MD5: xxxx\r\nX-Amz-Meta-A: one\r\nx-amz-meta-a:   two   words  \r\nX-Amz-Acl: private\r\n\
                   Connection: keep-alive, X-Drop-Me, X-Amz-Date\r\nX-Drop-Me: 1\r\nKeep-Alive: timeout=5\r\n\
                   Proxy-Authorization: Basic canary-proxy\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n\
                   Upgrade: h2c\r\nAuthorization: AWS4-HMAC-SHA256 Credential=canary-key\r\nX-Amz-Date: 20000101T000000Z\r\n\
                   X-Amz-Security-Token: canary-token\r\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n\
                   X-Signing-Proxy-Connection: store\r\nX-Custom: a\r\nX-Custom: b\r\nUser-Agent: robot/1\r\n\
                   Accept-Encoding: identity\r\n\r\nhi";
    let response = ask(proxy.addr().unwrap(), request).await;
    assert_eq!(response.status, 200, "{}", response.text());
    let sent = recorder.take().await;

    assert_eq!(
        sent.header("host"),
        Some(recorder.address.to_string().as_str()),
        "the endpoint's own name, with its port"
    );
    let merged = sent.header("x-amz-meta-a").expect("the client's header");
    assert_eq!(
        merged
            .split_ascii_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace(", ", ","),
        "one,two words"
    );
    assert_eq!(sent.header("x-amz-acl"), Some("private"));
    assert_eq!(sent.header("user-agent"), Some("robot/1"));
    assert_eq!(
        sent.header("accept-encoding"),
        Some("identity"),
        "the proxy asks for no other encoding than the client"
    );
    for gone in [
        "x-drop-me",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "upgrade",
        "x-amz-security-token",
        "x-signing-proxy-connection",
        "transfer-encoding",
        "expect",
    ] {
        assert_eq!(sent.header(gone), None, "{gone} must not pass");
    }
    assert!(!String::from_utf8_lossy(&sent.bytes).contains("canary"));
    assert_ne!(sent.header("x-amz-date"), Some("20000101T000000Z"));
    // SHA-256 of `hi`: what the client claims about its body is not taken over.
    let hash = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4";
    assert_eq!(sent.header("x-amz-content-sha256"), Some(hash));
    assert_eq!(
        sent.signed_headers(),
        [
            "content-md5",
            "content-type",
            "host",
            "x-amz-acl",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-meta-a"
        ]
    );
}

/// The same bytes are accepted again; with one byte changed they are not. So the sandbox does verify.
#[tokio::test]
async fn a_tampered_request_is_refused() {
    let mut world = World::with_store().await;
    let mut recorder = Recorder::start(OK).await;
    let proxy = proxy(&connection("store", "s3", &format!("http://{}", recorder.address), "")).await;
    let request =
        "PUT /sandbox-bucket/signed HTTP/1.1\r\nHost: localhost\r\nX-Amz-Meta-A: 1\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(ask(proxy.addr().unwrap(), request).await.status, 200);
    let signed = String::from_utf8(recorder.take().await.bytes).expect("text");

    assert_eq!(
        ask(world.sandbox.s3(), &signed).await.status,
        200,
        "untouched it is accepted"
    );
    world.accepted("s3");
    let tampered = [
        (signed.replace("/signed", "/other"), Reason::SignatureMismatch),
        (signed.replace("PUT ", "POST "), Reason::SignatureMismatch),
        (
            signed.replace("x-amz-meta-a: 1", "x-amz-meta-a: 2"),
            Reason::SignatureMismatch,
        ),
        (
            signed.replace("\r\n\r\nhello", "\r\n\r\nhullo"),
            Reason::BodyHashMismatch,
        ),
        (
            signed.replace("authorization: ", "x-was-authorization: "),
            Reason::MissingAuthentication,
        ),
    ];
    for (bytes, want) in tampered {
        assert_ne!(bytes, signed, "{want:?}: nothing was changed");
        let response = ask(world.sandbox.s3(), &bytes).await;
        assert!((400..500).contains(&response.status), "{want:?}: {response:?}");
        let outcome = world.verified("s3").outcome;
        assert!(
            matches!(&outcome, Outcome::Rejected { reason, .. } if *reason == want),
            "{want:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn responses_pass_unchanged() {
    let response = "HTTP/1.1 207 Odd\r\nContent-Length: 3\r\nx-amz-request-id: R1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
                  ETag: \"x\"\r\nContent-Encoding: gzip\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n\x1f\x01\x02";
    let recorder = Recorder::start(response).await;
    let proxy = proxy(&connection(
        "store",
        "s3",
        &format!("http://{}", recorder.address),
        "pass_fields = [\"set-cookie\"]",
    ))
    .await;
    let got = ask(proxy.addr().unwrap(), "GET /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(got.status, 207);
    assert_eq!(got.body, b"\x1f\x01\x02");
    assert_eq!(got.header("x-amz-request-id"), Some("R1"));
    assert_eq!(got.header("content-encoding"), Some("gzip"));
    assert_eq!(got.header("etag"), Some("\"x\""));
    assert_eq!(got.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 2);
    assert_eq!(got.header("x-hop"), None, "hop by hop");
    assert!(got.header("x-signing-proxy-request-id").is_some());
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let world = World::with_store().await;
    let put = "PUT /sandbox-bucket/head HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(ask(world.address(), put).await.status, 200);
    let response = ask(
        world.address(),
        "HEAD /sandbox-bucket/head HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .await;
    assert_eq!((response.status, response.header("content-length")), (200, Some("5")));
    let part = "GET /sandbox-bucket/head HTTP/1.1\r\nHost: localhost\r\nRange: bytes=1-3\r\n\r\n";
    let response = ask(world.address(), part).await;
    assert_eq!((response.status, response.text().as_str()), (206, "ell"));
}
