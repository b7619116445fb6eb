//! Percent-encoding as Signature Version 4 defines it: everything but the unreserved characters, in upper case.

/// A set of bytes. Asking costs one load, where a chain of comparisons for every byte would be what signing is slow by.
pub(crate) struct ByteSet([bool; 256]);

impl ByteSet {
    pub(crate) const fn of(members: &[u8]) -> Self {
        let mut has = [false; 256];
        let mut places: &mut [bool] = &mut has;
        let mut byte = 0_u8;
        while let Some((place, others)) = places.split_first_mut() {
            let mut rest = members;
            while let Some((member, others)) = rest.split_first() {
                if *member == byte {
                    *place = true;
                }
                rest = others;
            }
            byte = byte.wrapping_add(1);
            places = others;
        }
        Self(has)
    }

    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

static UNRESERVED: ByteSet = ByteSet::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");

static PATH_BYTES: ByteSet =
    ByteSet::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/");

/// Whether the byte stands for itself in every encoded text: RFC 3986 "unreserved".
pub(crate) fn is_unreserved(byte: u8) -> bool {
    UNRESERVED.contains(byte)
}

/// Whether the byte may stand bare in a path on the wire: RFC 3986 "pchar" and the slash.
pub(crate) fn is_path_byte(byte: u8) -> bool {
    PATH_BYTES.contains(byte)
}

/// Appends `%XX`.
pub(crate) fn push_escape(out: &mut String, byte: u8) {
    out.push('%');
    out.push(upper_digit(byte >> 4));
    out.push(upper_digit(byte & 0x0F));
}

/// Appends the byte, escaped unless it is unreserved.
pub(crate) fn push_strictly(out: &mut String, byte: u8) {
    if is_unreserved(byte) {
        out.push(char::from(byte));
    } else {
        push_escape(out, byte);
    }
}

/// Whether [`push_strictly`] would write the text as it is: `bare` are the other bytes that may stand in it, `escaped`
/// says which of those that need an escape may have one.
pub(crate) fn is_strict(text: &[u8], bare: impl Fn(u8) -> bool, escaped: impl Fn(u8) -> bool) -> bool {
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return true,
            // First, for it is nearly every byte.
            [byte, rest @ ..] if is_unreserved(*byte) || bare(*byte) => rest,
            [b'%', high, low, rest @ ..] => match (upper_value(*high), upper_value(*low)) {
                (Some(high), Some(low)) if !is_unreserved(high << 4 | low) && escaped(high << 4 | low) => rest,
                _ => return false,
            },
            _ => return false,
        };
    }
}

/// Appends the text, each byte escaped unless it is unreserved.
pub(crate) fn push_text_strictly(out: &mut String, text: &str) {
    let mut octets = Octets::new(text.as_bytes(), 0);
    loop {
        out.push_str(octets.unreserved_run());
        let Some(byte) = octets.next_byte() else {
            return;
        };
        push_escape(out, byte);
    }
}

/// One byte of an encoded text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Octet {
    /// As it stands.
    Plain(u8),
    /// Written as `%XX`.
    Escaped(u8),
}

/// A `%` that two hexadecimal digits do not follow, at this offset into the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct InvalidEscape {
    pub(crate) offset: usize,
}

/// Reads an encoded text byte by byte; yields each with its offset.
#[derive(Clone, Debug)]
pub(crate) struct Octets<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Octets<'a> {
    /// `offset` is where the text starts in what the caller counts in.
    pub(crate) fn new(text: &'a [u8], offset: usize) -> Self {
        Self { rest: text, offset }
    }

    /// Takes the unreserved bytes up to the next other one: most of any text, and copied in one go.
    pub(crate) fn unreserved_run(&mut self) -> &'a str {
        let length = self.rest.iter().take_while(|byte| is_unreserved(**byte)).count();
        let (run, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        self.rest = rest;
        self.offset += length;
        std::str::from_utf8(run).unwrap_or_default()
    }

    /// Takes a byte as it is, a percent sign too.
    pub(crate) fn next_byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.offset += 1;
        Some(*byte)
    }
}

impl Iterator for Octets<'_> {
    type Item = Result<(usize, Octet), InvalidEscape>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        let (octet, rest) = match self.rest {
            [] => return None,
            [b'%', high, low, rest @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (Octet::Escaped(high << 4 | low), rest),
                _ => return Some(Err(InvalidEscape { offset })),
            },
            [b'%', ..] => return Some(Err(InvalidEscape { offset })),
            [byte, rest @ ..] => (Octet::Plain(*byte), rest),
        };
        self.offset += self.rest.len() - rest.len();
        self.rest = rest;
        Some(Ok((offset, octet)))
    }
}

fn upper_digit(nibble: u8) -> char {
    char::from(if nibble < 10 { b'0' + nibble } else { b'A' - 10 + nibble })
}

const fn upper_value(digit_byte: u8) -> Option<u8> {
    if digit_byte.is_ascii_lowercase() {
        return None;
    }
    digit(digit_byte)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
