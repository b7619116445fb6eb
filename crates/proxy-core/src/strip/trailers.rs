//! Trailers of a response: fields that come after its body.

use http::HeaderMap;

use super::{OWN_PREFIX, remove_where};

/// Fields that have a meaning only before the body: framing, routing, content and cookies.
///
/// Source: RFC 9110, section 6.5.1.
const HEAD_ONLY: [&str; 16] = [
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "expires",
    "host",
    "location",
    "proxy-authenticate",
    "retry-after",
    "set-cookie",
    "vary",
    "www-authenticate",
];

/// Removes from a service's trailers what could be merged into the head by whoever reads them, and what only the proxy
/// may send.
pub(crate) fn trailers(trailers: &mut HeaderMap) {
    signer::remove_hop_by_hop(trailers);
    remove_where(trailers, |name| {
        name.starts_with(OWN_PREFIX)
            || name.starts_with("access-control-")
            || HEAD_ONLY.contains(&name)
            || super::is_of_services(name)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_lose_framing_and_own_fields() {
        let mut map = HeaderMap::new();
        for name in HEAD_ONLY.into_iter().chain([
            "connection",
            "transfer-encoding",
            "x-amz-checksum-crc32",
            "x-signing-proxy-error",
            "x-b",
        ]) {
            map.append(name, "x".parse().unwrap());
        }
        map.append("connection", "x-b".parse().unwrap());
        trailers(&mut map);
        assert_eq!(
            map.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(),
            ["x-amz-checksum-crc32"]
        );
    }
}
