//! Which headers are signed, and how their values are spelled.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{HeaderFault, SignError};

/// The headers of a client's own authentication. Ours replace them, or nothing does.
pub(crate) const CLIENT_AUTH: [&str; 6] = [
    "authorization",
    X_AMZ_CONTENT_SHA256,
    X_AMZ_DATE,
    X_AMZ_REGION_SET,
    X_AMZ_S3SESSION_TOKEN,
    X_AMZ_SECURITY_TOKEN,
];

pub(crate) const X_AMZ_CONTENT_SHA256: &str = "x-amz-content-sha256";
pub(crate) const X_AMZ_DATE: &str = "x-amz-date";
pub(crate) const X_AMZ_REGION_SET: &str = "x-amz-region-set";
pub(crate) const X_AMZ_S3SESSION_TOKEN: &str = "x-amz-s3session-token";
pub(crate) const X_AMZ_SECURITY_TOKEN: &str = "x-amz-security-token";

/// Whether a header that the client sent is signed: an allow-list, so that no hop in between can break a signature.
///
/// `host` and these are what AWS requires; S3 rejects an `x-amz-*` header that is there and not signed.
pub(crate) fn is_signed(name: &str) -> bool {
    matches!(name, "host" | "content-type" | "content-md5") || name.starts_with("x-amz-")
}

/// Whether this header is never sent as the client sent it.
pub(crate) fn is_ours(name: &HeaderName) -> bool {
    name == http::header::HOST || CLIENT_AUTH.contains(&name.as_str())
}

/// A header of the canonical request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HeaderLine<'a> {
    /// As the client sent it; one of several where it was repeated.
    Given(&'a HeaderName, &'a HeaderValue),
    /// As we send it; already in canonical form.
    Ours(&'static str, &'a str),
}

impl<'a> HeaderLine<'a> {
    pub(crate) fn name(&self) -> &'a str {
        match self {
            Self::Given(name, _) => name.as_str(),
            Self::Ours(name, _) => name,
        }
    }

    /// How long the value is before its spaces are folded.
    pub(crate) fn value_length(&self) -> usize {
        match self {
            Self::Given(_, value) => value.len(),
            Self::Ours(_, value) => value.len(),
        }
    }
}

/// The headers to sign in their canonical order: `ours`, and of the client's those that `signs` says.
pub(crate) fn signed_lines<'a>(
    headers: &'a HeaderMap,
    signs: fn(&str) -> bool,
    ours: impl Iterator<Item = (&'static str, &'a str)>,
) -> Vec<HeaderLine<'a>> {
    const MAX_OURS: usize = 5;
    let mut lines = Vec::with_capacity(headers.len() + MAX_OURS);
    lines.extend(headers.iter().filter_map(|(name, value)| {
        (signs(name.as_str()) && !is_ours(name)).then_some(HeaderLine::Given(name, value))
    }));
    lines.extend(ours.map(|(name, value)| HeaderLine::Ours(name, value)));
    // Stable: repeated headers keep their order.
    lines.sort_by_key(HeaderLine::name);
    lines
}

/// Appends `name:value` and a line feed for each header; the values of a repeated one with `,` between.
pub(crate) fn write_lines(out: &mut String, lines: &[HeaderLine<'_>]) -> Result<(), SignError> {
    let mut last = "";
    for line in lines {
        if line.name() == last {
            out.push(',');
        } else {
            if !last.is_empty() {
                out.push('\n');
            }
            last = line.name();
            out.push_str(last);
            out.push(':');
        }
        match line {
            HeaderLine::Ours(_, value) => out.push_str(value),
            HeaderLine::Given(name, value) => write_value(out, value).map_err(|fault| SignError::UnsignableHeader {
                name: (*name).clone(),
                fault,
            })?,
        }
    }
    if !last.is_empty() {
        out.push('\n');
    }
    Ok(())
}

/// Appends the names, each once, a `;` between each two.
pub(crate) fn write_names(out: &mut String, lines: &[HeaderLine<'_>]) {
    let mut last = "";
    for line in lines {
        if line.name() == last {
            continue;
        }
        if !last.is_empty() {
            out.push(';');
        }
        last = line.name();
        out.push_str(last);
    }
}

/// Appends the value without spaces at its ends, and with one space for every run of them inside.
fn write_value(out: &mut String, value: &HeaderValue) -> Result<(), HeaderFault> {
    let text = value.to_str().map_err(|_| HeaderFault::NotAscii)?;
    if text.bytes().all(|byte| byte > b' ') {
        // Most values: nothing to fold, and no tab.
        out.push_str(text);
        return Ok(());
    }
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
