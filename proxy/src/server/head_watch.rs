//! What hyper forgives in a request's head and does not tell: seen in the bytes themselves.
//!
//! hyper takes `Transfer-Encoding` before `Content-Length` where both are given and removes the length; its parser cuts
//! a `#` and what follows off the target, and takes a line feed alone for the end of a line. Somebody else may have
//! read such a request in another way, or another object would be reached than was asked for: it is marked here and
//! refused with 400.
//!
//! One head is watched each time a connection stops being quiet. A head that was pipelined behind another request is
//! not: after both lengths hyper closes the connection, so nothing can hide behind them.

use std::sync::atomic::{AtomicU8, Ordering};

/// Marks a request that two readers could read in two ways; among its extensions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AmbiguousHead {
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112, section 6.3: an attempt at smuggling).
    TwoLengths,
    /// A `#` in the target (RFC 9112, section 3.2: no form of target has a fragment).
    Fragment,
    /// A line that ends without a carriage return (RFC 9112, section 2.2: a recipient may take it, or not).
    BareLineFeed,
}

/// What has been found in the last head, from the socket to the service.
#[derive(Debug, Default)]
pub(crate) struct Found(AtomicU8);

const TWO_LENGTHS: u8 = 1;
const FRAGMENT: u8 = 2;
const BARE_LINE_FEED: u8 = 4;

impl Found {
    /// The finding about the head that was read last.
    pub(crate) fn finding(&self) -> Option<AmbiguousHead> {
        let bits = self.0.load(Ordering::Relaxed);
        [
            (TWO_LENGTHS, AmbiguousHead::TwoLengths),
            (BARE_LINE_FEED, AmbiguousHead::BareLineFeed),
            (FRAGMENT, AmbiguousHead::Fragment),
        ]
        .into_iter()
        .find_map(|(bit, finding)| (bits & bit != 0).then_some(finding))
    }

    fn note(&self, bit: u8) {
        self.0.fetch_or(bit, Ordering::Relaxed);
    }
}

/// Reads one head's bytes as they pass.
#[derive(Debug, Default)]
pub(crate) struct HeadWatch {
    place: Place,
    /// The beginning of the current line, as long as it can be one of the two names.
    name: [u8; LONGEST_NAME],
    length: usize,
    has_content_length: bool,
    has_transfer_encoding: bool,
    previous: u8,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Place {
    /// Empty lines before the request line are skipped (RFC 9112, section 2.2).
    #[default]
    BeforeRequestLine,
    RequestLine,
    /// In a field's name, or at the beginning of a line.
    Name,
    Value,
    /// Behind the head.
    Over,
}

const CONTENT_LENGTH: &[u8] = b"content-length";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding";
const LONGEST_NAME: usize = TRANSFER_ENCODING.len();

impl HeadWatch {
    /// The next bytes are those of another head.
    pub(crate) fn begin(&mut self, found: &Found) {
        found.0.store(0, Ordering::Relaxed);
        *self = Self::default();
    }

    /// Bytes that arrived.
    pub(crate) fn read(&mut self, bytes: &[u8], found: &Found) {
        for &byte in bytes {
            if self.place == Place::Over {
                return;
            }
            if byte == b'\n' && self.previous != b'\r' {
                found.note(BARE_LINE_FEED);
            }
            self.step(byte, found);
            self.previous = byte;
        }
    }

    fn step(&mut self, byte: u8, found: &Found) {
        match (self.place, byte) {
            (Place::BeforeRequestLine, b'\r' | b'\n') | (Place::Over, _) | (Place::Name, b'\r') => {}
            (Place::BeforeRequestLine | Place::RequestLine, b'#') => {
                found.note(FRAGMENT);
                self.place = Place::RequestLine;
            }
            (Place::RequestLine | Place::Value, b'\n') => {
                self.place = Place::Name;
                self.length = 0;
            }
            (Place::BeforeRequestLine | Place::RequestLine, _) => self.place = Place::RequestLine,
            (Place::Name, b'\n') => self.place = Place::Over,
            (Place::Name, b':') => {
                self.note_name(found);
                self.place = Place::Value;
            }
            (Place::Name, _) => {
                if let Some(slot) = self.name.get_mut(self.length) {
                    *slot = byte.to_ascii_lowercase();
                }
                self.length = self.length.saturating_add(1);
            }
            (Place::Value, _) => {}
        }
    }

    fn note_name(&mut self, found: &Found) {
        let name = self.name.get(..self.length).unwrap_or_default();
        self.has_content_length |= name == CONTENT_LENGTH;
        self.has_transfer_encoding |= name == TRANSFER_ENCODING;
        if self.has_content_length && self.has_transfer_encoding {
            found.note(TWO_LENGTHS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, want: Option<AmbiguousHead>) {
        for cut in 0..=head.len() {
            let (first, second) = head.as_bytes().split_at(cut);
            let (mut watch, found) = (HeadWatch::default(), Found::default());
            watch.read(first, &found);
            watch.read(second, &found);
            assert_eq!(found.finding(), want, "{head:?} cut at {cut}");
        }
    }

    #[test]
    fn two_lengths_are_found_in_any_order_and_case() {
        let found = Some(AmbiguousHead::TwoLengths);
        check(
            "PUT / HTTP/1.1\r\nContent-Length: 3\r\nTRANSFER-encoding: chunked\r\n\r\n",
            found,
        );
        check(
            "PUT / HTTP/1.1\r\nTransfer-Encoding:chunked\r\nx: y\r\ncontent-length:3\r\n\r\n",
            found,
        );
    }

    #[test]
    fn one_length_is_none_too_many() {
        check(
            "PUT / HTTP/1.1\r\nContent-Length: 3\r\nx-transfer-encoding: chunked\r\n\r\n",
            None,
        );
        check(
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nx: content-length: 3\r\n\r\n",
            None,
        );
        check(
            "GET /content-length: HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            None,
        );
    }

    #[test]
    fn a_body_is_not_taken_for_a_head() {
        check(
            "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\r\ncontent-length: 3\r\n#",
            None,
        );
    }

    #[test]
    fn a_fragment_is_found_in_the_target_only() {
        let found = Some(AmbiguousHead::Fragment);
        check("\r\nGET /a#b HTTP/1.1\r\nhost: x\r\n\r\n", found);
        check("GET /a%23b HTTP/1.1\r\nx-amz-meta-a: #\r\n\r\n", None);
    }

    #[test]
    fn a_line_feed_alone_is_found() {
        let found = Some(AmbiguousHead::BareLineFeed);
        check("GET / HTTP/1.0\n\n", found);
        check("GET / HTTP/1.1\r\nhost: x\n\r\n", found);
        check("GET / HTTP/1.1\r\nhost: x\r\n\n", found);
    }

    #[test]
    fn the_next_head_is_judged_for_itself() {
        let (mut watch, found) = (HeadWatch::default(), Found::default());
        watch.read(b"GET /#x HTTP/1.1\r\ncontent-length: 0\r\n\r\n", &found);
        watch.begin(&found);
        watch.read(b"PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", &found);
        assert_eq!(found.finding(), None);
    }
}
