//! HTTP/1 or HTTP/2, distinguished by the first bytes.
//!
//! hyper-util's automatic choice waits for them without any deadline (hyper #3756), so that a silent client or
//! half an HTTP/2 preface holds a connection for ever; here each wait ends.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout_at;

use super::activity::{Activity, Expiry};

/// Source: RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first bytes of a TLS handshake record: type 22, major version 3.
const TLS_HANDSHAKE: &[u8] = &[22, 3];

/// What a client's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientProtocol {
    Http1,
    Http2,
    /// TLS to a listener that speaks none; the client's URL says `https`.
    Tls,
}

/// How looking at the first bytes ended.
#[derive(Debug)]
pub(crate) enum Detected {
    /// The protocol, and the bytes read so far.
    Protocol(ClientProtocol, Bytes),
    /// The client closed or broke the connection before it said enough.
    Disconnected,
    /// It took too long.
    Expired(Expiry),
}

/// Reads until the protocol is clear: at most the preface's 24 bytes, within the header timeout for the first
/// byte and once more for the others.
pub(crate) async fn detect<T: AsyncRead + Unpin>(io: &mut T, activity: &Activity) -> Detected {
    let mut read = BytesMut::with_capacity(PREFACE.len());
    loop {
        let (deadline, expiry) = activity.due();
        let more: io::Result<usize> = match timeout_at(deadline, io.take(missing(&read)).read_buf(&mut read)).await {
            Ok(more) => more,
            Err(_) => match expiry {
                Some(expiry) => return Detected::Expired(expiry),
                // Another connection may have the place from now on; whoever polls this looks whether one has.
                None => continue,
            },
        };
        match more {
            Ok(0) if !read.is_empty() => return Detected::Protocol(ClientProtocol::Http1, read.freeze()),
            Ok(0) | Err(_) => return Detected::Disconnected,
            Ok(_) => {
                activity.received();
            }
        }
        if let Some(protocol) = protocol_of(&read) {
            return Detected::Protocol(protocol, read.freeze());
        }
    }
}

fn missing(read: &[u8]) -> u64 {
    PREFACE.len().saturating_sub(read.len()) as u64
}

/// The protocol that begins with `bytes`; `None` while they are not enough.
fn protocol_of(bytes: &[u8]) -> Option<ClientProtocol> {
    if bytes.starts_with(PREFACE) {
        Some(ClientProtocol::Http2)
    } else if PREFACE.starts_with(bytes) || bytes == TLS_HANDSHAKE.get(..1)? {
        None
    } else if bytes.starts_with(TLS_HANDSHAKE) {
        Some(ClientProtocol::Tls)
    } else {
        Some(ClientProtocol::Http1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], want: Option<ClientProtocol>) {
        assert_eq!(protocol_of(bytes), want, "{bytes:?}");
    }

    #[test]
    fn the_first_byte_decides_for_most_requests() {
        check(b"G", Some(ClientProtocol::Http1));
        check(b"GET / HTTP/1.1\r\n", Some(ClientProtocol::Http1));
        check(b"\r\nGET /", Some(ClientProtocol::Http1));
    }

    #[test]
    fn methods_that_begin_like_the_preface_are_not_taken_for_it() {
        check(b"P", None);
        check(b"PUT /key HTTP/1.1\r\n", Some(ClientProtocol::Http1));
        check(b"PRI * HTTP/1.1\r\n", Some(ClientProtocol::Http1));
        check(b"PRI /x", Some(ClientProtocol::Http1));
    }

    #[test]
    fn the_preface_is_known_only_by_all_of_its_bytes() {
        check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", None);
        check(PREFACE, Some(ClientProtocol::Http2));
    }

    #[test]
    fn tls_is_recognised() {
        check(&[22], None);
        check(&[22, 3, 1, 2, 0, 1], Some(ClientProtocol::Tls));
        check(&[22, 10], Some(ClientProtocol::Http1));
    }
}
