//! Bytes that no URI has bare, as sloppy clients send them: escaped once, decided on, signed and sent; and those that stay
//! rejected, each named with its place.

use crate::support::http2::{Outcome, PROTOCOL_ERROR, block, field, send};
use crate::support::world::{connection, is_well_signed, proxy};
use crate::support::{RawResponse, Recorder, Wire, World, ask};

use std::fmt::Write as _;
use std::net::SocketAddr;

use signing_proxy::app::Proxy;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn start(service: &str, more: &str) -> (Recorder, Proxy) {
    let recorder = Recorder::start(OK).await;
    let endpoint = format!("http://{}", recorder.address);
    let proxy = proxy(&connection("store", service, &endpoint, more)).await;
    (recorder, proxy)
}

fn get(target: &[u8], host: &str) -> Vec<u8> {
    let behind = format!(" HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n");
    [b"GET ", target, behind.as_bytes()].concat()
}

/// Every byte that a target may have, except those with a meaning of their own.
fn taken() -> impl Iterator<Item = u8> {
    (0x21..=0xff).filter(|byte| !matches!(byte, b'#' | b'%' | b'/' | b'?' | b'&' | b'=' | b'+' | 0x7f))
}

/// As S3 and every query spell it.
fn strict(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// As other services spell a path.
fn lenient(byte: u8) -> String {
    if b"!$&'()*+,;=:@".contains(&byte) {
        char::from(byte).to_string()
    } else {
        strict(byte)
    }
}

/// All bytes at every place where clients put them, and what of them comes to the service.
async fn check_every_byte(service: &str, escape: fn(u8) -> String) {
    let (mut recorder, proxy) = start(service, "").await;
    let upstream = recorder.address;
    let own_port = format!("http://{upstream}");
    let mut wrong = String::new();
    let mut wire = Wire::connect(proxy.addr().unwrap()).await;
    for byte in taken() {
        let (in_path, in_query) = (escape(byte), strict(byte));
        for (before, host) in [
            ("", "localhost".to_owned()),
            ("/@store", "localhost".to_owned()),
            (&own_port, upstream.to_string()),
        ] {
            let target = [before.as_bytes(), b"/b/x", &[byte], b"y?k=x", &[byte], b"y"].concat();
            wire.send(get(&target, &host)).await;
            let response = wire.response().await;
            if response.status != 200 {
                let _ = writeln!(wrong, "0x{byte:02x} behind {before:?}: {}", response.text());
                wire = Wire::connect(proxy.addr().unwrap()).await;
                continue;
            }
            let sent = recorder.take().await.target;
            if sent != format!("/b/x{in_path}y?k=x{in_query}y") {
                let _ = writeln!(wrong, "0x{byte:02x} behind {before:?}: {sent}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn every_byte_comes_to_s3_in_its_one_spelling() {
    check_every_byte("s3", strict).await;
}

#[tokio::test]
async fn every_byte_comes_to_other_services_in_its_one_spelling() {
    check_every_byte("bedrock-runtime", lenient).await;
}

/// The sandbox signs again over the bytes that arrive; its library takes no query that is no UTF-8.
#[tokio::test]
async fn what_was_escaped_is_signed_as_it_is_sent() {
    for (mut world, service, host, path, want) in [
        (
            World::with_store().await,
            "s3",
            "s3.us-east-1.amazonaws.com",
            "/sandbox-bucket/x",
            strict as fn(u8) -> String,
        ),
        (
            World::with_models().await,
            "bedrock-runtime",
            "bedrock-runtime.us-east-1.amazonaws.com",
            "/model/x",
            lenient,
        ),
    ] {
        for byte in b"\"<>[\\]^`{|};\xff\xc3" {
            let in_query = if byte.is_ascii() { &[*byte] } else { "\u{fc}".as_bytes() };
            let url = format!("http://{host}{path}");
            let target = [url.as_bytes(), &[*byte], b"/y?a=", in_query, b"b"].concat();
            ask(world.address(), get(&target, host)).await;
            let event = world.verified(service);
            assert!(is_well_signed(&event), "0x{byte:02x}: {event:#?}");
            assert_eq!(event.path, format!("{path}{}/y", want(*byte)), "0x{byte:02x}");
        }
    }
}

/// Row for row: what is sent, and what of it comes to the service.
#[tokio::test]
async fn no_byte_becomes_a_separator() {
    let (mut recorder, proxy) = start("s3", "").await;
    for (target, want) in [
        ("/b/pub/..\\..\\secret", "/b/pub/..%5C..%5Csecret"),
        ("/b\\..\\secret/k", "/b%5C..%5Csecret/k"),
        ("/b/\\\\x//y", "/b/%5C%5Cx//y"),
        ("/b/\u{fc}/../x", "/b/%C3%BC/../x"),
        ("/b/.\u{2024}/x", "/b/.%E2%80%A4/x"),
        ("/b/\u{2215}x", "/b/%E2%88%95x"),
        ("/b/k?acl;policy", "/b/k?acl%3Bpolicy="),
        ("/b/k?a=1;acl", "/b/k?a=1%3Bacl"),
        (
            "/b/k?response-content-disposition=attachment;filename=\"x\"",
            "/b/k?response-content-disposition=attachment%3Bfilename%3D%22x%22",
        ),
        (
            "/b/k?response-content-type=text/plain;charset=utf-8",
            "/b/k?response-content-type=text%2Fplain%3Bcharset%3Dutf-8",
        ),
        (
            "/b?prefix=\u{fc}&odd=:@$,;[]",
            "/b?prefix=%C3%BC&odd=%3A%40%24%2C%3B%5B%5D",
        ),
        ("/b/%5c\\%C3%BC\u{fc}", "/b/%5C%5C%C3%BC%C3%BC"),
    ] {
        let response = ask(proxy.addr().unwrap(), get(target.as_bytes(), "localhost")).await;
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        assert_eq!(recorder.take().await.target, want, "{target}");
    }
}

/// Elsewhere a raw dot segment is resolved, a backslash in one is none.
#[tokio::test]
async fn a_backslash_makes_no_dot_segment() {
    let (mut recorder, proxy) = start("bedrock-runtime", "").await;
    for (target, want) in [
        ("/model/x\\..\\y/invoke", "/model/x%5C..%5Cy/invoke"),
        ("/model/\u{fc}/../y/invoke", "/model/y/invoke"),
        ("/model\\/../y/invoke", "/y/invoke"),
        ("/model//[x]/invoke", "/model/%5Bx%5D/invoke"),
    ] {
        let response = ask(proxy.addr().unwrap(), get(target.as_bytes(), "localhost")).await;
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        assert_eq!(recorder.take().await.target, want, "{target}");
    }
}

fn allow(action: &str, resource: &str) -> String {
    let statement = format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#);
    format!("allow = '''{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}'''\n")
}

#[tokio::test]
async fn a_policy_decides_on_what_is_sent() {
    let (mut recorder, proxy) = start("s3", &allow("s3:GetObject", "arn:aws:s3:::b/\u{fc}/*")).await;
    for (target, sent) in [
        ("/b/\u{fc}/k", Some("/b/%C3%BC/k")),
        ("/b/%C3%BC/[k]", Some("/b/%C3%BC/%5Bk%5D")),
        ("/b/\u{fc}\\k", None),
        ("/b\\\u{fc}/k", None),
        ("/b/u\u{308}/k", None),
        ("/b/secret;/b/\u{fc}/k", None),
        ("/b/secret?/b/\u{fc}/k", None),
        (
            "/b/\u{fc}/k?response-content-type=a;tagging",
            Some("/b/%C3%BC/k?response-content-type=a%3Btagging"),
        ),
        // No parameter of the service's.
        ("/b/\u{fc}/k?tagging;", None),
        // The sub-resource is another action, and no semicolon hides it.
        ("/b/\u{fc}/k?x=;&tagging", None),
    ] {
        let response = ask(proxy.addr().unwrap(), get(target.as_bytes(), "localhost")).await;
        match sent {
            Some(sent) => {
                assert_eq!(response.status, 200, "{target}: {}", response.text());
                assert_eq!(recorder.take().await.target, sent, "{target}");
            }
            None => {
                assert_eq!(response.status, 403, "{target}: {}", response.text());
                assert!(recorder.is_untouched(), "{target} went upstream");
            }
        }
    }
}

/// In a form a semicolon separates nothing: the whole is one value, which names no operation.
#[tokio::test]
async fn an_operation_does_not_hide_behind_a_semicolon() {
    let (mut recorder, proxy) = start("ec2", &allow("ec2:DescribeInstances", "*")).await;
    for target in [
        "/?Action=DescribeInstances;Action=TerminateInstances&Version=2016-11-15",
        "/?Version=2016-11-15;Action=DescribeInstances",
        "/?x;Action=DescribeInstances&Action=TerminateInstances&Version=2016-11-15",
    ] {
        let response = ask(proxy.addr().unwrap(), get(target.as_bytes(), "localhost")).await;
        assert!((400..404).contains(&response.status), "{target}: {}", response.text());
        assert!(recorder.is_untouched(), "{target} went upstream");
    }
}

#[tokio::test]
async fn a_presigned_url_keeps_its_signature_and_loses_its_raw_bytes() {
    let (mut recorder, proxy) = start("s3", "presigned = \"pass\"\n").await;
    let target = "/b/[\u{fc}]?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders=host;range&X-Amz-Signature=0";
    let response = ask(proxy.addr().unwrap(), get(target.as_bytes(), "localhost")).await;
    assert_eq!(response.status, 200, "{}", response.text());
    let want = "/b/%5B%C3%BC%5D?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders=host%3Brange&X-Amz-Signature=0";
    assert_eq!(recorder.take().await.target, want);
}

/// The response to a target that stays rejected.
async fn rejection(to: SocketAddr, target: &[u8], host: &str) -> RawResponse {
    let mut wire = Wire::connect(to).await;
    let smuggled = get(b"/b/smuggled", "localhost");
    wire.send([get(target, host), smuggled].concat()).await;
    let response = wire.response().await;
    assert!(
        wire.is_closed().await,
        "{}: the connection stays open",
        target.escape_ascii()
    );
    response
}

#[tokio::test]
async fn what_stays_rejected_is_named_with_its_place() {
    let (mut recorder, proxy) = start("s3", "").await;
    let controls = (0..=0x20).chain([0x7f]).filter(|byte| *byte != b'\n');
    for (byte, code) in controls
        .map(|byte| (byte, "head-malformed"))
        .chain([(b'#', "target-malformed"), (b'%', "target-malformed")])
    {
        for (before, host) in [
            ("/b/\u{fc}", "localhost"),
            ("/@store/b", "localhost"),
            ("http://s3.us-east-1.amazonaws.com/b?", "s3.us-east-1.amazonaws.com"),
        ] {
            let target = [before.as_bytes(), &[byte], b"x"].concat();
            let response = rejection(proxy.addr().unwrap(), &target, host).await;
            let (status, got, hint) = response.rejection();
            assert_eq!((status, got.as_str()), (400, code), "{}: {hint}", target.escape_ascii());
            let place = format!("byte {} of the target", before.len());
            assert!(
                hint.contains(&place) && hint.contains(&format!("%{byte:02X}")),
                "{}: {hint}",
                target.escape_ascii()
            );
            assert!(recorder.is_untouched(), "{} went upstream", target.escape_ascii());
        }
    }
}

#[tokio::test]
async fn a_host_has_no_raw_bytes() {
    let (mut recorder, proxy) = start("s3", "").await;
    for target in [
        "http://a\\@s3.us-east-1.amazonaws.com/b/k",
        "http://s3.us-east-1.amazonaws.com\\b\\k",
        "http://\u{fc}/b",
        "http://a{b}/",
    ] {
        let response = rejection(proxy.addr().unwrap(), target.as_bytes(), "s3.us-east-1.amazonaws.com").await;
        let (status, code, hint) = response.rejection();
        assert_eq!((status, code.as_str()), (400, "head-malformed"), "{target}");
        assert!(hint.contains("no host has it"), "{target}: {hint}");
        assert!(recorder.is_untouched(), "{target} went upstream");
    }
}

/// The bound is on the escaped target, which is what is sent.
#[tokio::test]
async fn a_target_may_grow_to_its_bound() {
    let (mut recorder, proxy) = start("s3", "").await;
    for (count, status) in [(5_400, 200), (5_500, 414), (30_000, 414)] {
        let target = [b"/b/", &vec![0xc3; count][..]].concat();
        let response = ask(proxy.addr().unwrap(), get(&target, "localhost")).await;
        assert_eq!(response.status, status, "{count}: {}", response.text());
    }
    recorder.take().await;
    assert!(recorder.is_untouched());
}

/// One request on HTTP/2 with any bytes for its path.
async fn on_http_2(to: SocketAddr, path: &[u8]) -> Outcome {
    let fields = block(&[(":method", "GET"), (":scheme", "http"), (":authority", "localhost")]);
    send(to, &[fields, field(":path", path)].concat(), None).await
}

/// What `http::Uri` carries is served; the rest is a stream error of h2, which no code of ours sees: docs/clients.md.
#[tokio::test]
async fn http_2_takes_what_its_library_does() {
    let (mut recorder, proxy) = start("s3", "").await;
    let to = proxy.addr().unwrap();
    for (path, want) in [
        ("/b/\u{fc}\u{6f22}?\u{fc}", "/b/%C3%BC%E6%BC%A2?%C3%BC="),
        ("/b/\"[\\]^{|}", "/b/%22%5B%5C%5D%5E%7B%7C%7D"),
        ("/b?a=[\\]^`{|};b=c", "/b?a=%5B%5C%5D%5E%60%7B%7C%7D%3Bb%3Dc"),
        ("/@store/b/[", "/b/%5B"),
    ] {
        let outcome = on_http_2(to, path.as_bytes()).await;
        assert_eq!(outcome, Outcome::Response("ok".to_owned()), "{path}");
        assert_eq!(recorder.take().await.target, want, "{path}");
    }
    for byte in b"`<>" {
        assert_eq!(
            on_http_2(to, &[b"/b/", &[*byte][..]].concat()).await,
            Outcome::Reset(PROTOCOL_ERROR),
            "0x{byte:02x}"
        );
    }
    for byte in b"\"<>" {
        assert_eq!(
            on_http_2(to, &[b"/b?", &[*byte][..]].concat()).await,
            Outcome::Reset(PROTOCOL_ERROR),
            "0x{byte:02x}"
        );
    }
    for path in [&b"/b/\xff"[..], b"/b?\xc3", b"/b/\xc3(", b"/b/\0", b"/b/ ", b"/b?\x7f"] {
        assert_eq!(
            on_http_2(to, path).await,
            Outcome::Reset(PROTOCOL_ERROR),
            "{}",
            path.escape_ascii()
        );
    }
    // An error of the proxy's own.
    let outcome = on_http_2(to, "/b/\u{fc}%4".as_bytes()).await;
    assert!(
        matches!(&outcome, Outcome::Response(body) if body != "ok"),
        "{outcome:?}"
    );
    assert!(recorder.is_untouched());
}
