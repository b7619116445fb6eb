//! The host that is signed and sent.

use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::Scheme;

use crate::error::SignError;
use crate::escape::ByteSet;

/// What a host is made of, capitals aside. User names and lists have no business here; brackets and colons are IPv6's.
static LOWER_CASE_HOST: ByteSet = ByteSet::of(b"abcdefghijklmnopqrstuvwxyz0123456789-._:[]");

/// The host as it goes on the wire and into the signature: lower case, without the scheme's default port.
///
/// From the `Host` header, else from the URI's authority. Where the URI has no scheme it is taken for https.
pub(crate) fn signed_host(head: &Parts) -> Result<Cow<'_, str>, SignError> {
    let mut given = head.headers.get_all(HOST).iter();
    let host = match (given.next(), given.next()) {
        (Some(_), Some(_)) => return Err(SignError::RepeatedHost),
        (Some(value), None) => value.to_str().map_err(|_| SignError::InvalidHost)?,
        (None, _) => head.uri.authority().ok_or(SignError::NoHost)?.as_str(),
    };
    let default_port = if head.uri.scheme() == Some(&Scheme::HTTP) {
        ":80"
    } else {
        ":443"
    };
    let host = host.strip_suffix(default_port).unwrap_or(host);
    let is_host = |text: &str| !text.is_empty() && text.bytes().all(|byte| LOWER_CASE_HOST.contains(byte));
    if is_host(host) {
        return Ok(Cow::Borrowed(host));
    }
    let lower = host.to_ascii_lowercase();
    if is_host(&lower) {
        Ok(Cow::Owned(lower))
    } else {
        Err(SignError::InvalidHost)
    }
}
