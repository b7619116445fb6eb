//! Bytes that are no request: why, and the response to them. It is written to the socket, since there is nothing to hand
//! over to a [`Handler`](crate::Handler).

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::CONNECTION;
use http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::handler::Peer;
use super::head_start::HeadStart;

/// How long a client may go on sending after our last byte. Closing with unread bytes in the socket makes the
/// kernel send a reset, and that may overtake the response, so that the client never sees why.
const LINGER: Duration = Duration::from_secs(2);

/// Why a client's bytes were not taken as a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rejection {
    /// The request line has no valid method.
    Method,
    /// The request line does not consist of three words.
    RequestLine,
    /// The version is not `HTTP/1.0` or `HTTP/1.1`.
    Version,
    /// A blank before the colon, which some readers take for a part of the name.
    BlankBeforeColon,
    /// A field that goes on in a next line.
    Folded,
    /// A line without a colon, or whose name is no token.
    FieldName,
    /// A blank or a control character in the target.
    Target {
        /// The character.
        byte: u8,
        /// Its place in the target, from 0.
        offset: u32,
    },
    /// A byte in the authority of a URL that belongs to no host.
    Authority {
        /// The byte.
        byte: u8,
        /// Its place in the target, from 0.
        offset: u32,
    },
    /// A carriage return without a line feed.
    BareCarriageReturn,
    /// Another control character, NUL among them.
    ControlCharacter,
    /// hyper does not take it as a head, or would end it elsewhere.
    NoHead,
    /// Longer than [`ServerLimits::max_header_bytes`](crate::ServerLimits::max_header_bytes).
    HeadTooLong,
    /// More fields than an `http` map holds, which are 16,384.
    TooManyFields,
    /// A request target beyond what HTTP/1 parsers take, which are 65,534 bytes.
    TargetTooLong,
    /// The head was not complete within [`ServerLimits::header_timeout`](crate::ServerLimits::header_timeout).
    HeadTimeout,
    /// The client speaks TLS to a listener that does not.
    Tls,
}

/// Makes the responses to bytes that are no request.
pub trait RejectionHandler: fmt::Debug + Send + Sync + 'static {
    /// The whole response, its `content-length` included. It goes out as it is, by HTTP/1.1 and with `connection: close`,
    /// and the connection ends.
    fn reject(&self, rejection: Rejection, start: &HeadStart, peer: &Peer) -> Response<Bytes>;
}

impl Rejection {
    /// From the status that hyper chose.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::HeadTooLong,
            StatusCode::URI_TOO_LONG => Self::TargetTooLong,
            _ => Self::NoHead,
        }
    }
}

/// Writes the response, closes our side and waits for the client to close its own. Failing is fine: the client is free
/// to have left.
pub(crate) async fn respond<T>(io: &mut T, response: Response<Bytes>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let written = timeout(LINGER, async {
        io.write_all(&on_the_wire(response)).await?;
        io.shutdown().await
    });
    if let Ok(Ok(())) = written.await {
        linger(io).await;
    }
}

fn on_the_wire(response: Response<Bytes>) -> BytesMut {
    let (head, body) = response.into_parts();
    let mut bytes = BytesMut::new();
    // Writing to a buffer in memory cannot fail.
    let _ = write!(bytes, "HTTP/1.1 {}\r\n", head.status);
    for (name, value) in &head.headers {
        bytes.put_slice(name.as_str().as_bytes());
        bytes.put_slice(b": ");
        bytes.put_slice(value.as_bytes());
        bytes.put_slice(b"\r\n");
    }
    if !head.headers.contains_key(CONNECTION) {
        bytes.put_slice(b"connection: close\r\n");
    }
    bytes.put_slice(b"\r\n");
    bytes.put(body);
    bytes
}

/// Takes what the client still sends, until it closes or [`LINGER`] is over.
pub(crate) async fn linger<T: AsyncRead + Unpin>(io: &mut T) {
    // Not on the stack, which here is part of every connection's future.
    let mut rest = vec![0; 4096];
    let drained = async { while matches!(io.read(&mut rest).await, Ok(read) if read > 0) {} };
    // Either way the connection ends now.
    let _ = timeout(LINGER, drained).await;
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_LENGTH;

    use super::*;

    #[test]
    fn a_response_is_written_in_the_order_of_its_fields_and_says_that_the_connection_ends() {
        let mut response = Response::new(Bytes::from_static(b"no\n"));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response.headers_mut().insert(CONTENT_LENGTH, 3.into());
        response.headers_mut().insert("x-reason", "a".parse().unwrap());
        assert_eq!(
            &on_the_wire(response)[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\nx-reason: a\r\nconnection: close\r\n\r\nno\n"
        );
    }

    #[test]
    fn the_status_that_hyper_chose_is_kept() {
        for (status, want) in [
            (StatusCode::BAD_REQUEST, Rejection::NoHead),
            (StatusCode::URI_TOO_LONG, Rejection::TargetTooLong),
            (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Rejection::HeadTooLong),
        ] {
            assert_eq!(Rejection::of_status(status), want);
        }
    }
}
