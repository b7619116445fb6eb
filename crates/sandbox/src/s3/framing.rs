//! Whether an `aws-chunked` body is whole: s3s takes one that ends after any chunk.

use http::{HeaderMap, StatusCode};

use crate::event::Reason;
use crate::service_error::ServiceError;

/// A chunk's first line: size, extension, signature.
const MAX_LINE: usize = 1024;
const MAX_TRAILER: usize = 16 * 1024;
/// s3s holds a whole chunk in memory; clients send 64 KiB to 1 MiB.
const MAX_CHUNK: u64 = 16 * 1024 * 1024;

/// Follows the framing without keeping data. Signatures are s3s' matter.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    /// The line or the trailer, as far as it has come.
    text: Vec<u8>,
    decoded: u64,
    declared: Option<u64>,
    is_signed: bool,
    /// Names that must be in the trailer, in lower case.
    trailers: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Line,
    Data {
        remaining: u64,
    },
    /// The line break after a chunk's data.
    Break {
        remaining: usize,
    },
    Trailer,
    Broken,
}

impl Framing {
    pub(super) fn new(declared: &str, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let is_signed = declared.starts_with("STREAMING-AWS4");
        let mut trailers = Vec::new();
        if declared.ends_with("-TRAILER") {
            let announced = text("x-amz-trailer").unwrap_or_default();
            trailers.extend(announced.split(',').map(|name| name.trim().to_ascii_lowercase()));
            if is_signed {
                trailers.push("x-amz-trailer-signature".to_owned());
            }
        }
        Self {
            state: State::Line,
            text: Vec::new(),
            decoded: 0,
            declared: text("x-amz-decoded-content-length").and_then(|length| length.parse().ok()),
            is_signed,
            trailers,
        }
    }

    /// Whether nothing that may follow can make this body whole.
    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    pub(super) fn feed(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let used = match self.state {
                State::Line => self.line(data),
                State::Data { remaining } => {
                    let used = data.len().min(usize::try_from(remaining).unwrap_or(usize::MAX));
                    let remaining = remaining - used as u64;
                    self.state = if remaining == 0 {
                        State::Break { remaining: 2 }
                    } else {
                        State::Data { remaining }
                    };
                    used
                }
                State::Break { remaining } => {
                    let expected = if remaining == 2 { b'\r' } else { b'\n' };
                    self.state = match (data.first() == Some(&expected), remaining) {
                        (false, _) => State::Broken,
                        (true, 2) => State::Break { remaining: 1 },
                        (true, _) => State::Line,
                    };
                    1
                }
                State::Trailer => {
                    self.text.extend_from_slice(data);
                    if self.text.len() > MAX_TRAILER {
                        self.state = State::Broken;
                    }
                    data.len()
                }
                State::Broken => return,
            };
            data = data.get(used..).unwrap_or_default();
        }
    }

    /// Reads of a chunk's first line; returns how many bytes that took.
    fn line(&mut self, data: &[u8]) -> usize {
        let end = data.iter().position(|b| *b == b'\n');
        let used = end.map_or(data.len(), |end| end + 1);
        self.text.extend_from_slice(data.get(..used).unwrap_or_default());
        if self.text.len() > MAX_LINE {
            self.state = State::Broken;
        } else if end.is_some() {
            self.state = match chunk_size(&self.text, self.is_signed) {
                None => State::Broken,
                Some(0) => State::Trailer,
                Some(size) if size > MAX_CHUNK => State::Broken,
                Some(size) => {
                    self.decoded = self.decoded.saturating_add(size);
                    State::Data { remaining: size }
                }
            };
            self.text.clear();
        }
        used
    }

    /// # Errors
    /// `IncompleteBody` unless the last chunk, the announced trailers and the declared length were all there.
    pub(super) fn finish(self) -> Result<(), ServiceError> {
        let incomplete = |message: &str| {
            Err(ServiceError::of_operation(
                "IncompleteBody",
                StatusCode::BAD_REQUEST,
                message,
            ))
        };
        let Some(declared) = self.declared else {
            return Err(ServiceError::new(
                Reason::BadRequest,
                "Missing required header for this request: x-amz-decoded-content-length",
            ));
        };
        if self.state == State::Broken {
            return incomplete("The body is not in the aws-chunked form, or a chunk is larger than 16 MiB");
        }
        if self.state != State::Trailer {
            return incomplete("The chunked body does not end with a chunk of no data");
        }
        if self.decoded != declared {
            return incomplete("The decoded body is not as long as x-amz-decoded-content-length says");
        }
        let trailer = String::from_utf8_lossy(&self.text).to_ascii_lowercase();
        let has = |name: &String| {
            trailer
                .lines()
                .any(|line| line.split_once(':').is_some_and(|(n, _)| n.trim() == name))
        };
        if self.trailers.iter().all(has) {
            Ok(())
        } else {
            incomplete("A trailer that was announced is missing")
        }
    }
}

/// `1f[;chunk-signature=…]` and a line break.
fn chunk_size(line: &[u8], is_signed: bool) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("\r\n")?;
    let (size, extension) = line.split_once(';').unwrap_or((line, ""));
    if is_signed && !extension.starts_with("chunk-signature=") {
        return None;
    }
    let is_hex = !size.is_empty() && size.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(size, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the body whole and byte by byte; both must say the same.
    fn is_whole(mode: &str, headers: &[(&'static str, &'static str)], body: &str) -> bool {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect();
        let mut whole = Framing::new(mode, &headers);
        whole.feed(body.as_bytes());
        let mut bytewise = Framing::new(mode, &headers);
        body.as_bytes().iter().for_each(|b| bytewise.feed(&[*b]));
        let (whole, bytewise) = (whole.finish(), bytewise.finish());
        assert_eq!(whole, bytewise);
        whole.is_ok()
    }

    #[test]
    fn only_a_whole_signed_body_passes() {
        let mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
        let length = [("x-amz-decoded-content-length", "5")];
        let good = "3;chunk-signature=aa\r\nabc\r\n2;chunk-signature=bb\r\nde\r\n0;chunk-signature=cc\r\n\r\n";
        assert!(is_whole(mode, &length, good));
        assert!(!is_whole(mode, &[], good));
        assert!(!is_whole(mode, &[("x-amz-decoded-content-length", "6")], good));
        for end in [0, 1, 21, 26, 50, 54] {
            assert!(!is_whole(mode, &length, &good[..end]), "{end}");
        }
        assert!(!is_whole(mode, &length, "5\r\nabcde\r\n0\r\n\r\n"));
        assert!(!is_whole(mode, &length, &"f".repeat(2000)));
        assert!(!is_whole(mode, &length, &good.replace("abc\r\n", "abcd\n")));
    }

    #[test]
    fn announced_trailers_must_come() {
        let mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
        let headers = [
            ("x-amz-decoded-content-length", "1"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        assert!(is_whole(
            mode,
            &headers,
            "1\r\na\r\n0\r\nx-amz-checksum-crc32:6Le+Qw==\r\n\r\n"
        ));
        assert!(!is_whole(mode, &headers, "1\r\na\r\n0\r\n\r\n"));
        let signed = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
        let body = "1;chunk-signature=a\r\na\r\n0;chunk-signature=b\r\nx-amz-checksum-crc32:6Le+Qw==\r\n";
        assert!(!is_whole(signed, &headers, &format!("{body}\r\n")));
        assert!(is_whole(
            signed,
            &headers,
            &format!("{body}x-amz-trailer-signature:c\r\n\r\n")
        ));
    }
}
