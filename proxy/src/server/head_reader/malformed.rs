//! What is wrong with a head that is no HTTP/1, in words that help its sender.

use std::borrow::Cow;

use super::super::refusal::Refusal;
use super::target::{self, place_of};

/// Why bytes are no head. Each has a hint of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Malformed {
    /// The request line has no valid method.
    Method,
    /// The request line does not consist of three words.
    RequestLine,
    /// The version is not `HTTP/1.0` or `HTTP/1.1`.
    Version,
    /// A blank before the colon, which some readers take for a part of the name.
    BlankBeforeColon,
    /// A field that goes on in a next line.
    Folded,
    /// A line without a colon, or whose name is no token.
    FieldName,
    /// A blank or a control character in the target.
    Target {
        byte: u8,
        /// Its place in the target, from 0.
        offset: u32,
    },
    /// A byte in the authority of a URL that belongs to no host.
    Authority {
        byte: u8,
        /// Its place in the target, from 0.
        offset: u32,
    },
    /// A carriage return without a line feed.
    BareCarriageReturn,
    /// Another control character, NUL among them.
    ControlCharacter,
    /// Longer than `server.max_header_bytes`.
    TooLong,
    /// More fields than hyper can hold.
    TooManyFields,
    /// hyper would end it elsewhere.
    Elsewhere,
}

impl Malformed {
    pub(crate) const fn rejection(self) -> Refusal {
        match self {
            Self::TooLong | Self::TooManyFields => Refusal::HeadTooLarge,
            _ => Refusal::HeadMalformed,
        }
    }

    pub(crate) fn hint(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Target { byte, offset } => {
                return Cow::Owned(format!(
                    "Percent-encode byte {offset} of the target (counted from 0), which is 0x{byte:02x}: write it %{byte:02X}."
                ));
            }
            Self::Authority { byte, offset } => {
                return Cow::Owned(format!(
                    "Remove byte {offset} of the target (counted from 0), which is 0x{byte:02x}: no host has it in its name."
                ));
            }
            Self::Method => "Begin with a method such as GET; percent-encode spaces in the target.",
            Self::RequestLine | Self::Elsewhere => Refusal::HeadMalformed.hint(),
            Self::Version => "End the request line with the version: 1.1 or 1.0, behind HTTP and a slash.",
            Self::BlankBeforeColon => "Put the colon directly behind the name of each header field.",
            Self::Folded => "Keep each header field to one line.",
            Self::FieldName => "Begin each header field with its name and a colon.",
            Self::BareCarriageReturn => {
                "Remove the carriage return from the request line or header field, or send CR LF."
            }
            Self::ControlCharacter => "Remove the control character from the request line or header field.",
            Self::TooManyFields => "Send at most 16,384 header fields.",
            Self::TooLong => Refusal::HeadTooLarge.hint(),
        })
    }
}

/// Looks for the first thing that is wrong with a head that `httparse` does not take.
pub(super) fn cause(head: &[u8]) -> Malformed {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let request_line = lines.next().unwrap_or_default();
    if let Some(malformed) = in_target(head)
        .or_else(|| control(request_line))
        .or_else(|| words(request_line))
    {
        return malformed;
    }
    lines.find_map(field).unwrap_or(Malformed::Elsewhere)
}

/// The first blank or control character of a target that is one but for such.
fn in_target(head: &[u8]) -> Option<Malformed> {
    let place = target::place(head)?;
    let method = head.get(..place.start - 1)?;
    let version = head.get(place.end..)?.trim_ascii_start();
    let target = head.get(place)?;
    let has_method = !method.is_empty() && method.iter().all(|byte| is_token(*byte));
    if !has_method || !version.starts_with(b"HTTP/") || target.starts_with(b" ") {
        return None;
    }
    let (offset, byte) = target
        .iter()
        .enumerate()
        .find(|(_, byte)| target::is_blank_or_control(**byte))?;
    Some(Malformed::Target {
        byte: *byte,
        offset: place_of(offset),
    })
}

fn control(line: &[u8]) -> Option<Malformed> {
    let found = line.iter().find(|byte| byte.is_ascii_control() && **byte != b'\t')?;
    Some(match found {
        b'\r' => Malformed::BareCarriageReturn,
        _ => Malformed::ControlCharacter,
    })
}

