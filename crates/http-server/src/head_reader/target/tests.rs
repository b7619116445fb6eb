use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(target: &[u8], want: &str) {
    let head = [b"PUT ", target, b" HTTP/1.1\r\nx: \xff;\"\r\n\r\n"].concat();
    let escaped = in_head(&head).unwrap();
    assert_eq!(escaped.found, None);
    let want = [b"PUT ", want.as_bytes(), b" HTTP/1.1\r\nx: \xff;\"\r\n\r\n"].concat();
    assert_eq!(escaped.bytes, want, "{}", escaped.bytes.escape_ascii());
}

#[test]
fn each_byte_has_one_escape_and_what_a_uri_has_stays() {
    check(b"/", "/");
    check(b"*", "*");
    check(
        b"/a;b/!$&'()*+,=:@~?/?:@!$'()*+,=&",
        "/a;b/!$&'()*+,=:@~?/?:@!$'()*+,=&",
    );
    check("/\u{fc}?\u{fc}".as_bytes(), "/%C3%BC?%C3%BC");
    check(b"/\xff\x80?\xff", "/%FF%80?%FF");
    check(b"/\"<>[\\]^`{|}", "/%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D");
    check(b"/?\"<>[\\]^`{|}", "/?%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D");
    check(b"/%7b%7B", "/%7b%7B");
}

#[test]
fn a_semicolon_is_data_in_a_query_and_stays_in_a_path() {
    check(b"/a;b?c;d;?", "/a;b?c%3Bd%3B?");
}

#[test]
fn a_backslash_is_no_slash() {
    check(b"/b/..\\..\\x", "/b/..%5C..%5Cx");
    check(b"\\\\b", "%5C%5Cb");
}

#[test]
fn the_authority_of_a_url_stays() {
    check(b"http://[::1]:80/[", "http://[::1]:80/%5B");
    check(b"HTTPS://u@h?;", "HTTPS://u@h?%3B");
    check(b"http://h", "http://h");
    check(b"ftp://[h]/", "ftp://%5Bh%5D/");
}

#[test]
fn what_is_no_request_line_stays() {
    for head in [
        &b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n"[..],
        b"GET /[ ] HTTP/1.1\r\n\r\n",
        b"GET /[\x01 HTTP/1.1\r\n\r\n",
        b"GET /[\r\n\r\n",
        b"[\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"",
    ] {
        assert_eq!(in_head(head).unwrap().bytes, head);
    }
}

#[test]
fn a_target_that_grows_too_long_is_found() {
    let head = |count: usize| [b"GET /", &vec![0xff; count][..], b" HTTP/1.1\r\n\r\n"].concat();
    assert_eq!(in_head(&head(5461)).unwrap().found, None);
    assert_eq!(in_head(&head(5462)).unwrap().found, Some(AmbiguousHead::TargetTooLong));
}

#[test]
fn on_http_2_the_same_is_escaped() {
    for (uri, want, found) in [
        ("/b/k", "/b/k", None),
        ("http://h/\u{fc}\\?a;b", "http://h/%C3%BC%5C?a%3Bb", None),
        (
            "/b?\u{fc}%4",
            "/b?%C3%BC%4",
            Some(AmbiguousHead::InvalidEscape { offset: 5 }),
        ),
    ] {
        let mut got: Uri = uri.parse().unwrap();
        assert_eq!(in_uri(&mut got), found, "{uri}");
        assert_eq!(got, want, "{uri}");
    }
    let mut long: Uri = format!("/{}", "\u{fc}".repeat(20_000)).parse().unwrap();
    assert_eq!(in_uri(&mut long), Some(AmbiguousHead::TargetTooLong));
}

proptest! {
    /// Any bytes but those that no target has: a URI that stays itself, and decodes to what came.
    #[test]
    fn any_bytes_become_a_uri(path in prop::collection::vec(0x21..=0xff_u8, 0..40)) {
        let path: Vec<u8> = path.into_iter().filter(|byte| !matches!(byte, b'#' | b'%' | 0x7f)).collect();
        let head = [b"GET /", &path[..], b" HTTP/1.1\r\n\r\n"].concat();
        let escaped = in_head(&head).unwrap();
        prop_assert_eq!(escaped.found, None);
        let target = &escaped.bytes[place(&escaped.bytes).unwrap()];
        prop_assert!(target.is_ascii() && Uri::try_from(target).is_ok());
        let again = in_head(&escaped.bytes).unwrap();
        prop_assert!(matches!(again.bytes, Cow::Borrowed(_)));
        let decoded: Vec<u8> = percent_encoding::percent_decode(target).collect();
        prop_assert_eq!(&decoded[1..], &path[..]);
    }
}
