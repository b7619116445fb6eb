//! Taking a client's aws-chunked body apart.
//!
//! SDKs send `HEX[;chunk-signature=…]CRLF data CRLF … 0[;…]CRLF [trailers] CRLF`, even unsigned ones: it is
//! how they append a checksum. The decoded body is signed again, so the chunks' signatures go. A checksum in the
//! trailer is verified, where its algorithm is one that can be, and stored.
//!
//! Source: Amazon S3, "Signature calculations for the Authorization header: transferring a payload in multiple
//! chunks", and the same page "including trailing headers".

use bytes::{Buf, Bytes};
use http::{HeaderName, HeaderValue};

use super::checksum::{Checksum, ChecksumAlgorithm};
use super::error::AwsChunkedError;

/// The longest line: a size with a signature has about 90 bytes, a trailer's signature about 100.
const MAX_LINE: usize = 512;

/// More trailers than S3 has checksum algorithms mean nothing.
const MAX_TRAILERS: usize = 16;

/// Framing, besides as many bytes as the data so far. S3 wants chunks of at least 8 KiB, which need a hundredth of it.
const MAX_FRAMING: u64 = 64 * 1024;

/// Where in the body the next byte is.
#[derive(Debug)]
enum DecoderState {
    /// In the line with a chunk's size.
    Size,
    /// In a chunk's data, with so many bytes to come.
    Data(u64),
    /// In the line end after a chunk's data.
    DataEnd,
    /// In the lines after the last chunk.
    Trailers,
    /// After everything.
    Done,
}

/// An incremental decoder: takes the body in any pieces, holds at most one line.
#[derive(Debug)]
pub(super) struct AwsChunkedDecoder {
    state: DecoderState,
    line: Vec<u8>,
    decoded: u64,
    /// Bytes that are not data.
    framing: u64,
    expected: Option<u64>,
    announced: Vec<(HeaderName, Option<Checksum>)>,
    trailers: Vec<(HeaderName, HeaderValue)>,
}

impl AwsChunkedDecoder {
    /// A decoder for a body that should have `expected` bytes and the `announced` trailers.
    pub(super) fn new(expected: Option<u64>, announced: Vec<HeaderName>) -> Self {
        Self {
            state: DecoderState::Size,
            line: Vec::new(),
            decoded: 0,
            framing: 0,
            expected,
            announced: announced.into_iter().map(with_checksum).collect(),
            trailers: Vec::new(),
        }
    }

    /// Takes bytes off the input's front; gives the next piece of data, `None` once the input is empty.
    pub(super) fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, AwsChunkedError> {
        while !input.is_empty() {
            match self.state {
                DecoderState::Data(left) => return Ok(Some(self.take_data(input, left)?)),
                DecoderState::Size => {
                    if self.take_line(input)? {
                        self.state = match parse_size(&self.line)? {
                            0 => DecoderState::Trailers,
                            size => DecoderState::Data(size),
                        };
                        self.line.clear();
                    }
                }
                DecoderState::DataEnd => {
                    // Decided by the first byte, so that the result does not depend on where the input was cut.
                    if self.line.is_empty() && !input.starts_with(b"\r") {
                        return Err(AwsChunkedError::ChunkEnd);
                    }
                    if self.take_line(input)? {
                        self.state = DecoderState::Size;
                    }
                }
                DecoderState::Trailers => {
                    if self.take_line(input)? {
                        self.end_trailer_line()?;
                    }
                }
                DecoderState::Done => return Err(AwsChunkedError::Surplus),
            }
        }
        Ok(None)
    }

