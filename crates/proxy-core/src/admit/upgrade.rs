//! Which protocols a client may request a switch to: none, and for one of them it has to know that.

use http::header::UPGRADE;
use http::request::Parts;
use http::{HeaderValue, Version};

use crate::error::{ErrorCode, ProxyError};

/// Checks a request's `Upgrade`.
///
/// A server may ignore the field (RFC 9110, section 7.8), and clients that offer `h2c`, such as Java's and
/// `curl --http2`, go on in HTTP/1.1. A WebSocket client cannot: what it sends is an incomplete request, to which services
/// respond with something puzzling.
///
/// # Errors
///
/// [`ErrorCode::UpgradeUnsupported`] where it names WebSocket.
pub fn check_upgrade(head: &Parts) -> Result<(), ProxyError> {
    // HTTP/1.0 knows no such switch, and its `Upgrade` must be ignored. HTTP/2 has no such field.
    let is_websocket = head.version == Version::HTTP_11 && head.headers.get_all(UPGRADE).iter().any(names_websocket);
    if is_websocket {
        return Err(ErrorCode::UpgradeUnsupported.into());
    }
    Ok(())
}

/// Whether it is among the protocols of the list, whatever the version behind its name.
fn names_websocket(value: &HeaderValue) -> bool {
    value.as_bytes().split(|byte| *byte == b',').any(|protocol| {
        let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"websocket")
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(version: Version, values: &[&str]) -> Option<ErrorCode> {
        let mut request = Request::get("/").version(version);
        for value in values {
            request = request.header("upgrade", *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        check_upgrade(&head).err().map(|error| error.code())
    }

    #[test]
    fn websockets_are_unsupported_in_any_spelling() {
        for values in [
            &["websocket"][..],
            &["WebSocket"],
            &[" websocket/13"],
            &["h2c, websocket"],
            &["h2c", "x,,websocket"],
        ] {
            let got = check(Version::HTTP_11, values);
            assert_eq!(got, Some(ErrorCode::UpgradeUnsupported), "{values:?}");
        }
    }

    #[test]
    fn every_other_protocol_is_ignored() {
        for values in [
            &[][..],
            &["h2c"],
            &["TLS/1.0, HTTP/2.0"],
            &[""],
            &["websockets"],
            &["x-websocket, x/websocket"],
        ] {
            assert_eq!(check(Version::HTTP_11, values), None, "{values:?}");
        }
        assert_eq!(check(Version::HTTP_10, &["websocket"]), None);
    }
}
