//! Answers to what never became a request: written to the socket, since there is nothing to hand over.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::BytesMut;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a client may go on sending after our last byte. Closing with unread bytes in the socket makes the
/// kernel send a reset, and that may overtake the answer, so that the client never sees why.
const LINGER: Duration = Duration::from_secs(2);

/// Why a client's bytes were not taken as a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `head-malformed`: no valid HTTP/1 request line and header fields.
    HeadMalformed,
    /// `head-too-large`: longer than `server.max_header_bytes`.
    HeadTooLarge,
    /// `target-too-long`: a request target beyond what HTTP/1 parsers take (65,534 bytes).
    TargetTooLong,
    /// `head-timeout`: the head was not complete within `server.header_timeout`.
    HeadTimeout,
    /// `tls-unsupported`: the client speaks TLS to a listener that does not.
    TlsUnsupported,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::HeadMalformed,
        Self::HeadTooLarge,
        Self::TargetTooLong,
        Self::HeadTimeout,
        Self::TlsUnsupported,
    ];

    /// From the status that hyper chose.
    pub(crate) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::HeadTooLarge,
            StatusCode::URI_TOO_LONG => Self::TargetTooLong,
            _ => Self::HeadMalformed,
        }
    }

    /// The name in `x-signing-proxy-error`, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeadMalformed => "head-malformed",
            Self::HeadTooLarge => "head-too-large",
            Self::TargetTooLong => "target-too-long",
            Self::HeadTimeout => "head-timeout",
            Self::TlsUnsupported => "tls-unsupported",
        }
    }

    /// The status it is answered with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::HeadMalformed | Self::TlsUnsupported => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTimeout => StatusCode::REQUEST_TIMEOUT,
        }
    }

    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::HeadMalformed => "the request line or a header field is not valid HTTP/1",
            Self::HeadTooLarge => "the request head is too large",
            Self::TargetTooLong => "the request target is too long",
            Self::HeadTimeout => "the request head did not arrive in time",
            Self::TlsUnsupported => "this listener speaks plain HTTP, the client began with TLS",
        }
    }

    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::HeadMalformed => {
                "Percent-encode spaces and control characters in the target; keep header fields to one line each."
            }
            Self::HeadTooLarge => "Send fewer or shorter header fields, or raise server.max_header_bytes.",
            Self::TargetTooLong => "Send the parameters in a POST body where the service allows it.",
            Self::HeadTimeout => "Send the head at once, or raise server.header_timeout.",
            Self::TlsUnsupported => "Use http:// for the proxy's address; it speaks TLS to the service itself.",
        }
    }

    /// The whole answer; the connection ends after it.
    pub(crate) fn answer(self, hint: &str, request_id: &str) -> BytesMut {
        let body = serde_json::json!({
            "error": {
                "code": self.name(),
                "message": self.message(),
                "hint": hint,
                "request_id": request_id,
            }
        });
        let body = format!("{body}\n");
        let mut answer = BytesMut::new();
        // Writing to a buffer in memory cannot fail.
        let _ = write!(
            answer,
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
             connection: close\r\nx-signing-proxy-error: {}\r\nx-signing-proxy-request-id: {request_id}\r\n\r\n{body}",
            self.status(),
            body.len(),
            self.name(),
        );
        answer
    }
}

/// Writes the answer, closes our side and waits for the client to close its own. Failing is fine: the
/// client is free to have left.
pub(crate) async fn refuse<T>(io: &mut T, refusal: Refusal, hint: &str, request_id: &str)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let written = timeout(LINGER, async {
        io.write_all(&refusal.answer(hint, request_id)).await?;
        io.shutdown().await
    });
    if let Ok(Ok(())) = written.await {
        linger(io).await;
    }
}

/// Takes what the client still sends, until it closes or [`LINGER`] is over.
pub(crate) async fn linger<T: AsyncRead + Unpin>(io: &mut T) {
    // Not on the stack, which here is part of every connection's future.
    let mut rest = vec![0; 4096];
    let drained = async { while matches!(io.read(&mut rest).await, Ok(read) if read > 0) {} };
    // Either way the connection ends now.
    let _ = timeout(LINGER, drained).await;
}

/// An id for an answer that no request record belongs to.
pub(crate) fn fresh_request_id() -> String {
    let mut random = [0; 16];
    // Without randomness an id of zeros still answers; the next TLS handshake will say what is wrong.
    let _ = aws_lc_rs::rand::fill(&mut random);
    random.iter().fold(String::with_capacity(32), |mut id, byte| {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_the_shape_of_our_errors() {
        for refusal in Refusal::ALL {
            let answer = String::from_utf8(refusal.answer(refusal.hint(), "r-1").to_vec()).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with(&format!("HTTP/1.1 {} ", refusal.status().as_u16())),
                "{head}"
            );
            assert!(
                head.contains(&format!("\r\nx-signing-proxy-error: {}\r\n", refusal.name())),
                "{head}"
            );
            assert!(
                head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
                "{head}"
            );
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], refusal.name());
            assert_eq!(body["error"]["request_id"], "r-1");
            assert!(body["error"]["hint"].as_str().unwrap().ends_with('.'));
        }
    }
}
