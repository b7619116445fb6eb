//! What is wrong with a head that is no HTTP/1.

use super::target::{self, place_of};
use crate::rejection::Rejection;

/// Looks for the first thing that is wrong with a head that `httparse` does not take.
pub(super) fn cause(head: &[u8]) -> Rejection {
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
    lines.find_map(field).unwrap_or(Rejection::NoHead)
}

/// The first blank or control character of a target that is one but for such.
fn in_target(head: &[u8]) -> Option<Rejection> {
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
    Some(Rejection::Target {
        byte: *byte,
        offset: place_of(offset),
    })
}

fn control(line: &[u8]) -> Option<Rejection> {
    let found = line.iter().find(|byte| byte.is_ascii_control() && **byte != b'\t')?;
    Some(match found {
        b'\r' => Rejection::BareCarriageReturn,
        _ => Rejection::ControlCharacter,
    })
}

fn words(line: &[u8]) -> Option<Rejection> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next(), words.next());
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Some(Rejection::Method);
    }
    match (target, version, words.next()) {
        (Some(target), Some(version), None) if !target.is_empty() => {
            (version != b"HTTP/1.1" && version != b"HTTP/1.0").then_some(Rejection::Version)
        }
        _ => Some(Rejection::RequestLine),
    }
}

fn field(line: &[u8]) -> Option<Rejection> {
    if line.is_empty() {
        return None;
    }
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Some(Rejection::Folded);
    }
    if let Some(malformed) = control(line) {
        return Some(malformed);
    }
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return Some(Rejection::FieldName);
    };
    let name = line.get(..colon).unwrap_or_default();
    if name.last().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Some(Rejection::BlankBeforeColon);
    }
    (name.is_empty() || !name.iter().all(|byte| is_token(*byte))).then_some(Rejection::FieldName)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::super::check::{Flaw, check};
    use super::*;

    #[track_caller]
    fn malformed(head: &[u8], want: Rejection) {
        let text = String::from_utf8_lossy(head);
        match check(head, b"", false) {
            Err(Flaw::Malformed(got)) => assert_eq!(got, want, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn the_offending_thing_is_named() {
        for (line, want) in [
            (&b"HELLO"[..], Rejection::RequestLine),
            (b"GET /", Rejection::RequestLine),
            (b"GET /a b HTTP/1.1", Rejection::Target { byte: b' ', offset: 2 }),
            (b"GET /a HTTP/1.1 HTTP/1.1", Rejection::Target { byte: b' ', offset: 2 }),
            (b"GET  / HTTP/1.1", Rejection::RequestLine),
            (b"GET / HTTP/1.1 ", Rejection::RequestLine),
            (b" GET / HTTP/1.1", Rejection::Method),
            (b"G(T / HTTP/1.1", Rejection::Method),
            (b"GET / HTTP/1.2", Rejection::Version),
            (b"GET / HTTP/2.0", Rejection::Version),
            (b"GET / http/1.1", Rejection::Version),
            (b"GET / HTTP/1.10", Rejection::Version),
            (b"GET /a\x01 HTTP/1.1", Rejection::Target { byte: 1, offset: 2 }),
            (
                b"GET /\xc3\xa4\tb HTTP/1.1",
                Rejection::Target { byte: b'\t', offset: 3 },
            ),
            (b"GET /\x7f HTTP/1.1", Rejection::Target { byte: 0x7f, offset: 1 }),
            (b"GET /a\rb HTTP/1.1", Rejection::Target { byte: b'\r', offset: 2 }),
            (b"G\x01T /a HTTP/1.1", Rejection::ControlCharacter),
            (b"GET\r /a HTTP/1.1", Rejection::BareCarriageReturn),
            (
                b"GET http://a\\@b/ HTTP/1.1",
                Rejection::Authority { byte: b'\\', offset: 8 },
            ),
            (
                b"GET HTTPS://\xc3\xa4/ HTTP/1.1",
                Rejection::Authority { byte: 0xc3, offset: 8 },
            ),
        ] {
            malformed(&[line, b"\r\nhost: a\r\n\r\n"].concat(), want);
        }
        for (field, want) in [
            (&b"x : y"[..], Rejection::BlankBeforeColon),
            (b"Transfer-Encoding\t: chunked", Rejection::BlankBeforeColon),
            (b"x: y\r\n z", Rejection::Folded),
            (b"x", Rejection::FieldName),
            (b": y", Rejection::FieldName),
            (b"x y: z", Rejection::FieldName),
            (b"x: y\rz", Rejection::BareCarriageReturn),
            (b"x: \0", Rejection::ControlCharacter),
            (b"x\0: y", Rejection::ControlCharacter),
            (b"Transfer-Encoding: \x0bchunked", Rejection::ControlCharacter),
        ] {
            malformed(&[b"GET / HTTP/1.1\r\n", field, b"\r\n\r\n"].concat(), want);
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(16_385));
        malformed(many.as_bytes(), Rejection::TooManyFields);
    }
}
