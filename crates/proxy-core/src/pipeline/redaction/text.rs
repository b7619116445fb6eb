//! Which texts show what a signature was made of.

use memchr::memmem;

use super::REDACTED;

/// Names of elements and fields, in lower case.
const SECRET_NAMES: [&str; 8] = [
    "awsaccesskeyid",
    "canonicalrequest",
    "canonicalrequestbytes",
    "securitytoken",
    "sessiontoken",
    "signatureprovided",
    "stringtosign",
    "stringtosignbytes",
];

/// S3 numbers the tokens that it shows: `Token-0`.
const TOKEN_NAME: &str = "token-";

/// Sentences behind which AWS quotes what it computed, in lower case.
const SENTENCES: [&str; 3] = [
    "the canonical string for this request",
    "the canonical request for this request",
    "the string-to-sign should",
];

/// Other places where a message begins to show it, in lower case; up to its end. Messages in which an algorithm is only
/// named stay.
const MARKERS: [&str; 10] = [
    "x-amz-security-token:",
    "x-amz-security-token=",
    "aws4-hmac-sha256 credential=",
    "aws4-hmac-sha256\n",
    "aws4-hmac-sha256\\n",
    "aws4-hmac-sha256&#",
    "aws4-ecdsa-p256-sha256 credential=",
    "aws4-ecdsa-p256-sha256\n",
    "aws4-ecdsa-p256-sha256\\n",
    "aws4-ecdsa-p256-sha256&#",
];

/// What counts as a place where a response shows a signature, from little to much.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::pipeline) enum Extent {
    /// AWS's sentences: an application of the operator's own may show anything else.
    Sentences,
    /// Each marker: an API of AWS's, whatever its error is.
    Markers,
    /// Elements and fields of secret names too: an error that is about the signature.
    Names,
}

impl Extent {
    fn markers(self) -> impl Iterator<Item = &'static str> {
        let others = MARKERS.iter().filter(move |_| self >= Self::Markers);
        SENTENCES.iter().chain(others).copied()
    }
}

pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || name.starts_with(TOKEN_NAME)
}

/// Where a marker stands first.
pub(super) fn first_marker(text: &str, extent: Extent) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    extent.markers().filter_map(|marker| text.find(marker)).min()
}

/// A message without its part that shows it; `None` where there is none.
pub(super) fn redacted(text: &str, token: Option<&str>, extent: Extent) -> Option<String> {
    let kept = first_marker(text, extent)
        .and_then(|at| text.get(..at))
        .map(str::trim_end);
    let has_token = |text: &str| token.is_some_and(|token| text.contains(token));
    match (kept, token) {
        (None, _) if !has_token(text) => None,
        (kept, Some(token)) => Some(kept.unwrap_or(text).replace(token, REDACTED)),
        (kept, None) => kept.map(str::to_owned),
    }
}

/// Where bytes of any shape begin to show it: a marker, an element or a field of a secret name, or the token.
pub(super) fn first_secret(bytes: &[u8], token: Option<&str>, extent: Extent) -> Option<usize> {
    let lower = bytes.to_ascii_lowercase();
    let names = SECRET_NAMES
        .iter()
        .copied()
        .chain([TOKEN_NAME])
        .filter(|_| extent == Extent::Names);
    let elements = names
        .flat_map(|name| [format!("<{name}"), format!("\"{name}")])
        .filter_map(|sought| memmem::find(&lower, sought.as_bytes()));
    let marked = extent
        .markers()
        .filter_map(|marker| memmem::find(&lower, marker.as_bytes()));
    let token = token.filter(|token| !token.is_empty());
    let shown = token.and_then(|token| memmem::find(bytes, token.as_bytes()));
    elements.chain(marked).chain(shown).min()
}
