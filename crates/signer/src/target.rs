//! The request target in the one spelling that every server reads alike.

mod error;
mod path;
mod query;
mod signature;

use aws_endpoints::PathEncoding;
use bytes::Bytes;
use http::uri::PathAndQuery;

pub use error::{TargetError, TargetFault, TargetPart};
pub(crate) use signature::has_signature;

/// The longest wire form, in bytes: an [`http::Uri`] holds 65,534 with its scheme and authority.
pub(crate) const MAX_WIRE_BYTES: usize = 65_000;

/// Path and query in their canonical wire form: what is sent, and what is signed.
///
/// Servers disagree about every other spelling (see the crate's documentation), so a request is rewritten to this one
/// before anything else looks at it. Parsing a wire form gives the same wire form.
///
/// Path, by [`PathEncoding`]:
/// - `Single`: decoded once and encoded strictly: all but `A-Za-z0-9-._~/` becomes `%XX`. `%2F` becomes `/`, a `+` is
///   a plus sign. `//`, `.` and `..` are parts of a key and stay.
/// - `SingleKeepingSlash`: the same, but `%2F` stays `%2F`.
/// - `Double`: bytes and escapes stay as they are, escapes only where a byte may not stand in a URI. Empty and dot
///   segments are resolved (RFC 3986, 5.2.4; `%2e` counts as a dot); a slash at the end stays.
///
/// Query, always: order kept; encoded strictly; `+` becomes `%20`; `acl` becomes `acl=`; empty pairs are dropped;
/// a `;` is data, as it is to AWS, and becomes `%3B`, so that no server takes it for a separator.
///
/// ```
/// use aws_endpoints::PathEncoding;
/// use signer::WireTarget;
///
/// let target = WireTarget::parse("/bucket/a+b=c?acl&prefix=x/y+z", PathEncoding::Single)?;
/// assert_eq!(target.as_str(), "/bucket/a%2Bb%3Dc?acl=&prefix=x%2Fy%20z");
/// # Ok::<(), signer::TargetError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WireTarget(PathAndQuery);

impl WireTarget {
    /// Reads the target a client sent, in origin form: `/path?query`. An empty path is `/`.
    ///
    /// # Errors
    ///
    /// [`TargetError`] where two servers could read the target differently: an invalid escape, a `#`, a
    /// control character, no leading slash, or over 65,000 bytes in its wire form.
    pub fn parse(path_and_query: &str, encoding: PathEncoding) -> Result<Self, TargetError> {
        Self::from_bytes(path_and_query.as_bytes(), encoding)
    }

    /// As [`parse`](Self::parse), for targets that are not UTF-8. Bytes from 0x80 up are escaped one by one.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_bytes(path_and_query: &[u8], encoding: PathEncoding) -> Result<Self, TargetError> {
        let too_long = || TargetError::new(TargetPart::Path, TargetFault::TooLong, MAX_WIRE_BYTES, &[]);
        if path_and_query.len() > MAX_WIRE_BYTES {
            return Err(too_long());
        }
        let (path, query) = split(path_and_query);
        let mut wire = String::with_capacity(path_and_query.len() + 16);
        path::write(&mut wire, path, encoding)?;
        if let Some(query) = query {
            let path_end = wire.len();
            wire.push('?');
            query::write(&mut wire, query, path.len() + 1)?;
            if wire.len() == path_end + 1 {
                wire.truncate(path_end);
            }
        }
        if wire.len() > MAX_WIRE_BYTES {
            return Err(too_long());
        }
        // All ASCII and without a fragment: the length was the only thing left to object to.
        PathAndQuery::from_maybe_shared(Bytes::from(wire))
            .map(Self)
            .map_err(|_| too_long())
    }

    /// The path, from its first slash.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The query without its question mark; `None` where there are no pairs.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.0.query()
    }

    /// Path and query as they stand in the request line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the query carries somebody's authentication: a presigned request, of version 2 or 4.
    #[must_use]
    pub fn is_presigned(&self) -> bool {
        self.query().is_some_and(has_signature)
    }

    /// The same target without the parameters of a presigned request.
    #[must_use]
    pub fn without_signature(&self) -> Self {
        let Some(query) = self.query() else {
            return self.clone();
        };
        let kept = signature::without_signature(query);
        let separator = if kept.is_empty() { "" } else { "?" };
        let text = format!("{}{separator}{kept}", self.path());
        // Shorter than what was valid, and of the same bytes.
        PathAndQuery::from_maybe_shared(Bytes::from(text)).map_or_else(|_| self.clone(), Self)
    }

    /// The same as a part of an [`http::Uri`]. Cheap: the text is shared.
    #[must_use]
    pub fn to_path_and_query(&self) -> PathAndQuery {
        self.0.clone()
    }
}

impl From<WireTarget> for PathAndQuery {
    fn from(target: WireTarget) -> Self {
        target.0
    }
}

fn split(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    (parts.next().unwrap_or_default(), parts.next())
}

/// Appends the canonical path for a path in wire form.
///
/// # Errors
///
/// The part that is not in wire form: the caller would sign something else than it sends.
pub(crate) fn write_canonical_path(out: &mut String, wire: &str, encoding: PathEncoding) -> Result<(), TargetPart> {
    let is_wire_form = match encoding {
        PathEncoding::Single => path::is_wire_form_of_key(wire, false),
        PathEncoding::SingleKeepingSlash => path::is_wire_form_of_key(wire, true),
        PathEncoding::Double => {
            let start = out.len();
            let written = path::write(out, wire.as_bytes(), encoding);
            let is_same = written.is_ok() && out.get(start..) == Some(wire);
            out.truncate(start);
            is_same
        }
    };
    if !is_wire_form {
        return Err(TargetPart::Path);
    }
    match encoding {
        PathEncoding::Single | PathEncoding::SingleKeepingSlash => out.push_str(wire),
        PathEncoding::Double => path::write_encoded_once_more(out, wire),
    }
    Ok(())
}

/// Appends the canonical query for a query in wire form and `extra` pairs, encoded ones.
///
/// # Errors
///
/// As [`write_canonical_path`].
pub(crate) fn write_canonical_query(
    out: &mut String,
    wire: Option<&str>,
    extra: &[(&str, &str)],
) -> Result<(), TargetPart> {
    if wire.is_some_and(|wire| !query::is_wire_form(wire)) {
        return Err(TargetPart::Query);
    }
    query::write_sorted(out, wire.unwrap_or_default(), extra);
    Ok(())
}

#[cfg(test)]
mod tests;
