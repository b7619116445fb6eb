//! Errors of Smithy RPC v2 CBOR: a map with a text `__type`.
//!
//! Sources: Smithy, "Smithy RPC v2 CBOR protocol", operation error serialization; RFC 8949, section 3.

use crate::body::Body;

const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
/// The end of an item of indefinite length.
const BREAK: u8 = 0xff;

/// Items within items; errors have none.
const MAX_DEPTH: u8 = 16;

/// What a map, or its beginning, has. What is not well-formed ends it.
pub(crate) fn read(body: &[u8]) -> Body {
    let mut found = Body::default();
    // A beginning ends early; what was read before counts.
    let _ = read_map(Items(body), &mut found);
    found.is_aws_form = found.code.is_some();
    found
}

fn read_map(mut items: Items<'_>, found: &mut Body) -> Option<()> {
    let (MAP, entries) = items.head()? else { return None };
    // Each entry takes at least two bytes of the body: no count of entries makes this loop longer than the body.
    for _ in 0..entries.unwrap_or(u64::MAX) {
        if entries.is_none() && items.at_break() {
            break;
        }
        let key = items.text()?;
        let field = match key.as_slice() {
            b"__type" => &mut found.code,
            b"message" | b"Message" | b"errorMessage" => &mut found.message,
            _ => {
                items.skip(0)?;
                continue;
            }
        };
        if items.is_text() {
            *field = Some(String::from_utf8_lossy(&items.text()?).into_owned());
        } else {
            items.skip(0)?;
        }
    }
    Some(())
}

/// The bytes of the items that come next.
#[derive(Clone, Copy)]
struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    /// The major type of the next item and its argument; no argument is an indefinite length.
    fn head(&mut self) -> Option<(u8, Option<u64>)> {
        let first = *self.take(1)?.first()?;
        let (kind, low) = (first >> 5, first & 0x1f);
        let argument = match low {
            0..=23 => Some(u64::from(low)),
            24..=27 => {
                let bytes = self.take(1 << (low - 24))?;
                Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
            }
            31 => None,
            _ => return None,
        };
        Some((kind, argument))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn is_text(self) -> bool {
        self.0.first().is_some_and(|first| first >> 5 == TEXT)
    }

    /// Whether the item of indefinite length ends here; then its end is taken.
    fn at_break(&mut self) -> bool {
        let is_break = self.0.first() == Some(&BREAK);
        if is_break {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        is_break
    }

    /// A whole text, of one piece or several.
    fn text(&mut self) -> Option<Vec<u8>> {
        let (TEXT, length) = self.head()? else { return None };
        if let Some(length) = length {
            return self.take(usize::try_from(length).ok()?).map(<[u8]>::to_vec);
        }
        let mut text = Vec::new();
        while !self.at_break() {
            let (TEXT, Some(length)) = self.head()? else {
                return None;
            };
            text.extend_from_slice(self.take(usize::try_from(length).ok()?)?);
        }
        Some(text)
    }

    /// Passes over one item.
    fn skip(&mut self, depth: u8) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (kind, argument) = self.head()?;
        let Some(argument) = argument else {
            if !(BYTES..=MAP).contains(&kind) {
                return None;
            }
            while !self.at_break() {
                self.skip(depth + 1)?;
            }
            return Some(());
        };
        let items = match kind {
            BYTES | TEXT => return self.take(usize::try_from(argument).ok()?).map(|_| ()),
            ARRAY => argument,
            MAP => argument.checked_mul(2)?,
            TAG => 1,
            // Numbers and simple values: the argument is all there is.
            _ => return Some(()),
        };
        // Each item takes at least a byte of the body.
        for _ in 0..items {
            self.skip(depth + 1)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], code: Option<&str>, message: Option<&str>) {
        let found = read(body);
        assert_eq!(
            (found.code.as_deref(), found.message.as_deref()),
            (code, message),
            "{body:x?}"
        );
    }

    #[test]
    fn every_spelling_of_a_map_and_a_text_is_read() {
        check(b"\xa2\x66__type\x65com#A\x67message\x62no", Some("com#A"), Some("no"));
        check(b"\xbf\x66__type\x78\x01A\xff", Some("A"), None);
        check(b"\xb8\x01\x66__type\x79\x00\x01A", Some("A"), None);
        check(b"\xa1\x7f\x62__\x64type\xff\x7f\x61A\x61B\xff", Some("AB"), None);
    }

    #[test]
    fn other_entries_are_passed_over() {
        let nested = b"\xa3\x61x\x82\x01\xa1\x66__type\x61N\x61y\xc1\x1a\x00\x00\x00\x01\x66__type\x61A";
        check(nested, Some("A"), None);
        check(b"\xa2\x61x\x9f\x01\xf6\xff\x66__type\x61A", Some("A"), None);
        check(b"\xa2\x66__type\x01\x67Message\x61m", None, Some("m"));
    }

    #[test]
    fn what_is_not_well_formed_ends_it() {
        for body in [
            &b"\xa1\x66__type\x78\xffExpired"[..],
            b"\xbf\x66__type",
            b"\xbf",
            b"\xa1\x01\x02",
            b"\xa1\x66__type\x7b\xff\xff\xff\xff\xff\xff\xff\xffA",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x61x\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            &[0x81; 64],
            &[b"\xa1\x61x".as_slice(), &[0x81; 64]].concat(),
        ] {
            check(body, None, None);
        }
        check(b"\xa2\x66__type\x61A\x67message\x78\xff", Some("A"), None);
    }
}
