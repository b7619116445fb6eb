//! Which headers are signed, and how their values are spelled.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{HeaderFault, SignError};

/// The headers of a client's own authentication. Ours replace them, or nothing does.
pub(crate) const CLIENT_AUTH: [&str; 6] = [
    "authorization",
    X_AMZ_CONTENT_SHA256,
    X_AMZ_DATE,
    X_AMZ_REGION_SET,
    "x-amz-s3session-token",
    X_AMZ_SECURITY_TOKEN,
];

pub(crate) const X_AMZ_CONTENT_SHA256: &str = "x-amz-content-sha256";
pub(crate) const X_AMZ_DATE: &str = "x-amz-date";
pub(crate) const X_AMZ_REGION_SET: &str = "x-amz-region-set";
pub(crate) const X_AMZ_SECURITY_TOKEN: &str = "x-amz-security-token";

/// Whether a header that the client sent is signed: an allow-list, so that no hop on the way can spoil a signature.
///
/// `host` and these are what AWS asks for; S3 refuses an `x-amz-*` header that is there and not signed.
pub(crate) fn is_signed(name: &str) -> bool {
    matches!(name, "host" | "content-type" | "content-md5") || name.starts_with("x-amz-")
}

/// A header of the canonical request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line<'a> {
    /// As the client sent it, on one line or several.
    Given(&'a HeaderName),
    /// As we send it; already in canonical form.
    Ours(&'static str, &'a str),
}

impl<'a> Line<'a> {
    pub(crate) fn name(&self) -> &'a str {
        match self {
            Self::Given(name) => name.as_str(),
            Self::Ours(name, _) => name,
        }
    }

    /// About how long the value is; a client's is not looked up for that.
    pub(crate) fn expected_length(&self) -> usize {
        const GIVEN: usize = 40;
        match self {
            Self::Given(_) => GIVEN,
            Self::Ours(_, value) => value.len(),
        }
    }
}

/// The headers to sign in their canonical order: `ours`, and of the client's those that `signs` says.
pub(crate) fn signed_lines<'a>(
    headers: &'a HeaderMap,
    signs: fn(&str) -> bool,
    ours: impl Iterator<Item = (&'static str, &'a str)>,
) -> Vec<Line<'a>> {
    const MAX_OURS: usize = 5;
    let mut lines = Vec::with_capacity(headers.keys_len() + MAX_OURS);
    lines.extend(headers.keys().filter_map(|name| {
        let is_ours = || name == http::header::HOST || CLIENT_AUTH.contains(&name.as_str());
        (signs(name.as_str()) && !is_ours()).then_some(Line::Given(name))
    }));
    lines.extend(ours.map(|(name, value)| Line::Ours(name, value)));
    lines.sort_unstable_by_key(Line::name);
    lines
}

/// Appends `name:value` and a line feed.
pub(crate) fn write_line(out: &mut String, headers: &HeaderMap, line: &Line<'_>) -> Result<(), SignError> {
    out.push_str(line.name());
    out.push(':');
    match line {
        Line::Ours(_, value) => out.push_str(value),
        Line::Given(name) => {
            for (index, value) in headers.get_all(*name).iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, value).map_err(|fault| SignError::UnsignableHeader {
                    name: (*name).clone(),
                    fault,
                })?;
            }
        }
    }
    out.push('\n');
    Ok(())
}

/// Appends the names, a `;` between each two.
pub(crate) fn write_names(out: &mut String, lines: &[Line<'_>]) {
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push(';');
        }
        out.push_str(line.name());
    }
}

/// Appends the value without spaces at its ends, and with one space for every run of them inside.
fn write_value(out: &mut String, value: &HeaderValue) -> Result<(), HeaderFault> {
    let text = value.to_str().map_err(|_| HeaderFault::NotAscii)?;
    if text.contains('\t') {
        return Err(HeaderFault::Tab);
    }
    for (index, word) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    Ok(())
}
