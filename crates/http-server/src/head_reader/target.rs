//! The request target in bytes that a URI may have: clients send more, and are served.
//!
//! AWS and the servers like it take bytes from 0x80 up, quotes, brackets and the like as they stand. hyper takes some of
//! them in a path and others in a query, and what a server of another kind makes of them differs: `\` for `/`, `;` for
//! `&`. So each becomes its one escape here, before anything else looks at the target: what is routed, decided on,
//! signed, sent and logged has ASCII only. An escape stands for its byte and never for a separator, so that no second
//! reading is left.
//!
//! What has no certain meaning, an escape without its digits or a `#`, is found with its place in the client's bytes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use http::Uri;
use http::uri::PathAndQuery;

use super::ambiguous::AmbiguousHead;
use crate::rejection::Rejection;

/// The longest escaped target that hyper gets; longer ones are rejected anyway, see `admit`.
const MAX_ESCAPED: usize = 16 * 1024;

/// A target, or the head that has it, with its raw bytes escaped.
#[derive(Debug)]
pub(super) struct Escaped<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// What makes it ambiguous all the same.
    pub(super) found: Option<AmbiguousHead>,
}

/// Escapes the raw bytes in the target of an HTTP/1 head. What is no request line stays as it is.
///
/// # Errors
///
/// A byte in the authority of a URL that belongs to no host.
pub(super) fn in_head(head: &[u8]) -> Result<Escaped<'_>, Rejection> {
    let as_it_is = Escaped {
        bytes: Cow::Borrowed(head),
        found: None,
    };
    let Some(place) = place(head) else {
        return Ok(as_it_is);
    };
    let target = head.get(place.clone()).unwrap_or_default();
    // An authority alone, which is rejected; blanks and controls, which are found when the head is parsed.
    if head.starts_with(b"CONNECT ") || target.iter().any(|byte| is_blank_or_control(*byte)) {
        return Ok(as_it_is);
    }
    let path = path_start(target)?;
    let escaped = escape(target, path);
    let bytes = match escaped.bytes {
        Cow::Borrowed(_) => Cow::Borrowed(head),
        Cow::Owned(target) => {
            let before = head.get(..place.start).unwrap_or_default();
            let behind = head.get(place.end..).unwrap_or_default();
            Cow::Owned([before, &target, behind].concat())
        }
    };
    Ok(Escaped {
        bytes,
        found: escaped.found,
    })
}

/// The same for a request on HTTP/2, whose head the library has read.
pub(crate) fn in_uri(uri: &mut Uri) -> Option<AmbiguousHead> {
    let target = uri.path_and_query()?.as_str();
    let Escaped { bytes, found } = escape(target.as_bytes(), 0);
    let Cow::Owned(bytes) = bytes else {
        return found;
    };
    let mut parts = uri.clone().into_parts();
    let escaped = PathAndQuery::try_from(bytes).ok();
    let found = if escaped.is_none() {
        Some(AmbiguousHead::TargetTooLong)
    } else {
        found
    };
    parts.path_and_query = escaped.or_else(|| Some(PathAndQuery::from_static("/")));
    if let Ok(escaped) = Uri::from_parts(parts) {
        *uri = escaped;
    }
    found
}

/// Where the target is in a head: between the first and the last blank of its first line.
pub(super) fn place(head: &[u8]) -> Option<Range<usize>> {
    let line = head.get(..memchr::memchr(b'\n', head)?)?;
    let start = memchr::memchr(b' ', line)? + 1;
    let end = memchr::memrchr(b' ', line)?;
    (start < end).then_some(start..end)
}

/// Where path and query begin: at once, or behind the authority of a URL.
fn path_start(target: &[u8]) -> Result<usize, Rejection> {
    let is_url = |scheme: &[u8]| {
        let start = target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let Some(start) = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| is_url(scheme))
        .map(<[u8]>::len)
    else {
        return Ok(0);
    };
    for (offset, byte) in target.iter().enumerate().skip(start) {
        match byte {
            b'/' | b'?' | b'#' => return Ok(offset),
            byte if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@[]%".contains(byte) => {}
            // To a browser a backslash ends a host as a slash does.
            _ => {
                return Err(Rejection::Authority {
                    byte: *byte,
                    offset: place_of(offset),
                });
            }
        }
    }
    Ok(target.len())
}

/// Escapes what stands raw from `path` on.
fn escape(target: &[u8], path: usize) -> Escaped<'_> {
    let mut escaped = None;
    let mut found = None;
    let mut is_in_query = false;
    for (offset, byte) in target.iter().copied().enumerate().skip(path) {
        let is_raw = match byte {
            b'?' => {
                is_in_query = true;
                false
            }
            b'#' => {
                found.get_or_insert(AmbiguousHead::Fragment {
                    offset: place_of(offset),
                });
                false
            }
            b'%' if !has_digits(target, offset) => {
                found.get_or_insert(AmbiguousHead::InvalidEscape {
                    offset: place_of(offset),
                });
                false
            }
            // A separator of pairs to some, data to AWS.
            b';' => is_in_query,
            b'"' | b'<' | b'>' | b'[' | b'\\' | b']' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => true,
            _ => false,
        };
        if is_raw {
            let escaped = escaped.get_or_insert_with(|| {
                let mut escaped = String::with_capacity(target.len() + 64);
                escaped.push_str(ascii(target.get(..offset)));
                escaped
            });
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        } else if let Some(escaped) = &mut escaped {
            escaped.push(char::from(byte));
        }
    }
    let Some(escaped) = escaped else {
        return Escaped {
            bytes: Cow::Borrowed(target),
            found,
        };
    };
    if escaped.len() > MAX_ESCAPED {
        found = Some(AmbiguousHead::TargetTooLong);
    }
    Escaped {
        bytes: Cow::Owned(escaped.into_bytes()),
        found,
    }
}

/// What stands before the first raw byte.
fn ascii(bytes: Option<&[u8]>) -> &str {
    bytes
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .unwrap_or_default()
}

fn has_digits(target: &[u8], offset: usize) -> bool {
    let digits = target.get(offset + 1..offset + 3);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether no target has this byte: a blank or a control character.
pub(super) fn is_blank_or_control(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

/// The place of a byte in a target, as findings have it.
pub(super) fn place_of(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
