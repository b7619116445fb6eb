//! The path's wire form, by the service's way to read it.

use aws_endpoints::PathEncoding;

use super::error::{TargetError, TargetFault, TargetPart};
use crate::escape::{Octet, Octets, is_path_byte, is_strict, push_escape, push_strictly};

/// Appends the wire form of a path as a client sent it.
pub(super) fn write(out: &mut String, path: &[u8], encoding: PathEncoding) -> Result<(), TargetError> {
    match path.first() {
        None => {
            out.push('/');
            return Ok(());
        }
        Some(b'/') => {}
        Some(_) => return Err(fault(path, TargetFault::NoLeadingSlash, 0)),
    }
    match encoding {
        PathEncoding::Single => write_key(out, path, "/"),
        PathEncoding::SingleKeepingSlash => write_key(out, path, "%2F"),
        PathEncoding::Double => {
            let start = out.len();
            write_uri_bytes(out, path)?;
            resolve_segments(out, start);
            Ok(())
        }
    }
}

/// Whether [`write()`] would write the path of an S3 key as it is; what becomes of `%2F` is the encodings'
/// difference.
pub(super) fn is_wire_form_of_key(path: &str, keeps_escaped_slash: bool) -> bool {
    let escaped = |byte| keeps_escaped_slash || byte != b'/';
    path.starts_with('/') && is_strict(path.as_bytes(), |byte| byte == b'/', escaped)
}

/// Appends a path in wire form, encoded once more: what services other than S3 sign.
pub(super) fn write_encoded_once_more(out: &mut String, wire: &str) {
    let mut octets = Octets::new(wire.as_bytes(), 0);
    loop {
        out.push_str(octets.unreserved_run());
        match octets.next_byte() {
            Some(b'/') => out.push('/'),
            Some(byte) => push_escape(out, byte),
            None => return,
        }
    }
}

/// Decodes once, encodes strictly.
fn write_key(out: &mut String, path: &[u8], escaped_slash: &str) -> Result<(), TargetError> {
    let mut octets = Octets::new(path, 0);
    loop {
        out.push_str(octets.unreserved_run());
        let Some(octet) = octets.next() else {
            return Ok(());
        };
        match octet.map_err(|error| fault(path, TargetFault::InvalidEscape, error.offset))? {
            (_, Octet::Plain(b'/')) => out.push('/'),
            (_, Octet::Escaped(b'/')) => out.push_str(escaped_slash),
            (_, Octet::Escaped(byte)) => push_strictly(out, byte),
            (offset, Octet::Plain(byte)) => push_escape(out, checked(path, byte, offset)?),
        }
    }
}

/// Keeps bytes and escapes, escapes what may not stand in a URI.
fn write_uri_bytes(out: &mut String, path: &[u8]) -> Result<(), TargetError> {
    let mut octets = Octets::new(path, 0);
    loop {
        out.push_str(octets.unreserved_run());
        let Some(octet) = octets.next() else {
            return Ok(());
        };
        match octet.map_err(|error| fault(path, TargetFault::InvalidEscape, error.offset))? {
            // Spelled as it came: `%3a` and `%3A` are different bytes to whoever encodes them again.
            (offset, Octet::Escaped(_)) => path
                .get(offset..offset + 3)
                .into_iter()
                .flatten()
                .for_each(|byte| out.push(char::from(*byte))),
            (_, Octet::Plain(byte)) if is_path_byte(byte) => out.push(char::from(byte)),
            (offset, Octet::Plain(byte)) => push_escape(out, checked(path, byte, offset)?),
        }
    }
}

/// Resolves empty and dot segments from `start` on (RFC 3986, 5.2.4; and `//` as one slash).
fn resolve_segments(out: &mut String, start: usize) {
    let path = out.get(start..).unwrap_or_default();
    let (folders, last) = path.rsplit_once('/').unwrap_or_default();
    let ends_in_dots = Dots::in_segment(last) != Dots::Name;
    // The first segment is what stands before the leading slash: nothing.
    let mut inner = folders.split('/').skip(1);
    let has_no_dots = inner.all(|segment| !segment.is_empty() && Dots::in_segment(segment) == Dots::Name);
    if has_no_dots && !ends_in_dots {
        return;
    }

    let mut kept = Vec::new();
    for segment in path.split('/') {
        match Dots::in_segment(segment) {
            Dots::Name if !segment.is_empty() => kept.push(segment),
            Dots::Name | Dots::Here => {}
            Dots::Up => {
                kept.pop();
            }
        }
    }
    let mut resolved = String::with_capacity(path.len());
    for segment in &kept {
        resolved.push('/');
        resolved.push_str(segment);
    }
    let is_folder = last.is_empty() || ends_in_dots;
    if is_folder || resolved.is_empty() {
        resolved.push('/');
    }
    out.truncate(start);
    out.push_str(&resolved);
}

/// What a segment means to a file system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dots {
    Name,
    Here,
    Up,
}

impl Dots {
    /// `%2e` is a dot: a rule on paths must not be dodged by spelling one so.
    fn in_segment(segment: &str) -> Self {
        let mut dots = 0_u8;
        let mut rest = segment.as_bytes();
        loop {
            rest = match rest {
                [] => break,
                [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
                _ => return Self::Name,
            };
            dots = dots.saturating_add(1);
        }
        match dots {
            1 => Self::Here,
            2 => Self::Up,
            _ => Self::Name,
        }
    }
}

fn checked(path: &[u8], byte: u8, offset: usize) -> Result<u8, TargetError> {
    match byte {
        b'#' => Err(fault(path, TargetFault::BareHash, offset)),
        _ if byte.is_ascii_control() => Err(fault(path, TargetFault::ControlCharacter, offset)),
        _ => Ok(byte),
    }
}

fn fault(path: &[u8], fault: TargetFault, offset: usize) -> TargetError {
    TargetError::new(TargetPart::Path, fault, offset, path.get(offset..).unwrap_or_default())
}
