//! Both readers: what they keep, what they reject.

use proptest::prelude::*;

use super::*;

const WANTED: Wanted = Wanted {
    members: &["A", "L"],
    depth: 3,
};

#[track_caller]
fn json(text: &str, path: &str, want: &[&str]) {
    assert_eq!(
        from_json(text.as_bytes(), WANTED).unwrap().texts(path).unwrap(),
        want,
        "{text}"
    );
}

#[track_caller]
fn rejected(text: &str) {
    assert!(from_json(text.as_bytes(), WANTED).is_err(), "{text}");
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn wanted_strings_are_found_through_lists() {
    json(r#"{"A":"x","B":[[[[[1]]]]]}"#, "A", &["x"]);
    json(r#"{"L":[{"I":"1"},{"I":"2"},{}]}"#, "L.I", &["1", "2"]);
    json(r#"{"L":["1","2"]}"#, "L", &["1", "2"]);
    json(r#"{"A":null}"#, "A", &[]);
    json(r#"{"\u0041":"\u0078"}"#, "A", &["x"]);
}

#[test]
fn json_with_two_readings_is_rejected() {
    for text in [
        r#"{"A":"x","A":"y"}"#,
        r#"{"A":"x","\u0041":"y"}"#,
        r#"{"B":1,"B":2}"#,
        r#"{"L":[{"I":"1","I":"2"}]}"#,
        r#"{"A":"x"} {"A":"y"}"#,
        r#"{"A":"x"}, "#,
        "[]",
        "",
        "\u{feff}{}",
        r#"{"A":'x'}"#,
        r#"{"A":"x",}"#,
        r#"{"A":"\ud800"}"#,
    ] {
        rejected(text);
    }
    assert!(from_json(b"\xff\xfe{\0}\0", WANTED).is_err());
    let twin = from_json(br#"{"A":"x","a":"y"}"#, WANTED).unwrap();
    assert!(twin.texts("A").is_err());
    let number = from_json(br#"{"A":1}"#, WANTED).unwrap();
    assert!(number.texts("A").is_err());
}

#[test]
fn what_is_not_wanted_takes_no_memory() {
    let many = format!(r#"{{"B":[{}1],"A":"x"}}"#, "1,".repeat(2 * MAX_VALUES));
    json(&many, "A", &["x"]);
    rejected(&many.replace('B', "L"));
    rejected(&format!("{{\"A\":{}", "[".repeat(100_000)));
}

#[test]
fn cbor_says_the_same() {
    let read = |hex: &str| from_cbor(&bytes(hex), WANTED);
    // {"A": "x"}; the same without lengths, with a tag, in chunks.
    for hex in [
        "a1 6141 6178",
        "bf 6141 6178 ff",
        "a1 6141 c0 6178",
        "a1 6141 7f 6178 60 ff",
    ] {
        assert_eq!(read(hex).unwrap().texts("A").unwrap(), ["x"], "{hex}");
    }
    // {"L": [{"I": "1"}, {"I": "2"}]}
    let list = read("a1 614c 82 a1 6149 6131 a1 6149 6132").unwrap();
    assert_eq!(list.texts("L.I").unwrap(), ["1", "2"]);
    assert!(read("").unwrap().texts("A").unwrap().is_empty());
    for hex in [
        "a2 6141 6178 6141 6179",     // a key twice
        "a1 6141 6178 00",            // something after it
        "a1 4141 6178",               // bytes as a key
        "a1 01 6178",                 // a number as a key
        "81 6178",                    // a list
        "7b7d",                       // the JSON text {}
        "a1 6141 61ff",               // not UTF-8
        "a1 6141 f8 16",              // null in two bytes
        "a1 6141 6a78",               // shorter than it says
        "a1 6141 9bffffffffffffffff", // longer than memory
        "a1 6141 7f 4178 ff",         // bytes inside a text
        "a1 6141 ff",                 // a break without a start
        "a1 6141 1c",                 // a reserved length
    ] {
        assert!(read(hex).is_err(), "{hex}");
    }
    assert!(from_cbor(&[0x81; 1000], WANTED).is_err());
}

proptest! {
    #[test]
    fn the_readers_never_panic(body in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = from_json(&body, WANTED);
        let _ = from_cbor(&body, WANTED);
    }

    #[test]
    fn both_readers_find_the_same(text in "[ -~]{0,40}") {
        let mut body = vec![0xa1, 0x61, b'A', 0x78, u8::try_from(text.len()).unwrap()];
        body.extend_from_slice(text.as_bytes());
        let json = serde_json::to_vec(&serde_json::json!({ "A": text })).unwrap();
        prop_assert_eq!(from_cbor(&body, WANTED), from_json(&json, WANTED));
    }
}
