use std::time::{Duration, UNIX_EPOCH};

use auth_model::{AccessKeyId, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::target::TargetPart;
use crate::{HeaderFault, WireTarget, clean_headers};

fn credentials() -> Credentials {
    Credentials::new(
        AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
        SecretAccessKey::parse(Secret::new("SECRETEXAMPLE")).unwrap(),
    )
}

fn temporary() -> Credentials {
    credentials().with_session_token(SessionToken::parse(Secret::new("TOKENEXAMPLE")).unwrap())
}

fn sign_with(credentials: &Credentials, payload: Payload, head: &Parts) -> Result<SignedHeaders, SignError> {
    let scope = SigningScope {
        region: Region::parse("eu-west-1").unwrap(),
        name: SigningName::parse("s3").unwrap(),
    };
    let input = SignInput {
        scope: &scope,
        path_encoding: PathEncoding::Single,
        credentials,
        payload,
        time: UNIX_EPOCH + Duration::from_hours(15_849 * 24),
    };
    Signer::new().sign(head, &input)
}

fn sign(head: &Parts) -> Result<SignedHeaders, SignError> {
    sign_with(&credentials(), Payload::Empty, head)
}

fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    request.body(()).unwrap().into_parts().0
}

const URI: &str = "https://bucket.s3.eu-west-1.amazonaws.com/key?acl=";

#[track_caller]
fn refuse(head: &Parts, want: &SignError) {
    assert_eq!(&sign(head).map(|_| ()).unwrap_err(), want);
}

#[test]
fn only_what_aws_asks_for_is_signed() {
    let mut head = head(
        URI,
        &[
            ("content-type", "text/plain"),
            ("content-md5", "x"),
            ("content-length", "1"),
            ("range", "bytes=0-9"),
            ("user-agent", "curl"),
            ("x-amz-acl", "private"),
            ("x-amzn-trace-id", "1"),
            ("x-forwarded-for", "::1"),
        ],
    );
    sign(&head).unwrap().apply(&mut head);
    let authorization = head.headers["authorization"].to_str().unwrap();
    let names = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next();
    assert_eq!(
        names,
        Some("content-md5;content-type;host;x-amz-acl;x-amz-content-sha256;x-amz-date")
    );
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20130524/eu-west-1/s3/aws4_request, "));
}

#[test]
fn applying_sends_what_was_signed_and_nothing_of_the_clients_own() {
    let mut head = head(
        URI,
        &[
            ("authorization", "Bearer stale"),
            ("x-amz-date", "stale"),
            ("x-amz-content-sha256", "stale"),
            ("x-amz-security-token", "stale"),
            ("x-amz-s3session-token", "stale"),
            ("host", "Bucket.S3.eu-west-1.amazonaws.com:443"),
        ],
    );
    sign(&head).unwrap().apply(&mut head);
    let sent: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert!(!sent.iter().any(|(_, value)| value.contains("stale")), "{sent:?}");
    assert!(!head.headers.contains_key("x-amz-security-token"));
    assert_eq!(head.headers["host"], "bucket.s3.eu-west-1.amazonaws.com");
    assert_eq!(head.headers["x-amz-date"], "20130524T000000Z");
    assert_eq!(head.headers["x-amz-content-sha256"], crate::payload::EMPTY_SHA256_HEX);
    assert_eq!(head.headers.len(), 4);
}

#[test]
fn a_session_token_is_sent_and_signed_and_marked_sensitive() {
    let mut head = head(URI, &[]);
    sign_with(&temporary(), Payload::Unsigned, &head)
        .unwrap()
        .apply(&mut head);
    assert_eq!(head.headers["x-amz-security-token"], "TOKENEXAMPLE");
    assert!(head.headers["x-amz-security-token"].is_sensitive());
    assert!(head.headers["authorization"].is_sensitive());
    assert!(
        head.headers["authorization"]
            .to_str()
            .unwrap()
            .contains(";x-amz-security-token,")
    );
}

