//! The query's wire form and its canonical form.

use super::error::{TargetError, TargetFault, TargetPart};
use crate::escape::{Octet, Octets, push_strictly};

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

/// Appends the pairs of a query in wire form and the `extra` ones, sorted by encoded name, then by encoded value.
pub(super) fn write_sorted(out: &mut String, wire: &str, extra: &[(&str, &str)]) {
    let count = wire.split('&').count() + extra.len();
    let mut pairs = Vec::with_capacity(if wire.is_empty() { extra.len() } else { count });
    pairs.extend(
        wire.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, ""))),
    );
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
            // A space to S3 and its kin; the services that read a plus sign are met by `%2B` alone.
            (_, Octet::Plain(b'+')) => out.push_str("%20"),
            (at, Octet::Plain(b';')) => return Err(fault(TargetFault::BareSemicolon, at)),
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
