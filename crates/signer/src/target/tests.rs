use aws_endpoints::PathEncoding::{self, Double, Single, SingleKeepingSlash};
use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(encoding: PathEncoding, raw: &str, want: &str) {
    let wire = WireTarget::parse(raw, encoding).unwrap();
    assert_eq!(wire.as_str(), want, "{raw}");
    assert_eq!(WireTarget::parse(want, encoding).unwrap(), wire, "{raw} again");
}

#[track_caller]
fn refuse(encoding: PathEncoding, raw: &str, want: &str) {
    assert_eq!(WireTarget::parse(raw, encoding).unwrap_err().to_string(), want, "{raw}");
}

fn canonical(wire: &WireTarget, encoding: PathEncoding) -> (String, String) {
    let (mut path, mut query) = (String::new(), String::new());
    write_canonical_path(&mut path, wire.path(), encoding).unwrap();
    write_canonical_query(&mut query, wire.query(), &[]).unwrap();
    (path, query)
}

#[test]
fn an_s3_key_is_decoded_once_and_encoded_strictly() {
    check(Single, "", "/");
    check(Single, "/a%20b", "/a%20b");
    check(Single, "/%61%2d%7E", "/a-~");
    check(
        Single,
        "/a+b=c(d)'!*@$,:&;e",
        "/a%2Bb%3Dc%28d%29%27%21%2A%40%24%2C%3A%26%3Be",
    );
    check(Single, "/a%2bb", "/a%2Bb");
    check(Single, "/a%252Fb", "/a%252Fb");
    check(Single, "/ключ", "/%D0%BA%D0%BB%D1%8E%D1%87");
    check(Single, "/%FF", "/%FF");
    check(Single, "/a b\"<>[]{}|\\^`", "/a%20b%22%3C%3E%5B%5D%7B%7D%7C%5C%5E%60");
}

#[test]
fn an_s3_key_is_never_normalised() {
    check(Single, "//a/../b/./c//", "//a/../b/./c//");
    check(Single, "/a/%2e%2E/b", "/a/../b");
}

#[test]
fn an_escaped_slash_is_a_slash_in_a_key_and_stays_in_an_arn() {
    check(Single, "/test%2f.txt", "/test/.txt");
    check(
        SingleKeepingSlash,
        "/v20180820/bucket/arn:x%2fy",
        "/v20180820/bucket/arn%3Ax%2Fy",
    );
    check(Double, "/model/arn%3Aaws%2Fx", "/model/arn%3Aaws%2Fx");
}

#[test]
fn other_services_keep_the_bytes_they_were_sent() {
    check(Double, "/model/a:0/b%3a0/c%3A0/@x", "/model/a:0/b%3a0/c%3A0/@x");
    check(Double, "/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@");
    check(Double, "/a b/ü/\"<>", "/a%20b/%C3%BC/%22%3C%3E");
}