fn words(line: &[u8]) -> Option<Malformed> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next(), words.next());
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Some(Malformed::Method);
    }
    match (target, version, words.next()) {
        (Some(target), Some(version), None) if !target.is_empty() => {
            (version != b"HTTP/1.1" && version != b"HTTP/1.0").then_some(Malformed::Version)
        }
        _ => Some(Malformed::RequestLine),
    }
}

fn field(line: &[u8]) -> Option<Malformed> {
    if line.is_empty() {
        return None;
    }
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Some(Malformed::Folded);
    }
    if let Some(malformed) = control(line) {
        return Some(malformed);
    }
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return Some(Malformed::FieldName);
    };
    let name = line.get(..colon).unwrap_or_default();
    if name.last().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Some(Malformed::BlankBeforeColon);
    }
    (name.is_empty() || !name.iter().all(|byte| is_token(*byte))).then_some(Malformed::FieldName)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::super::check::{Flaw, check};
    use super::*;

    #[track_caller]
    fn malformed(head: &[u8], want: Malformed) {
        let text = String::from_utf8_lossy(head);
        match check(head, b"", false) {
            Err(Flaw::Malformed(got)) => assert_eq!(got, want, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn the_offending_thing_is_named() {
        for (line, want) in [
            (&b"HELLO"[..], Malformed::RequestLine),
            (b"GET /", Malformed::RequestLine),
            (b"GET /a b HTTP/1.1", Malformed::Target { byte: b' ', offset: 2 }),
            (b"GET /a HTTP/1.1 HTTP/1.1", Malformed::Target { byte: b' ', offset: 2 }),
            (b"GET  / HTTP/1.1", Malformed::RequestLine),
            (b"GET / HTTP/1.1 ", Malformed::RequestLine),
            (b" GET / HTTP/1.1", Malformed::Method),
            (b"G(T / HTTP/1.1", Malformed::Method),
            (b"GET / HTTP/1.2", Malformed::Version),
            (b"GET / HTTP/2.0", Malformed::Version),
            (b"GET / http/1.1", Malformed::Version),
            (b"GET / HTTP/1.10", Malformed::Version),
            (b"GET /a\x01 HTTP/1.1", Malformed::Target { byte: 1, offset: 2 }),
            (
                b"GET /\xc3\xa4\tb HTTP/1.1",
                Malformed::Target { byte: b'\t', offset: 3 },
            ),
            (b"GET /\x7f HTTP/1.1", Malformed::Target { byte: 0x7f, offset: 1 }),
            (b"GET /a\rb HTTP/1.1", Malformed::Target { byte: b'\r', offset: 2 }),
            (b"G\x01T /a HTTP/1.1", Malformed::ControlCharacter),
            (b"GET\r /a HTTP/1.1", Malformed::BareCarriageReturn),
            (
                b"GET http://a\\@b/ HTTP/1.1",
                Malformed::Authority { byte: b'\\', offset: 8 },
            ),
            (
                b"GET HTTPS://\xc3\xa4/ HTTP/1.1",
                Malformed::Authority { byte: 0xc3, offset: 8 },
            ),
        ] {
            malformed(&[line, b"\r\nhost: a\r\n\r\n"].concat(), want);
        }
        for (field, want) in [
            (&b"x : y"[..], Malformed::BlankBeforeColon),
            (b"Transfer-Encoding\t: chunked", Malformed::BlankBeforeColon),
            (b"x: y\r\n z", Malformed::Folded),
            (b"x", Malformed::FieldName),
            (b": y", Malformed::FieldName),
            (b"x y: z", Malformed::FieldName),
            (b"x: y\rz", Malformed::BareCarriageReturn),
            (b"x: \0", Malformed::ControlCharacter),
            (b"x\0: y", Malformed::ControlCharacter),
            (b"Transfer-Encoding: \x0bchunked", Malformed::ControlCharacter),
        ] {
            malformed(&[b"GET / HTTP/1.1\r\n", field, b"\r\n\r\n"].concat(), want);
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(16_385));
        malformed(many.as_bytes(), Malformed::TooManyFields);
    }
}
