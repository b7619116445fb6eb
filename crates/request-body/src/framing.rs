//! How a client's body is framed, as its head says, and what of that must not go upstream.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};

use super::error::{AwsChunkedHeadError, BodyError};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// The `x-amz-content-sha256` of a client that signs the messages of an event stream: framed by the messages alone.
pub const EVENTS: &str = "STREAMING-AWS4-HMAC-SHA256-EVENTS";

pub(super) const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
pub(super) const TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");

/// How the body is framed inside its HTTP framing.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use request_body::PayloadFraming;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("content-encoding", HeaderValue::from_static("aws-chunked,gzip"));
/// headers.insert("x-amz-decoded-content-length", HeaderValue::from_static("5"));
/// let framing = PayloadFraming::take_from(&mut headers)?;
/// assert_eq!(framing.announced_length(), Some(5));
/// // What is left is true of the decoded body.
/// assert_eq!((headers.len(), &headers["content-encoding"]), (1, &HeaderValue::from_static("gzip")));
/// # Ok::<_, request_body::BodyError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PayloadFraming {
    /// The body is what it is.
    Plain {
        /// Its length, where the client announces one.
        length: Option<u64>,
    },
    /// aws-chunked: to be decoded.
    AwsChunked {
        /// The decoded length, where the client announces one.
        length: Option<u64>,
        /// The checksums that come in the trailer.
        trailers: Vec<HeaderName>,
    },
}

impl PayloadFraming {
    /// Reads the framing and makes the headers those of the decoded body.
    ///
    /// Comes before the client's `x-amz-content-sha256` and `content-length` are removed.
    ///
    /// # Errors
    ///
    /// [`AwsChunkedHeadError`] where the head announces what no body can be.
    pub fn take_from(headers: &mut HeaderMap) -> Result<Self, BodyError> {
        let is_streaming = headers
            .get(&CONTENT_SHA256)
            .is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-") && value != EVENTS);
        let is_encoded = remove_aws_chunked(headers);
        let decoded_length = headers.remove(&DECODED_LENGTH);
        let trailers = headers.remove(&TRAILER);
        if !is_streaming && !is_encoded {
            // hyper has checked that it is one number.
            let length = headers.get(CONTENT_LENGTH).and_then(number);
            return Ok(Self::Plain { length });
        }
        let length = match decoded_length {
            Some(value) => Some(number(&value).ok_or(AwsChunkedHeadError::DecodedLength)?),
            None => None,
        };
        let trailers = match trailers {
            Some(value) => checksum_names(&value).ok_or(AwsChunkedHeadError::Trailer)?,
            None => Vec::new(),
        };
        Ok(Self::AwsChunked { length, trailers })
    }

    /// The framing of a body that must stay as it is, since the client has signed it.
    pub fn as_it_is(headers: &HeaderMap) -> Self {
        Self::Plain {
            length: headers.get(CONTENT_LENGTH).and_then(number),
        }
    }

    /// How many bytes the client announces; not to be believed, but enough to reject early.
    #[must_use]
    pub fn announced_length(&self) -> Option<u64> {
        match self {
            Self::Plain { length } | Self::AwsChunked { length, .. } => *length,
        }
    }
}

/// Adds `aws-chunked` to the object's own codings, in the order that S3 documents.
///
/// For AWS, which keeps only the others. Many other servers would store it, and hand it out with the object
/// (versitygw#2398, rustfs#1857, noobaa-core#9138, SeaweedFS): clients then fail to decode what is not encoded.
pub fn add_aws_chunked(headers: &mut HeaderMap) {
    let mut codings = b"aws-chunked".to_vec();
    for value in headers.get_all(CONTENT_ENCODING) {
        codings.push(b',');
        codings.extend_from_slice(value.as_bytes());
    }
    if let Ok(codings) = HeaderValue::from_bytes(&codings) {
        headers.insert(CONTENT_ENCODING, codings);
    }
}

