//! Bodies that came compressed.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::GzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// A body, or its beginning, without the gzip that its head announces: at most `limit` bytes of it. As it is where it is no
/// gzip, whatever the head says.
///
/// ```
/// use aws_errors::{MAX_BODY, decoded};
/// use http::HeaderMap;
///
/// assert_eq!(decoded(&HeaderMap::new(), b"<Error/>", MAX_BODY).as_ref(), b"<Error/>");
/// ```
#[must_use]
pub fn decoded<'a>(headers: &HeaderMap, body: &'a [u8], limit: usize) -> Cow<'a, [u8]> {
    let coding = headers.get(CONTENT_ENCODING);
    if !coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip")) {
        return body.into();
    }
    let mut plain = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    // The beginning of a longer body ends in an error; what was decoded before it counts.
    match GzDecoder::new(body).take(limit).read_to_end(&mut plain) {
        Ok(_) | Err(_) if !plain.is_empty() => plain.into(),
        Ok(_) | Err(_) => body.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const PLAIN: &[u8] = br#"{"__type":"ThrottlingException"}"#;

    fn compressed() -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(PLAIN).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check(coding: Option<&'static str>, body: &[u8], limit: usize, want: &[u8]) {
        let coding = coding.map(|coding| (CONTENT_ENCODING, coding.parse().unwrap()));
        let headers = HeaderMap::from_iter(coding);
        assert_eq!(decoded(&headers, body, limit).as_ref(), want);
    }

    #[test]
    fn compressed_bodies_are_decoded_up_to_a_limit() {
        check(Some("gzip"), &compressed(), 100, PLAIN);
        check(Some("GZIP"), &compressed(), 8, &PLAIN[..8]);
        let cut = &compressed()[..compressed().len() - 6];
        check(Some("gzip"), cut, 100, PLAIN);
    }

    #[test]
    fn other_bodies_are_left_as_they_are() {
        check(None, &compressed(), 100, &compressed());
        check(Some("identity"), PLAIN, 8, PLAIN);
        check(Some("gzip"), PLAIN, 100, PLAIN);
        check(Some("gzip"), b"", 100, b"");
    }
}
