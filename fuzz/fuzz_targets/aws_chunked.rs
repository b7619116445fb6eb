//! Any body, aws-chunked or not, in any pieces: one outcome however it is cut, and of the length that was announced.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use proxy_core::fuzzing::read_body;
use signing_proxy_fuzz::Text;
use tokio::runtime::{Builder, Runtime};

/// `limits.max_body`: small enough to be met.
const MAX: u64 = 1000;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

type Outcome = Result<(Bytes, Vec<(HeaderName, HeaderValue)>), (&'static str, String)>;

fuzz_target!(|input: &[u8]| {
    let text = Text::read(input);
    let whole = read(&text.headers, &[text.body]);
    for size in [1, 2, 7, 64] {
        let pieces: Vec<&[u8]> = text.body.chunks(size).collect();
        assert_eq!(read(&text.headers, &pieces), whole, "in pieces of {size}");
    }
    let cut = input.iter().fold(0_usize, |sum, byte| sum + usize::from(*byte)) % (text.body.len() + 1);
    let (before, after) = text.body.split_at(cut);
    assert_eq!(read(&text.headers, &[before, &[], after]), whole, "cut at {cut}");
    match whole {
        Ok((data, trailers)) => check(&text, &data, &trailers),
        Err((code, _)) => assert!(matches!(code, "aws-chunked-malformed" | "body-too-large"), "{code}"),
    }
});

fn read(headers: &HeaderMap, pieces: &[&[u8]]) -> Outcome {
    let mut headers = headers.clone();
    let body = RUNTIME.block_on(read_body(&mut headers, pieces, MAX));
    body.map(|body| (body.data, body.trailers))
        .map_err(|error| (error.code().name(), error.hint().to_owned()))
}

fn check(text: &Text<'_>, data: &[u8], trailers: &[(HeaderName, HeaderValue)]) {
    assert!(data.len() <= text.body.len() && data.len() as u64 <= MAX);
    if !is_aws_chunked(&text.headers) {
        assert_eq!(data, text.body);
        return;
    }
    if let Some(announced) = text.headers.get("x-amz-decoded-content-length") {
        assert_eq!(announced.to_str().unwrap().trim().parse(), Ok(data.len()));
    }
    let mut again = format!("{:x}\r\n", data.len()).into_bytes();
    if !data.is_empty() {
        again.extend_from_slice(data);
        again.extend_from_slice(b"\r\n0\r\n");
    }
    for (name, value) in trailers {
        assert!(name.as_str().starts_with("x-amz-checksum-"), "{name}");
        again.extend_from_slice(name.as_str().as_bytes());
        again.push(b':');
        again.extend_from_slice(value.as_bytes());
        again.extend_from_slice(b"\r\n");
    }
    again.extend_from_slice(b"\r\n");
    let (decoded, kept) = read(&text.headers, &[&again]).unwrap();
    assert_eq!((&decoded[..], &kept[..]), (data, trailers));
}

fn is_aws_chunked(headers: &HeaderMap) -> bool {
    let is_coding = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"aws-chunked");
    let mut codings = headers
        .get_all("content-encoding")
        .iter()
        .filter(|value| value.to_str().is_ok());
    let sha256 = headers.get("x-amz-content-sha256");
    codings.any(|value| value.as_bytes().split(|byte| *byte == b',').any(is_coding))
        || sha256.is_some_and(|value| {
            value.as_bytes().starts_with(b"STREAMING-") && value != "STREAMING-AWS4-HMAC-SHA256-EVENTS"
        })
}
