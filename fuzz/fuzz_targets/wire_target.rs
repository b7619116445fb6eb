//! An encoding (`0`, `1` or `2`) and any bytes as a request target: no panic, a wire form that stays itself, and decodes to what came.
#![no_main]

use aws_endpoints::PathEncoding;
use libfuzzer_sys::fuzz_target;
use signer::WireTarget;

fuzz_target!(|input: &[u8]| {
    let Some((choice, target)) = input.split_first() else {
        return;
    };
    let encoding = match choice % 3 {
        0 => PathEncoding::Single,
        1 => PathEncoding::SingleKeepingSlash,
        _ => PathEncoding::Double,
    };
    let wire = match WireTarget::from_bytes(target, encoding) {
        Ok(wire) => wire,
        Err(error) => {
            assert!(error.offset() <= target.len() || target.len() < 65_000);
            assert!(error.to_string().len() < 200);
            return;
        }
    };
    assert!(wire.as_str().starts_with('/') && wire.as_str().is_ascii());
    assert!(wire.query() != Some(""));
    assert_eq!(WireTarget::parse(wire.as_str(), encoding).unwrap(), wire);
    assert!(!wire.without_signature().is_presigned());
    if encoding == PathEncoding::Single {
        let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
        let path: &[u8] = if end == 0 { b"/" } else { &target[..end] };
        assert_eq!(decode(wire.path().as_bytes()), decode(path));
    } else if encoding == PathEncoding::Double {
        assert!(!wire.path().contains("//"));
        let is_dots = |segment: &str| matches!(decode(segment.as_bytes()).as_slice(), b"." | b"..");
        assert!(!wire.path().split('/').any(is_dots));
    }
});

/// Decodes valid escapes; written apart from the crate's own decoder.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let digits = text
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if text[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(text[at]);
                at += 1;
            }
        }
    }
    decoded
}
