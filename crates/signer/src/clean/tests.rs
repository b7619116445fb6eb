use proptest::prelude::*;

use super::*;

fn headers(rows: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in rows {
        headers.append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn hop_by_hop_headers_are_removed() {
    let mut headers = headers(&[
        ("connection", b"close"),
        ("keep-alive", b"timeout=5"),
        ("proxy-authorization", b"Basic x"),
        ("te", b"trailers"),
        ("transfer-encoding", b"chunked"),
        ("upgrade", b"h2c"),
        ("http2-settings", b"x"),
        ("expect", b"100-continue"),
        ("range", b"bytes=0-9"),
    ]);
    let removed = clean_headers(&mut headers);
    assert_eq!(names(&headers), ["range"]);
    assert_eq!(removed.hop_by_hop.len(), 8);
    assert!(removed.client_auth.is_empty());
}

#[test]
fn headers_that_connection_names_are_removed_but_not_host_and_length() {
    let mut headers = headers(&[
        ("connection", b"x-foo, X-Amz-Acl ,, host, \xFF"),
        ("connection", b"Content-Length,x-bar, x-amz-date"),
        ("x-foo", b"1"),
        ("x-bar", b"1"),
        ("x-amz-acl", b"private"),
        ("x-amz-date", b"stale"),
        ("host", b"a"),
        ("content-length", b"5"),
        ("accept", b"*/*"),
    ]);
    let removed = clean_headers(&mut headers);
    assert_eq!(names(&headers), ["accept", "content-length", "host"]);
    assert_eq!(removed.client_auth, ["x-amz-date"]);
    assert_eq!(removed.hop_by_hop, ["x-foo", "x-amz-acl", "x-bar", "connection"]);
}

#[test]
fn the_clients_own_authentication_is_removed_and_named() {
    let mut headers = headers(&[
        ("authorization", b"AWS4-HMAC-SHA256 Credential=theirs"),
        ("x-amz-date", b"d"),
        ("x-amz-security-token", b"t"),
        ("x-amz-content-sha256", b"h"),
        ("x-amz-s3session-token", b"s"),
        ("x-amz-meta-x", b"kept"),
    ]);
    let removed = clean_headers(&mut headers);
    assert_eq!(names(&headers), ["x-amz-meta-x"]);
    assert_eq!(removed.client_auth.len(), 5);
    assert!(!format!("{removed:?}").contains("theirs"));
}

#[test]
fn repeated_headers_that_are_signed_become_one_line() {
    let mut headers = headers(&[
        ("x-amz-meta-a", b"1 "),
        ("x-amz-meta-a", b" 2\t3"),
        ("x-amz-meta-b", b"\ta\tb"),
        ("x-amz-meta-c", b"two  spaces"),
        ("cookie", b"a"),
        ("cookie", b"b"),
    ]);
    clean_headers(&mut headers);
    let lines = |name: &str| -> Vec<String> {
        let all = headers.get_all(name).iter();
        all.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(lines("x-amz-meta-a"), ["1 , 2 3"]);
    assert_eq!(lines("x-amz-meta-b"), ["a b"]);
    assert_eq!(lines("x-amz-meta-c"), ["two  spaces"]);
    assert_eq!(lines("cookie"), ["a", "b"]);
}

proptest! {
    #[test]
    fn cleaning_twice_removes_nothing_more(
        rows in prop::collection::vec(("(connection|x-amz-[a-c]|te|authorization|x-[a-c])", "[ -~]{0,12}"), 0..12)
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in &rows {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        clean_headers(&mut headers);
        let once = headers.clone();
        prop_assert_eq!(clean_headers(&mut headers), Removed::default());
        prop_assert_eq!(headers, once);
    }
}
