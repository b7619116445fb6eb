//! Any bytes on an HTTP/1 connection: the same requests however they are cut, each of them as `httparse` reads it, and
//! nothing left out between them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use http_server::fuzzing::read_heads;

fuzz_target!(|input: &[u8]| {
    let whole = read_heads(&[input], 4096);
    for size in [1, 2, 7, 64] {
        let pieces: Vec<&[u8]> = input.chunks(size).collect();
        let in_pieces = read_heads(&pieces, 4096);
        // Whether a body follows that was not announced is judged by what has come.
        let is_unannounced = |seen: &str| seen.contains("LengthMissing");
        if !is_unannounced(&in_pieces.1) && !is_unannounced(&whole.1) {
            assert_eq!(in_pieces, whole, "in pieces of {size}");
        }
    }
    assert_eq!(read_heads(&[input], 3), whole, "with little room");
    let mut rest = input;
    for request in &whole.0 {
        while let Some(behind) = rest.strip_prefix(b"\r\n") {
            rest = behind;
        }
        rest = behind(rest, request).expect("as it was sent, behind the one before");
        check(request);
    }
});

/// What stands behind the request, which was sent so but for bytes of its target that came raw.
fn behind<'a>(mut sent: &'a [u8], request: &[u8]) -> Option<&'a [u8]> {
    let mut seen = request;
    loop {
        match (seen, sent) {
            ([], _) => return Some(sent),
            ([byte, rest @ ..], [raw, behind @ ..]) if byte == raw => (seen, sent) = (rest, behind),
            ([b'%', high, low, rest @ ..], [raw, behind @ ..]) => {
                let is_raw = *raw >= 0x80 || b"\"<>[\\]^`{|};".contains(raw);
                let escape = format!("{raw:02X}");
                if !is_raw || escape.as_bytes() != [*high, *low] {
                    return None;
                }
                (seen, sent) = (rest, behind);
            }
            _ => return None,
        }
    }
}

fn check(bytes: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; 1024];
    let mut request = httparse::Request::new(&mut fields);
    let end = request.parse(bytes).expect("a head").unwrap();
    let (head, body) = bytes.split_at(end);
    let line_feeds = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(line_feeds(head), head.windows(2).filter(|pair| pair == b"\r\n").count());
    let target = request.path.unwrap();
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)), "{target}");
    assert!(!target.contains('#') && request.method != Some("CONNECT"));
    assert!(target.starts_with('/') || target == "*" || target[..4].eq_ignore_ascii_case("http"), "{target}");
    let values = |name: &str| -> Vec<&[u8]> {
        let named = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| field.value).collect()
    };
    match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => assert!(body.is_empty()),
        ([length], []) => assert_eq!(std::str::from_utf8(length).unwrap().trim().parse(), Ok(body.len())),
        ([], [coding]) => {
            assert!(coding.trim_ascii().eq_ignore_ascii_case(b"chunked") && request.version == Some(1));
            assert!(body.ends_with(b"\r\n\r\n") && chunks(body));
        }
        both => panic!("{both:?}"),
    }
}

/// Whether another reader of chunks comes to the trailer section and finds no empty line before its end.
fn chunks(mut body: &[u8]) -> bool {
    loop {
        let (line, size) = httparse::parse_chunk_size(body).expect("a size").unwrap();
        body = &body[line..];
        if size == 0 {
            return body == b"\r\n" || body.windows(4).position(|window| window == b"\r\n\r\n") == Some(body.len() - 4);
        }
        let (_, behind) = body.split_at(usize::try_from(size).unwrap());
        body = behind.strip_prefix(b"\r\n").expect("the end of a chunk");
    }
}