#[test]
fn each_payload_has_its_line() {
    let hash = crate::hash::sha256(b"hello");
    for (payload, want) in [
        (
            Payload::Empty,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            Payload::Sha256(hash),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ),
        (Payload::Unsigned, "UNSIGNED-PAYLOAD"),
        (Payload::StreamingSigned, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        (
            Payload::StreamingSignedTrailer,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        ),
        (Payload::StreamingUnsignedTrailer, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        (Payload::StreamingEvents, "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
    ] {
        let mut head = head(URI, &[]);
        let signed = sign_with(&credentials(), payload, &head).unwrap();
        let follow_up = match (signed.seed(), signed.event_seed()) {
            (None, None) => FollowUp::None,
            (Some(_), None) => FollowUp::Chunks,
            (None, Some(_)) => FollowUp::Events,
            (Some(_), Some(_)) => panic!("{want}"),
        };
        assert_eq!(follow_up, payload.follow_up(), "{want}");
        signed.apply(&mut head);
        assert_eq!(head.headers["x-amz-content-sha256"], want);
    }
}

#[test]
fn the_host_is_the_headers_else_the_uris() {
    for (uri, host, want) in [
        ("https://a.example/", None, "a.example"),
        ("https://a.example/", Some("b.example"), "b.example"),
        ("https://a.example:443/", None, "a.example"),
        ("http://a.example:80/", None, "a.example"),
        ("http://a.example:443/", None, "a.example:443"),
        ("https://a.example:80/", None, "a.example:80"),
        ("https://a.example:9000/", None, "a.example:9000"),
        ("/", Some("a.example:443"), "a.example"),
        ("/", Some("LOCALHOST:9000"), "localhost:9000"),
        ("/", Some("[::1]:8333"), "[::1]:8333"),
    ] {
        let headers: Vec<_> = host.iter().map(|host| ("host", *host)).collect();
        let signed = sign(&head(uri, &headers)).unwrap();
        assert_eq!(signed.host(), want, "{uri} {host:?}");
    }
}

#[test]
fn a_request_without_one_clear_host_is_refused() {
    refuse(&head("/", &[]), &SignError::NoHost);
    refuse(&head("/", &[("host", "a"), ("host", "a")]), &SignError::RepeatedHost);
    for bad in ["", ":443", "user@host", "a,b", "a b", "a/b", "ü", "a\tb"] {
        refuse(&head("/", &[("host", bad)]), &SignError::InvalidHost);
    }
    refuse(&head("https://user:password@host/", &[]), &SignError::InvalidHost);
}

#[test]
fn a_target_that_is_not_in_wire_form_is_refused() {
    let not = |part| SignError::NotWireForm { part };
    for bad in ["/a+b", "/%7E", "/a%2fb", "/%zz", "/a@b"] {
        refuse(&head(&format!("https://host{bad}"), &[]), &not(TargetPart::Path));
    }
    for bad in ["?acl", "?a=+", "?a=%2d", "?a=1&&b=2", "?", "?a;b", "?a=%zz"] {
        refuse(&head(&format!("https://host/{bad}"), &[]), &not(TargetPart::Query));
    }
}

#[test]
fn a_request_with_a_signature_in_its_query_is_refused() {
    for query in [
        "X-Amz-Signature=0",
        "x-amz-algorithm=x",
        "a=1&AWSAccessKeyId=x&Signature=y",
    ] {
        refuse(&head(&format!("https://host/?{query}"), &[]), &SignError::AlreadySigned);
    }
}

#[test]
fn headers_that_servers_read_differently_are_refused_where_they_are_signed() {
    for (value, fault) in [
        (&b"gro\xC3\x9F"[..], HeaderFault::NotAscii),
        (b"gro\xDF", HeaderFault::NotAscii),
        (b"a\tb", HeaderFault::Tab),
    ] {
        let mut signed = head(URI, &[]);
        let value = HeaderValue::from_bytes(value).unwrap();
        signed.headers.insert("x-amz-meta-name", value.clone());
        let name = HeaderName::from_static("x-amz-meta-name");
        refuse(&signed, &SignError::UnsignableHeader { name, fault });

        let mut unsigned = head(URI, &[]);
        unsigned.headers.insert("content-disposition", value);
        assert!(sign(&unsigned).is_ok());
    }
}

#[test]
fn times_without_a_spelling_and_heads_without_end_are_refused() {
    let scope = SigningScope {
        region: Region::parse("eu-west-1").unwrap(),
        name: SigningName::parse("s3").unwrap(),
    };
    let mut input = SignInput {
        scope: &scope,
        path_encoding: PathEncoding::Single,
        credentials: &credentials(),
        payload: Payload::Empty,
        time: UNIX_EPOCH - Duration::from_secs(1),
    };
    let mut head = head(URI, &[]);
    let result = Signer::new().sign(&head, &input);
    assert_eq!(result.map(|_| ()).unwrap_err(), SignError::TimeOutOfRange);
    input.time = UNIX_EPOCH;
    assert!(Signer::new().sign(&head, &input).is_ok());
    for number in 0..=1000 {
        let name: HeaderName = format!("x-{number}").parse().unwrap();
        head.headers.insert(name, HeaderValue::from_static(""));
    }
    refuse(&head, &SignError::TooManyHeaders);
    // What the signature adds counts for nothing, so that the finished head can be signed again.
    head.headers.remove("x-0");
    assert_eq!(head.headers.keys().filter(|name| name.as_str() != "host").count(), 1000);
    let mut finished = head.clone();
    Signer::new().sign(&head, &input).unwrap().apply(&mut finished);
    assert!(finished.headers.keys_len() > 1000);
    let signatures = [&head, &finished].map(|head| Signer::new().sign(head, &input).unwrap().signature().to_owned());
    assert_eq!(signatures[0], signatures[1]);
}

#[test]
fn version_4a_signs_a_set_of_regions_and_no_chunks() {
    let scope = SigningScope {
        region: Region::parse("us-east-1").unwrap(),
        name: SigningName::parse("s3").unwrap(),
    };
    let mut input = SignInput {
        scope: &scope,
        path_encoding: PathEncoding::Single,
        credentials: &temporary(),
        payload: Payload::Unsigned,
        time: UNIX_EPOCH,
    };
    let mut head = head(
        "https://m.accesspoint.s3-global.amazonaws.com/key",
        &[("x-amz-region-set", "stale")],
    );
    let regions = crate::RegionSet::all();
    let signed = Signer::new().sign_v4a(&head, &input, &regions).unwrap();
    signed.apply(&mut head);
    assert_eq!(head.headers["x-amz-region-set"], "*");
    let authorization = head.headers["authorization"].to_str().unwrap();
    let want = "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/19700101/s3/aws4_request, SignedHeaders=host;\
                x-amz-content-sha256;x-amz-date;x-amz-region-set;x-amz-security-token, Signature=30";
    assert!(authorization.starts_with(want), "{authorization}");

    for payload in [Payload::StreamingSigned, Payload::StreamingEvents] {
        input.payload = payload;
        let refused = Signer::new().sign_v4a(&head, &input, &regions);
        assert_eq!(refused.err(), Some(SignError::ChunksNotSignable));
    }
}

#[test]
fn nothing_prints_a_secret_a_token_or_a_signature() {
    let mut head = head(URI, &[]);
    let signed = sign_with(&temporary(), Payload::StreamingSigned, &head).unwrap();
    let shown = format!("{signed:?} {:?}", signed.seed());
    for secret in ["SECRETEXAMPLE", "TOKENEXAMPLE", signed.signature()] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let signature = signed.signature().to_owned();
    signed.apply(&mut head);
    let shown = format!("{head:?} {:?}", temporary());
    for secret in ["SECRETEXAMPLE", "TOKENEXAMPLE", &signature] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_signer_is_shared_between_threads() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Signer>();
    check::<SignedHeaders>();
    check::<crate::ChunkSigner>();
}

/// Heads with headers that are signed, in some order, some of them twice.
fn signed_headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![Just("content-type".to_owned()), "x-amz-[a-d]{1,2}"];
    prop::collection::vec((name, "[!-~]{1,8}( {1,3}[!-~]{1,8})?"), 1..8)
}

fn with_headers(headers: impl IntoIterator<Item = (String, String)>) -> Parts {
    let mut head = head(URI, &[]);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        head.headers.append(name, value.parse().unwrap());
    }
    head
}

proptest! {
    #[test]
    fn order_and_case_of_headers_never_change_a_signature(headers in signed_headers(), seed in any::<u64>()) {
        let plain = sign(&with_headers(headers.clone())).unwrap();
        // Any order of names, keeping the order of values under one name.
        let mut mixed = headers;
        mixed.sort_by_key(|(name, _)| {
            name.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
        });
        let mixed = mixed.into_iter().map(|(name, value)| (name.to_ascii_uppercase(), value));
        let mixed = sign(&with_headers(mixed)).unwrap();
        prop_assert_eq!(plain.signature(), mixed.signature());
    }

    #[test]
    fn any_covered_byte_changes_the_signature(
        headers in signed_headers(),
        which in any::<prop::sample::Index>(),
        target in "/[a-z]{1,5}(\\?[a-z]{1,3}=[a-z]{1,3})?",
    ) {
        let mut head = with_headers(headers);
        head.uri = format!("https://host{target}").parse().unwrap();
        let before = sign(&head).unwrap();
        let names: Vec<_> = head.headers.keys().cloned().collect();
        let changed = |change: &dyn Fn(&mut Parts)| {
            let mut head = head.clone();
            change(&mut head);
            sign(&head).unwrap().signature().to_owned()
        };
        let name = &names[which.index(names.len())];
        let others = [
            changed(&|head| {
                let value = [head.headers[name].as_bytes(), b"~"].concat();
                head.headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
            }),
            changed(&|head| { head.headers.insert("x-amz-zz", HeaderValue::from_static("")); }),
            changed(&|head| { head.uri = format!("https://host{target}~").parse().unwrap(); }),
            changed(&|head| { head.uri = format!("https://host/~{target}").parse().unwrap(); }),
            changed(&|head| { head.uri = format!("https://host.{target}").parse().unwrap(); }),
            changed(&|head| { head.method = http::Method::POST; }),
        ];
        for other in others {
            prop_assert_ne!(before.signature(), other);
        }
    }

    #[test]
    fn signing_twice_gives_the_same_and_leaves_the_head_alone(headers in signed_headers()) {
        let head = with_headers(headers);
        let copy = head.clone();
        let first = sign(&head).unwrap();
        prop_assert_eq!(&head.headers, &copy.headers);
        let mut applied = head;
        first.clone().apply(&mut applied);
        let second = sign(&applied).unwrap();
        prop_assert_eq!(first.signature(), second.signature());
    }

    #[test]
    fn no_head_makes_signing_panic(
        target in prop::collection::vec(any::<u8>(), 0..40),
        headers in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..16), prop::collection::vec(any::<u8>(), 0..16)), 0..8),
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&name), HeaderValue::from_bytes(&value)) {
                map.append(name, value);
            }
        }
        map.insert(HOST, HeaderValue::from_static("host"));
        clean_headers(&mut map);
        let mut head = head("/", &[]);
        head.headers = map;
        if let Ok(uri) = http::Uri::try_from(target.as_slice()) {
            head.uri = uri;
            let _ = sign(&head);
        }
        if let Ok(target) = WireTarget::from_bytes(&target, PathEncoding::Single) {
            head.uri = target.to_path_and_query().into();
            // What clean and parse let through is rejected for its headers or its signature only.
            let is_wire_form = !matches!(sign(&head), Err(SignError::NotWireForm { .. }));
            prop_assert!(is_wire_form);
        }
    }
}
