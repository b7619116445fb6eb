//! Any response of something that may be an AWS service: a code as AWS writes them and a message fit for the log, or nothing.
//!
//! An input is a byte that chooses status and field, the value of that field up to the end of the line, and the body.
#![no_main]

use aws_errors::{ErrorResponse, MAX_BODY, decoded};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;

/// 512 characters of a message and an ellipsis.
const LONGEST: usize = 513;

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    let mut lines = rest.splitn(2, |byte| *byte == b'\n');
    let (Some(field), Some(body)) = (lines.next(), lines.next()) else {
        return;
    };
    let statuses = [
        StatusCode::OK,
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::BAD_REQUEST,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let status = statuses[usize::from(choice & 3)];
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(field) {
        let names = [
            "x-amzn-errortype",
            "x-amzn-query-error",
            "x-amz-error-code",
            CONTENT_ENCODING.as_str(),
        ];
        headers.insert(HeaderName::from_static(names[usize::from(choice >> 2 & 3)]), value);
    }
    let plain = decoded(&headers, body, MAX_BODY);
    check(&ErrorResponse::read(status, &headers, &plain));
    // The beginning of a body, as the log of a response sees it.
    check(&ErrorResponse::read(status, &headers, &plain[..plain.len() / 2]));
    check(&ErrorResponse::new(
        "SignatureDoesNotMatch",
        &String::from_utf8_lossy(&plain),
    ));
});

fn check(error: &ErrorResponse) {
    if let Some(code) = error.code() {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!((1..=96).contains(&code.len()) && code.bytes().all(is_part), "{code}");
    }
    let message = error.message();
    assert!(
        message.chars().count() <= LONGEST && !message.contains(char::is_control),
        "{message:?}"
    );
    assert!(!message.contains("Signature="), "{message}");
    let _ = error.class();
}
