//! User metadata of S3 objects in characters beyond ASCII.
//!
//! Header fields are ASCII, and S3 takes UTF-8 in `x-amz-meta-*` as encoded words (RFC 2047), in which it also gives such
//! metadata back. Raw UTF-8 is another matter: what a server takes its bytes for, and so what it makes a signature over,
//! differs (the SDKs refuse such values, botocore by an error). So what a client sends raw goes out as encoded words: the
//! signature is over ASCII, and the object's metadata says what the client meant.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};

/// Bytes of text in one encoded word, which has 75 characters at most (RFC 2047, section 2): 12 around 60 of base64.
const WORD: usize = 45;

/// Encodes each value that is UTF-8 and not ASCII. What is neither stays, and cannot be signed.
pub(super) fn encode(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if !name.as_str().starts_with("x-amz-meta-") || value.as_bytes().is_ascii() {
            continue;
        }
        let text = std::str::from_utf8(value.as_bytes()).ok();
        if let Some(encoded) = text.and_then(|text| HeaderValue::try_from(words(text)).ok()) {
            *value = encoded;
        }
    }
}

/// Whole characters in each word; the blank between two words belongs to neither (RFC 2047, section 6.2).
fn words(mut text: &str) -> String {
    let mut words = String::with_capacity(text.len() * 2 + 16);
    while !text.is_empty() {
        let (word, behind) = text.split_at(text.floor_char_boundary(WORD.min(text.len())));
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str("=?UTF-8?B?");
        STANDARD.encode_string(word, &mut words);
        words.push_str("?=");
        text = behind;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &'static str, value: &[u8], want: &[u8]) {
        let mut headers = HeaderMap::new();
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
        encode(&mut headers);
        assert_eq!(headers[name].as_bytes(), want, "{}", value.escape_ascii());
    }

    #[test]
    fn utf_8_becomes_encoded_words_and_the_rest_stays() {
        check("x-amz-meta-a", "gr\u{fc}n".as_bytes(), b"=?UTF-8?B?Z3LDvG4=?=");
        check("x-amz-meta-a", b"green", b"green");
        check("x-amz-meta-a", b"=?UTF-8?Q?gr=C3=BCn?=", b"=?UTF-8?Q?gr=C3=BCn?=");
        check("x-amz-meta-a", b"gr\xfcn", b"gr\xfcn");
        check("x-amz-tagging", "gr\u{fc}n".as_bytes(), "gr\u{fc}n".as_bytes());
        check("content-type", "gr\u{fc}n".as_bytes(), "gr\u{fc}n".as_bytes());
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let text = format!("a{}", "\u{6f22}".repeat(40));
        let words = words(&text);
        let decoded: Vec<u8> = words
            .split(' ')
            .flat_map(|word| {
                assert!(word.len() <= 75);
                let word = word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap();
                let bytes = STANDARD.decode(word).unwrap();
                assert!(std::str::from_utf8(&bytes).is_ok());
                bytes
            })
            .collect();
        assert_eq!(decoded, text.as_bytes());
    }
}