fn number(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?.trim();
    let is_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

fn checksum_names(value: &HeaderValue) -> Option<Vec<HeaderName>> {
    let names = value
        .to_str()
        .ok()?
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .map(|name| name.filter(|name| name.as_str().starts_with("x-amz-checksum-")))
        .collect()
}

/// Takes `aws-chunked` out of `BodyContent-Encoding`, which keeps the codings of the object itself.
fn remove_aws_chunked(headers: &mut HeaderMap) -> bool {
    let codings: Vec<String> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_owned())
        .collect();
    if !codings.iter().any(|coding| coding.eq_ignore_ascii_case("aws-chunked")) {
        return false;
    }
    let others: Vec<String> = codings
        .into_iter()
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    headers.remove(CONTENT_ENCODING);
    if let Some(value) = HeaderValue::from_str(&others.join(","))
        .ok()
        .filter(|value| !value.is_empty())
    {
        headers.insert(CONTENT_ENCODING, value);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::error::BodyErrorKind;
    use super::*;

    fn framing(headers: &[(&'static str, &str)]) -> (Result<PayloadFraming, BodyErrorKind>, HeaderMap) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let framing = PayloadFraming::take_from(&mut map).map_err(|error| error.kind());
        (framing, map)
    }

    #[test]
    fn a_plain_body_has_its_own_length() {
        let (got, _) = framing(&[("content-length", "12"), ("content-encoding", "gzip")]);
        assert_eq!(got, Ok(PayloadFraming::Plain { length: Some(12) }));
        assert_eq!(framing(&[]).0, Ok(PayloadFraming::Plain { length: None }));
    }

    #[test]
    fn an_encoded_body_leaves_no_trace_of_its_encoding() {
        let (got, headers) = framing(&[
            ("content-encoding", "gzip, aws-chunked"),
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
        ]);
        let want = PayloadFraming::AwsChunked {
            length: Some(5),
            trailers: vec![HeaderName::from_static("x-amz-checksum-crc32")],
        };
        assert_eq!(got, Ok(want));
        assert_eq!(headers["content-encoding"], "gzip");
        assert_eq!(headers["x-amz-sdk-checksum-algorithm"], "CRC32");
        assert!(!headers.contains_key("x-amz-trailer") && !headers.contains_key("x-amz-decoded-content-length"));
    }

    #[test]
    fn aws_chunked_comes_before_the_objects_own_codings() {
        for (own, want) in [(vec![], "aws-chunked"), (vec!["gzip", "br"], "aws-chunked,gzip,br")] {
            let mut headers = HeaderMap::new();
            for coding in own {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
            add_aws_chunked(&mut headers);
            let codings: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().collect();
            assert_eq!(codings, [want]);
        }
    }

    #[test]
    fn either_mark_is_enough() {
        for headers in [
            [("content-encoding", "AWS-Chunked")],
            [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")],
        ] {
            let (got, left) = framing(&headers);
            assert!(
                matches!(got, Ok(PayloadFraming::AwsChunked { length: None, .. })),
                "{headers:?}"
            );
            assert!(!left.contains_key("content-encoding"));
        }
    }

    #[test]
    fn an_event_stream_is_not_aws_chunked() {
        let (got, _) = framing(&[("x-amz-content-sha256", EVENTS)]);
        assert_eq!(got, Ok(PayloadFraming::Plain { length: None }));
    }

    #[test]
    fn announcements_that_cannot_be_true_are_rejected() {
        let (length, trailer) = (AwsChunkedHeadError::DecodedLength, AwsChunkedHeadError::Trailer);
        for (name, value, want) in [
            ("x-amz-decoded-content-length", "+5", length),
            ("x-amz-decoded-content-length", "18446744073709551616", length),
            ("x-amz-trailer", "x-amz-meta-a", trailer),
            ("x-amz-trailer", "bad name", trailer),
        ] {
            let (got, _) = framing(&[("content-encoding", "aws-chunked"), (name, value)]);
            assert_eq!(got, Err(BodyErrorKind::AwsChunkedHead(want)), "{name}: {value}");
        }
    }
}
