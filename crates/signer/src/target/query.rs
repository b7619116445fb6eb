//! The query's wire form and its canonical form.

use super::error::{TargetError, TargetFault, TargetPart};
use crate::escape::{Octet, Octets, is_strict, push_strictly};

/// Appends the wire form of a query as a client sent it; `offset` is where it starts in the target.
pub(super) fn write(out: &mut String, query: &[u8], offset: usize) -> Result<(), TargetError> {
    let mut pair_offset = offset;
    let mut is_first = true;
    for pair in query.split(|byte| *byte == b'&') {
        if !pair.is_empty() {
            if !is_first {
                out.push('&');
            }
            is_first = false;
            write_pair(out, pair, pair_offset)?;
        }
        pair_offset += pair.len() + 1;
    }
    Ok(())
}

/// Whether [`write()`] would write the query as it is. Not so an empty one: it is left away with its question mark.
pub(super) fn is_wire_form(query: &str) -> bool {
    // One separator in each pair, so that none is empty.
    let is_pair = |pair: &[u8]| {
        let mut separators = pair.iter().filter(|byte| **byte == b'=');
        separators.next().is_some() && separators.next().is_none()
    };
    query.as_bytes().split(|byte| *byte == b'&').all(is_pair)
        && is_strict(query.as_bytes(), |byte| matches!(byte, b'&' | b'='), |_| true)
}

/// Appends the pairs of a query in wire form and the `extra` ones, sorted by encoded name, then by encoded value.
pub(super) fn write_sorted(out: &mut String, wire: &str, extra: &[(&str, &str)]) {
    let separators = wire.bytes().filter(|byte| *byte == b'&').count();
    if separators == 0 && extra.is_empty() {
        out.push_str(wire);
        return;
    }
    let mut pairs = Vec::with_capacity(separators + 1 + extra.len());
    let mut rest = wire;
    while !rest.is_empty() {
        let (pair, others) = cut(rest, b'&');
        pairs.push(cut(pair, b'='));
        rest = others;
    }
    pairs.extend_from_slice(extra);
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
}

/// What stands before and after the first such byte, an ASCII one. For these short texts faster than `str::split_once`.
fn cut(text: &str, separator: u8) -> (&str, &str) {
    let place = text.bytes().position(|byte| byte == separator);
    place
        .and_then(|place| Some((text.get(..place)?, text.get(place + 1..)?)))
        .unwrap_or((text, ""))
}

/// Writes `name=value`: the first bare `=` is the separator, any other is data.
fn write_pair(out: &mut String, pair: &[u8], offset: usize) -> Result<(), TargetError> {
    let fault = |fault, at: usize| {
        TargetError::new(
            TargetPart::Query,
            fault,
            at,
            pair.get(at - offset..).unwrap_or_default(),
        )
    };
    let mut separated = false;
    let mut octets = Octets::new(pair, offset);
    loop {
        out.push_str(octets.unreserved_run());
        let Some(octet) = octets.next() else {
            break;
        };
        match octet.map_err(|error| fault(TargetFault::InvalidEscape, error.offset))? {
            (_, Octet::Plain(b'=')) if !separated => {
                separated = true;
                out.push('=');
            }
            // A space to S3 and services like it; the services that read a plus sign are met by `%2B` alone.
            (_, Octet::Plain(b'+')) => out.push_str("%20"),
            (at, Octet::Plain(b'#')) => return Err(fault(TargetFault::BareHash, at)),
            (at, Octet::Plain(byte)) if byte.is_ascii_control() => {
                return Err(fault(TargetFault::ControlCharacter, at));
            }
            (_, Octet::Plain(byte) | Octet::Escaped(byte)) => push_strictly(out, byte),
        }
    }
    if !separated {
        out.push('=');
    }
    Ok(())
}
