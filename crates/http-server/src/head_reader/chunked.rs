//! Chunked bodies (RFC 9112, section 7.1), followed byte by byte and more strictly than hyper does.
//!
//! What is taken: sizes of up to 16 digits, blanks behind a size (some old programs pad it), extensions, and trailer
//! fields. What is not: a line feed or a carriage return alone, control characters, a size that a reader with signed
//! numbers would take for a negative one, and trailer fields that say something about framing or routing.

/// Digits of a size, leading zeros included.
const MOST_DIGITS: u8 = 16;
/// A size beyond this is negative to some readers.
const LARGEST_SIZE: u64 = i64::MAX.unsigned_abs();
/// Bytes of all extensions of one body. hyper's own limit.
const MOST_EXTENSION_BYTES: u32 = 16 * 1024;
/// Bytes of a trailer section, and its fields: below what hyper takes.
const MOST_TRAILER_BYTES: u32 = 8 * 1024 - 256;
const MOST_TRAILER_FIELDS: u32 = 64;

/// Trailer fields that would change what the request is (RFC 9110, section 6.5.1).
const FORBIDDEN_TRAILERS: [&[u8]; 10] = [
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"expect",
    b"host",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];
const LONGEST_FORBIDDEN: usize = b"transfer-encoding".len();

/// Where in a chunked body the next byte is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    position: ChunkPosition,
    /// The size that is being read; then the bytes of the chunk that are still to come.
    size: u64,
    digits: u8,
    extension_bytes: u32,
    trailer_bytes: u32,
    trailer_fields: u32,
    name: [u8; LONGEST_FORBIDDEN],
    name_length: usize,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum ChunkPosition {
    #[default]
    Size,
    /// Blanks behind a size.
    Padding,
    Extension,
    /// The line feed behind a size or an extension.
    SizeEnd,
    Data,
    /// The carriage return behind a chunk's data, then the line feed.
    DataEnd,
    DataLineFeed,
    /// The beginning of a trailer line, or of the empty one.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    /// The line feed of the empty line.
    LastLineFeed,
    Over,
}

impl Chunked {
    pub(super) fn is_over(&self) -> bool {
        self.position == ChunkPosition::Over
    }

    /// Follows the next bytes; how many of them belong to the body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, &'static str> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.position {
                ChunkPosition::Over => break,
                ChunkPosition::Data => {
                    // Its bytes say nothing; no need to look at each.
                    let here = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len() - at);
                    self.size = self.size.saturating_sub(here as u64);
                    if self.size == 0 {
                        self.position = ChunkPosition::DataEnd;
                    }
                    at += here;
                }
                _ => {
                    self.position = self.step(byte)?;
                    at += 1;
                }
            }
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<ChunkPosition, &'static str> {
        match (self.position, byte) {
            (ChunkPosition::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(byte),
            (ChunkPosition::Size, _) if self.digits == 0 => Err("a chunk begins without a size"),
            (ChunkPosition::Size | ChunkPosition::Padding, b' ' | b'\t') => Ok(ChunkPosition::Padding),
            (ChunkPosition::Size | ChunkPosition::Padding, b';') => Ok(ChunkPosition::Extension),
            (ChunkPosition::Size | ChunkPosition::Padding | ChunkPosition::Extension, b'\r') => {
                Ok(ChunkPosition::SizeEnd)
            }
            (ChunkPosition::Extension, _) if is_text(byte) => {
                self.extension_bytes += 1;
                if self.extension_bytes > MOST_EXTENSION_BYTES {
                    return Err("the chunk extensions are too long");
                }
                Ok(ChunkPosition::Extension)
            }
            (ChunkPosition::Size | ChunkPosition::Padding | ChunkPosition::Extension, _) => {
                Err("a chunk's size line is malformed")
            }
            (ChunkPosition::SizeEnd, b'\n') => {
                self.digits = 0;
                Ok(if self.size == 0 {
                    ChunkPosition::TrailerStart
                } else {
                    ChunkPosition::Data
                })
            }
            (ChunkPosition::DataEnd, b'\r') => Ok(ChunkPosition::DataLineFeed),
            (ChunkPosition::DataLineFeed, b'\n') => Ok(ChunkPosition::Size),
            (ChunkPosition::DataEnd | ChunkPosition::DataLineFeed, _) => Err("a chunk is longer than its size says"),
            (ChunkPosition::TrailerLineFeed, b'\n') => Ok(ChunkPosition::TrailerStart),
            (ChunkPosition::TrailerStart, b'\r') => Ok(ChunkPosition::LastLineFeed),
            (ChunkPosition::LastLineFeed, b'\n') => Ok(ChunkPosition::Over),
            (ChunkPosition::SizeEnd | ChunkPosition::TrailerLineFeed | ChunkPosition::LastLineFeed, _) => {
                Err("a carriage return stands alone in the chunked body")
            }
            (ChunkPosition::TrailerStart | ChunkPosition::TrailerName | ChunkPosition::TrailerValue, _) => {
                self.trailer(byte)
            }
            // `advance` handles both.
            (ChunkPosition::Data | ChunkPosition::Over, _) => Ok(self.position),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<ChunkPosition, &'static str> {
        let value = char::from(byte).to_digit(16).unwrap_or_default();
        if self.digits == 0 {
            self.size = 0;
        }
        self.digits += 1;
        // Checked before it is used, so that it never overflows.
        self.size = self.size.wrapping_shl(4) | u64::from(value);
        if self.digits > MOST_DIGITS || self.size > LARGEST_SIZE {
            return Err("a chunk's size is too large");
        }
        Ok(ChunkPosition::Size)
    }

    fn trailer(&mut self, byte: u8) -> Result<ChunkPosition, &'static str> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > MOST_TRAILER_BYTES {
            return Err("the trailer section is too long");
        }
        match (self.position, byte) {
            (ChunkPosition::TrailerStart, _) if is_token(byte) => {
                self.trailer_fields += 1;
                if self.trailer_fields > MOST_TRAILER_FIELDS {
                    return Err("the trailer section has too many fields");
                }
                self.name_length = 0;
                self.name_byte(byte);
                Ok(ChunkPosition::TrailerName)
            }
            (ChunkPosition::TrailerName, b':') => {
                let name = self.name.get(..self.name_length).unwrap_or_default();
                if FORBIDDEN_TRAILERS.contains(&name) {
                    return Err("the trailer section names a field that belongs to the head");
                }
                Ok(ChunkPosition::TrailerValue)
            }
            (ChunkPosition::TrailerName, _) if is_token(byte) => {
                self.name_byte(byte);
                Ok(ChunkPosition::TrailerName)
            }
            (ChunkPosition::TrailerValue, b'\r') => Ok(ChunkPosition::TrailerLineFeed),
            (ChunkPosition::TrailerValue, _) if is_text(byte) => Ok(ChunkPosition::TrailerValue),
            _ => Err("a trailer field is malformed"),
        }
    }

    /// A longer name than any forbidden one keeps a length that none of them has.
    fn name_byte(&mut self, byte: u8) {
        if let Some(slot) = self.name.get_mut(self.name_length) {
            *slot = byte.to_ascii_lowercase();
        }
        self.name_length = self.name_length.saturating_add(1);
    }
}

