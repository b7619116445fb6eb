//! Which texts show what a signature was made of.

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

/// Where a message begins to show it, in lower case; up to its end. Messages in which an algorithm is only named stay.
const MARKERS: [&str; 13] = [
    "the canonical string for this request",
    "the canonical request for this request",
    "the string-to-sign should",
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

pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || name.starts_with(TOKEN_NAME)
}

/// Where a marker stands first.
pub(super) fn first_marker(text: &str) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    MARKERS.iter().filter_map(|marker| text.find(marker)).min()
}

/// A message without its part that shows it; `None` where there is none.
pub(super) fn redacted(text: &str, token: Option<&str>) -> Option<String> {
    let kept = first_marker(text).and_then(|at| text.get(..at)).map(str::trim_end);
    let has_token = |text: &str| token.is_some_and(|token| text.contains(token));
    match (kept, token) {
        (None, _) if !has_token(text) => None,
        (kept, Some(token)) => Some(kept.unwrap_or(text).replace(token, REDACTED)),
        (kept, None) => kept.map(str::to_owned),
    }
}

/// Where bytes of any shape begin to show it: a marker, an element or a field of a secret name, or the token.
pub(super) fn first_secret(bytes: &[u8], token: Option<&str>) -> Option<usize> {
    let lower = bytes.to_ascii_lowercase();
    let names = SECRET_NAMES.iter().copied().chain([TOKEN_NAME]);
    let elements = names
        .flat_map(|name| [format!("<{name}"), format!("\"{name}")])
        .filter_map(|sought| find(&lower, sought.as_bytes()));
    let marked = MARKERS.iter().filter_map(|marker| find(&lower, marker.as_bytes()));
    let token = token.filter(|token| !token.is_empty());
    let shown = token.and_then(|token| find(bytes, token.as_bytes()));
    elements.chain(marked).chain(shown).min()
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    let (first, _) = sought.split_first()?;
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|byte| byte == first)?;
        if bytes.get(at..)?.starts_with(sought) {
            return Some(at);
        }
        from = at + 1;
    }
}