    /// Ends the body: the trailers, where it is complete and they are right.
    pub(super) fn finish(self) -> Result<Vec<(HeaderName, HeaderValue)>, AwsChunkedError> {
        if !matches!(self.state, DecoderState::Done) {
            return Err(AwsChunkedError::Truncated);
        }
        if self.expected.is_some_and(|expected| expected != self.decoded) {
            return Err(AwsChunkedError::Length);
        }
        for (name, checksum) in self.announced {
            let (_, value) = self
                .trailers
                .iter()
                .find(|(present, _)| *present == name)
                .ok_or(AwsChunkedError::MissingTrailer)?;
            if checksum.is_some_and(|checksum| checksum.finish().as_bytes() != value.as_bytes()) {
                return Err(AwsChunkedError::Checksum);
            }
        }
        Ok(self.trailers)
    }

    fn take_data(&mut self, input: &mut Bytes, left: u64) -> Result<Bytes, AwsChunkedError> {
        let available = u64::try_from(input.len()).unwrap_or(u64::MAX);
        let taken = available.min(left);
        // At most the input's length, so it fits.
        let data = input.split_to(usize::try_from(taken).unwrap_or(input.len()));
        self.decoded = self.decoded.checked_add(taken).ok_or(AwsChunkedError::Length)?;
        if self.expected.is_some_and(|expected| self.decoded > expected) {
            return Err(AwsChunkedError::Length);
        }
        for (_, checksum) in &mut self.announced {
            if let Some(checksum) = checksum {
                checksum.update(&data);
            }
        }
        self.state = match left - taken {
            0 => DecoderState::DataEnd,
            left => DecoderState::Data(left),
        };
        Ok(data)
    }

    /// Moves input into `line`; true once the line is whole, then without its CR LF.
    fn take_line(&mut self, input: &mut Bytes) -> Result<bool, AwsChunkedError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(input.len(), |end| end + 1);
        if self.line.len() + taken > MAX_LINE {
            return Err(AwsChunkedError::Line);
        }
        self.framing = self.framing.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        if self.framing > self.decoded.saturating_add(MAX_FRAMING) {
            return Err(AwsChunkedError::Framing);
        }
        self.line.extend(input.iter().take(taken));
        input.advance(taken);
        if end.is_none() {
            return Ok(false);
        }
        let without_end = self.line.strip_suffix(b"\r\n").ok_or(AwsChunkedError::Line)?.len();
        self.line.truncate(without_end);
        if self.line.contains(&b'\r') {
            return Err(AwsChunkedError::Line);
        }
        Ok(true)
    }

    fn end_trailer_line(&mut self) -> Result<(), AwsChunkedError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.state = DecoderState::Done;
            return Ok(());
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .ok_or(AwsChunkedError::Trailer)?;
        let (name, value) = line.split_at(colon);
        let name = HeaderName::from_bytes(name.trim_ascii()).map_err(|_| AwsChunkedError::Trailer)?;
        if name == "x-amz-trailer-signature" {
            return Ok(());
        }
        let is_new = self.trailers.iter().all(|(known, _)| *known != name);
        if !is_new || self.announced.iter().all(|(known, _)| *known != name) || self.trailers.len() >= MAX_TRAILERS {
            return Err(AwsChunkedError::Trailer);
        }
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        let is_plain = !value.is_empty() && value.iter().all(u8::is_ascii_graphic);
        let value = HeaderValue::from_bytes(value).ok().filter(|_| is_plain);
        self.trailers.push((name, value.ok_or(AwsChunkedError::Trailer)?));
        Ok(())
    }
}

fn with_checksum(name: HeaderName) -> (HeaderName, Option<Checksum>) {
    let checksum = ChecksumAlgorithm::of_header(&name).map(Checksum::new);
    (name, checksum)
}

/// Reads `HEX` or `HEX;extensions`; at most 15 digits, so that sums cannot overflow.
fn parse_size(line: &[u8]) -> Result<u64, AwsChunkedError> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let text = std::str::from_utf8(digits).map_err(|_| AwsChunkedError::Size)?;
    let is_hex = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(text, 16)
        .ok()
        .filter(|_| is_hex)
        .ok_or(AwsChunkedError::Size)
}

#[cfg(test)]
mod tests;
