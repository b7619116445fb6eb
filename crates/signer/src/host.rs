//! The host that is signed and sent.

use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::Scheme;

use crate::error::SignError;

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
    // User names and lists have no business here; brackets and colons are IPv6's.
    let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host_byte) {
        return Err(SignError::InvalidHost);
    }
    Ok(if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    })
}
