//! What the fuzz targets share: a request as plain text, so that seeds can be read and written by hand.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

/// `METHOD TARGET [VERSION [WORD]]`, lines of `name: value`, an empty line, a body. Lines end in LF or CR LF.
#[derive(Debug)]
pub struct Text<'a> {
    /// Any bytes without a space.
    pub method: &'a [u8],
    /// The request target as it would stand on the wire.
    pub target: &'a [u8],
    /// `HTTP/1.0`, `HTTP/2`; else HTTP/1.1.
    pub version: Version,
    /// What the target makes of it.
    pub word: &'a str,
    /// The lines that can be headers.
    pub headers: HeaderMap,
    /// What follows the empty line.
    pub body: &'a [u8],
}

impl<'a> Text<'a> {
    /// Reads any bytes.
    pub fn read(input: &'a [u8]) -> Self {
        let (first, mut rest) = line(input);
        let mut words = first.split(|byte| *byte == b' ');
        let mut word = || words.next().unwrap_or_default();
        let (method, target, version) = (word(), word(), word());
        let word = std::str::from_utf8(word()).unwrap_or_default();
        let mut headers = HeaderMap::new();
        loop {
            let (header, after) = line(rest);
            rest = after;
            if header.is_empty() {
                break;
            }
            let colon = header.iter().position(|byte| *byte == b':').unwrap_or(header.len());
            let (name, value) = header.split_at(colon);
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        Self {
            method,
            target,
            version: match version {
                b"HTTP/1.0" => Version::HTTP_10,
                b"HTTP/2" => Version::HTTP_2,
                _ => Version::HTTP_11,
            },
            word,
            headers,
            body: rest,
        }
    }

    /// The head, where hyper would have made one of it.
    pub fn head(&self) -> Option<Parts> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = Method::from_bytes(self.method).ok()?;
        head.uri = Uri::try_from(self.target).ok()?;
        head.version = self.version;
        head.headers = self.headers.clone();
        Some(head)
    }
}

/// The first line without its end, and what follows it.
fn line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}