/// What may stand in an extension or a field's value.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// What a field's name is made of (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes the body has, whatever pieces it comes in; the same for each cut into two.
    #[track_caller]
    fn check(bytes: &[u8], want: Result<usize, &'static str>) {
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let mut chunked = Chunked::default();
            let got = chunked.advance(first).and_then(|used| {
                assert!(used == first.len() || chunked.is_over());
                Ok(used
                    + if used == first.len() {
                        chunked.advance(second)?
                    } else {
                        0
                    })
            });
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(got, want, "{text:?} cut at {cut}");
            assert_eq!(chunked.is_over(), want.is_ok_and(|used| used > 0), "{text:?}");
        }
    }

    #[test]
    fn the_end_is_found_and_nothing_behind_it_is_taken() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "00005 \t\r\nhello\r\nA;a=b;c=\"d e\"\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
            "3\r\n\r\n0\r\n0\r\nx-checksum: a\r\nX-Content-Length:\r\n\r\n",
        ] {
            check(format!("{body}GET / HTTP/1.1\r\n\r\n").as_bytes(), Ok(body.len()));
        }
    }

    #[test]
    fn what_readers_take_differently_is_malformed() {
        for (body, why) in [
            ("\r\n", "a chunk begins without a size"),
            (" 5\r\n", "a chunk begins without a size"),
            (";a\r\n", "a chunk begins without a size"),
            ("+5\r\n", "a chunk begins without a size"),
            ("xyz\r\n", "a chunk begins without a size"),
            ("0x5\r\n", "a chunk's size line is malformed"),
            ("5 5\r\n", "a chunk's size line is malformed"),
            ("5\n", "a chunk's size line is malformed"),
            ("5;a\nb\r\n", "a chunk's size line is malformed"),
            ("5;a\0\r\n", "a chunk's size line is malformed"),
            ("5\r5", "a carriage return stands alone in the chunked body"),
            ("5;a\rb", "a carriage return stands alone in the chunked body"),
            ("8000000000000000\r\n", "a chunk's size is too large"),
            ("00000000000000005\r\n", "a chunk's size is too large"),
            ("10000000000000005\r\n", "a chunk's size is too large"),
            ("2\r\nabc", "a chunk is longer than its size says"),
            ("2\r\nab\n", "a chunk is longer than its size says"),
            ("2\r\nab\rx", "a chunk is longer than its size says"),
            ("0\r\n\n", "a trailer field is malformed"),
            ("0\r\n a: b\r\n", "a trailer field is malformed"),
            ("0\r\na : b\r\n", "a trailer field is malformed"),
            ("0\r\na\r\n", "a trailer field is malformed"),
            ("0\r\na: b\n", "a trailer field is malformed"),
            ("0\r\na: b\0", "a trailer field is malformed"),
            ("0\r\n\rx", "a carriage return stands alone in the chunked body"),
            ("0\r\na: b\rx", "a carriage return stands alone in the chunked body"),
        ] {
            check(body.as_bytes(), Err(why));
        }
    }

    #[test]
    fn trailers_that_belong_to_the_head_are_malformed() {
        let why = "the trailer section names a field that belongs to the head";
        for name in [
            "Content-Length",
            "TRANSFER-ENCODING",
            "host",
            "te",
            "Connection",
            "content-type",
        ] {
            check(format!("0\r\na: b\r\n{name}: 3\r\n\r\n").as_bytes(), Err(why));
        }
        check(b"0\r\ntransfer-encoding-x: 3\r\n\r\n", Ok(29));
    }

    #[test]
    fn everything_is_bounded() {
        for (body, why) in [
            (format!("5;{}", "a".repeat(17_000)), "the chunk extensions are too long"),
            ("1;aaaaaaa\r\nx\r\n".repeat(3000), "the chunk extensions are too long"),
            (
                format!("0\r\na: {}", "b".repeat(9000)),
                "the trailer section is too long",
            ),
            (
                format!("0\r\n{}", "a: b\r\n".repeat(70)),
                "the trailer section has too many fields",
            ),
        ] {
            assert_eq!(Chunked::default().advance(body.as_bytes()), Err(why));
        }
    }
}