#[test]
fn other_services_have_dots_and_slashes_resolved() {
    for (raw, want) in [
        ("///", "/"),
        ("//example//", "/example/"),
        ("/./", "/"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/../../a", "/a"),
        ("/a/b/../../c", "/c"),
        ("/a//b", "/a/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/a/.%2e/b/%2E", "/b/"),
        ("/a/.../b", "/a/.../b"),
        ("/a/..b/.c", "/a/..b/.c"),
        ("/a/", "/a/"),
    ] {
        check(Double, raw, want);
    }
}

#[test]
fn a_query_keeps_its_order_and_is_encoded_strictly() {
    for (raw, want) in [
        ("/?", "/"),
        ("/?&&", "/"),
        ("/?acl", "/?acl="),
        ("/?b=2&a=1&&", "/?b=2&a=1"),
        ("/?a=x+y", "/?a=x%20y"),
        ("/?a=x%2By", "/?a=x%2By"),
        ("/?a=%2d%c3%bc", "/?a=-%C3%BC"),
        ("/?a=/:*'()!", "/?a=%2F%3A%2A%27%28%29%21"),
        ("/?a=b=c", "/?a=b%3Dc"),
        ("/?a?b", "/?a%3Fb="),
        ("/?=", "/?="),
        ("/?=v", "/?=v"),
        ("/?a=%26%3D", "/?a=%26%3D"),
        // One parameter: some servers would begin another one behind a bare semicolon.
        ("/?a=1;b=2&c", "/?a=1%3Bb%3D2&c="),
        ("/?;", "/?%3B="),
        ("/?ሴ=bar", "/?%E1%88%B4=bar"),
    ] {
        check(Single, raw, want);
        check(Double, raw, want);
    }
}

#[test]
fn ambiguous_targets_are_refused_with_part_place_and_reason() {
    refuse(
        Single,
        "/a/%zz?b",
        "'%' without two hexadecimal digits; a percent sign is written %25 (in the path, at byte 3: \"%zz\")",
    );
    refuse(
        Double,
        "/a/%4",
        "'%' without two hexadecimal digits; a percent sign is written %25 (in the path, at byte 3: \"%4\")",
    );
    refuse(
        Double,
        "/a?x=1&y=%G1secret",
        "'%' without two hexadecimal digits; a percent sign is written %25 (in the query, at byte 9: \"%G1\")",
    );
    refuse(
        Single,
        "/a#b",
        "bare '#'; it is written %23 (in the path, at byte 2: \"#b\")",
    );
    refuse(
        Double,
        "/a?b#c",
        "bare '#'; it is written %23 (in the query, at byte 4: \"#c\")",
    );
    refuse(
        Double,
        "/a\r\nb",
        "control character; it is written as %XX (in the path, at byte 2: \"\\r\\nb\")",
    );
    refuse(
        Single,
        "/?\u{7f}",
        "control character; it is written as %XX (in the query, at byte 2: \"\\x7f\")",
    );
    refuse(Single, "*", "no '/' at the beginning (in the path, at byte 0: \"*\")");
    refuse(
        Single,
        "http://host/",
        "no '/' at the beginning (in the path, at byte 0: \"htt\")",
    );
}

#[test]
fn the_length_is_bounded_before_and_after_encoding() {
    let long = format!("/{}", "a".repeat(65_000));
    assert_eq!(
        WireTarget::parse(&long, Single).unwrap_err().fault(),
        TargetFault::TooLong
    );
    let growing = format!("/{}", "=".repeat(30_000));
    assert_eq!(
        WireTarget::parse(&growing, Single).unwrap_err().fault(),
        TargetFault::TooLong
    );
    assert!(WireTarget::parse(&growing, Double).is_ok());
    let longest = format!("/{}", "a".repeat(64_999));
    assert_eq!(WireTarget::parse(&longest, Single).unwrap().as_str(), longest);
}

#[test]
fn the_canonical_query_is_sorted_by_encoded_name_then_value() {
    let wire = WireTarget::parse("/?b=2&a=3&A=1&a=10&a-b=0&a%2B=0&ä=1", Single).unwrap();
    let (_, query) = canonical(&wire, Single);
    assert_eq!(query, "%C3%A4=1&A=1&a=10&a=3&a%2B=0&a-b=0&b=2");
}

#[test]
fn a_presigned_query_is_known_and_can_be_stripped() {
    for (raw, want) in [
        (
            "/k?a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=s",
            "/k?a=1",
        ),
        ("/k?x-amz-signature=s", "/k"),
        ("/k?X-Amz-Security-Token=t&b=2", "/k?b=2"),
        ("/k?X%2DAmz-Signature=s", "/k"),
        ("/k?AWSAccessKeyId=a&Signature=s&Expires=9&b=2", "/k?b=2"),
    ] {
        let wire = WireTarget::parse(raw, Single).unwrap();
        assert!(wire.is_presigned(), "{raw}");
        let bare = wire.without_signature();
        assert_eq!(bare.as_str(), want);
        assert!(!bare.is_presigned(), "{raw}");
    }
    for raw in [
        "/k",
        "/k?Signature=x&Expires=1",
        "/k?x-amz-meta=1",
        "/k?X-Amz-Expires=1",
    ] {
        assert!(!WireTarget::parse(raw, Single).unwrap().is_presigned(), "{raw}");
    }
}

fn encodings() -> impl Strategy<Value = PathEncoding> {
    prop_oneof![Just(Single), Just(SingleKeepingSlash), Just(Double)]
}

/// Anything, but mostly what matters to a parser of targets.
fn targets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z0-9._~-]{1,3}".prop_map(String::into_bytes),
        3 => prop::sample::select(&["/", "//", "/./", "/../", "%2F", "%2e", "%", "?", "&", "=", "+", ";", "#", ":", "@"][..])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => any::<u8>().prop_map(|byte| format!("%{byte:02x}").into_bytes()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| [b"/".to_vec(), pieces.concat()].concat())
}

proptest! {
    #[test]
    fn parsing_a_wire_form_gives_the_same_wire_form(raw in targets(), encoding in encodings()) {
        if let Ok(wire) = WireTarget::from_bytes(&raw, encoding) {
            prop_assert_eq!(WireTarget::parse(wire.as_str(), encoding).unwrap(), wire.clone());
            // And it is one that the signer takes.
            canonical(&wire, encoding);
        }
    }

    #[test]
    fn only_what_parsing_leaves_alone_is_signed(
        raw in prop_oneof![
            "/?[ab./%2F7e~=-]{0,8}(\\?[ab=&%2F7e+]{0,8})?",
            targets().prop_map(|raw| String::from_utf8_lossy(&raw).into_owned()),
        ],
        is_parsed in any::<bool>(),
        encoding in encodings(),
    ) {
        let parsed = WireTarget::parse(&raw, encoding);
        let text = match &parsed {
            Ok(wire) if is_parsed => wire.as_str(),
            _ => &raw,
        };
        let is_left_alone = WireTarget::parse(text, encoding).is_ok_and(|wire| wire.as_str() == text);
        let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        let is_signed = write_canonical_path(&mut String::new(), path, encoding).is_ok()
            && write_canonical_query(&mut String::new(), query, &[]).is_ok();
        prop_assert_eq!(is_signed, is_left_alone, "{}", text);
    }

    #[test]
    fn no_bytes_make_parsing_panic(raw in prop::collection::vec(any::<u8>(), 0..64), encoding in encodings()) {
        let _ = WireTarget::from_bytes(&raw, encoding).map_err(|error| error.to_string());
    }

    #[test]
    fn spelling_never_changes_what_a_key_is_signed_as(raw in targets(), upper in any::<bool>()) {
        // The same path with every byte escaped, slashes aside.
        let path: Vec<u8> = raw.split(|byte| *byte == b'?').next().unwrap().to_vec();
        if let Ok(wire) = WireTarget::from_bytes(&path, Single) {
            let escaped: String = decode(wire.path())
                .into_iter()
                .map(|byte| match (byte, upper) {
                    (b'/', _) => "/".to_owned(),
                    (_, true) => format!("%{byte:02X}"),
                    (_, false) => format!("%{byte:02x}"),
                })
                .collect();
            prop_assert_eq!(WireTarget::parse(&escaped, Single).unwrap(), wire);
        }
    }
}

fn decode(text: &str) -> Vec<u8> {
    crate::escape::Octets::new(text.as_bytes(), 0)
        .map(|octet| match octet.unwrap().1 {
            crate::escape::Octet::Plain(byte) | crate::escape::Octet::Escaped(byte) => byte,
        })
        .collect()
}
