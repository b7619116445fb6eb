//! The two texts of a signature: the canonical request, and the string to sign.
//!
//! Source: AWS Signature Version 4, "Create a signed AWS API request", steps 1 to 3.

use aws_endpoints::PathEncoding;
use http::request::Parts;

use crate::error::SignError;
use crate::hash::{Hex, sha256};
use crate::headers::{HeaderLine, write_lines, write_names};
use crate::scope::SigningScope;
use crate::target::{write_canonical_path, write_canonical_query};
use crate::time::AmzTime;

/// The canonical request of a head whose target is in wire form. `extra` are encoded pairs of the query.
pub(crate) fn canonical_request(
    head: &Parts,
    encoding: PathEncoding,
    extra: &[(&str, &str)],
    lines: &[HeaderLine<'_>],
    payload: &str,
) -> Result<String, SignError> {
    let not_wire_form = |part| SignError::NotWireForm { part };
    let mut text = String::with_capacity(capacity(head, extra, lines));
    text.push_str(head.method.as_str());
    text.push('\n');
    write_canonical_path(&mut text, head.uri.path(), encoding).map_err(not_wire_form)?;
    text.push('\n');
    write_canonical_query(&mut text, head.uri.query(), extra).map_err(not_wire_form)?;
    text.push('\n');
    write_lines(&mut text, lines)?;
    text.push('\n');
    write_names(&mut text, lines);
    text.push('\n');
    text.push_str(payload);
    Ok(text)
}

/// Enough for nearly every request, and for the values of the signature's headers, which are written where the text was:
/// so that memory is allocated once. Too little costs a copy, nothing else.
fn capacity(head: &Parts, extra: &[(&str, &str)], lines: &[HeaderLine<'_>]) -> usize {
    const METHOD_AND_HASHES: usize = 400;
    let target = head.uri.path_and_query().map_or(1, |target| target.as_str().len());
    let headers: usize = lines
        .iter()
        .map(|line| 2 * line.name().len() + line.value_length() + 3)
        .sum();
    let pairs: usize = extra.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    target + target / 2 + headers + pairs + METHOD_AND_HASHES
}

/// The algorithm, time and place that a signature is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CredentialScope<'a> {
    pub(crate) algorithm: &'static str,
    pub(crate) time: &'a AmzTime,
    /// `None` with version 4a, which signs a set of regions in a header instead.
    pub(crate) region: Option<&'a str>,
    pub(crate) name: &'a str,
}

impl<'a> CredentialScope<'a> {
    pub(crate) fn version_4(time: &'a AmzTime, scope: &'a SigningScope) -> Self {
        Self {
            algorithm: "AWS4-HMAC-SHA256",
            time,
            region: Some(scope.region.as_str()),
            name: scope.name.as_str(),
        }
    }

    /// The string to sign, over a canonical request. Takes its memory.
    pub(crate) fn string_to_sign(&self, mut canonical_request: String) -> String {
        let hash = Hex::of(&sha256(canonical_request.as_bytes()));
        canonical_request.clear();
        let mut text = canonical_request;
        text.push_str(self.algorithm);
        text.push('\n');
        text.push_str(self.time.date_time());
        text.push('\n');
        self.write_scope(&mut text);
        text.push('\n');
        text.push_str(hash.as_str());
        text
    }

    /// Appends `20130524/us-east-1/s3/aws4_request`.
    pub(crate) fn write_scope(&self, out: &mut String) {
        out.push_str(self.time.date());
        out.push('/');
        if let Some(region) = self.region {
            out.push_str(region);
            out.push('/');
        }
        out.push_str(self.name);
        out.push_str("/aws4_request");
    }
}
