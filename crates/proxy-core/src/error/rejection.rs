//! The error of bytes that are no request.

use http_server::Rejection;

use super::{ErrorCode, ProxyError};

impl From<Rejection> for ProxyError {
    fn from(rejection: Rejection) -> Self {
        let (code, hint) = match rejection {
            Rejection::Target { byte, offset } => {
                return Self::new(ErrorCode::HeadMalformed).with_hint(format!(
                    "Percent-encode byte {offset} of the target (counted from 0), which is 0x{byte:02x}: write it %{byte:02X}."
                ));
            }
            Rejection::Authority { byte, offset } => {
                return Self::new(ErrorCode::HeadMalformed).with_hint(format!(
                    "Remove byte {offset} of the target (counted from 0), which is 0x{byte:02x}: no host has it in its name."
                ));
            }
            Rejection::RequestLine | Rejection::NoHead => return ErrorCode::HeadMalformed.into(),
            Rejection::HeadTooLong => return ErrorCode::HeadTooLarge.into(),
            Rejection::TargetTooLong => return ErrorCode::TargetTooLong.into(),
            Rejection::HeadTimeout => return ErrorCode::HeadTimeout.into(),
            Rejection::Tls => return ErrorCode::TlsUnsupported.into(),
            Rejection::Method => (
                ErrorCode::HeadMalformed,
                "Begin with a method such as GET; percent-encode spaces in the target.",
            ),
            Rejection::Version => (
                ErrorCode::HeadMalformed,
                "End the request line with the version: 1.1 or 1.0, behind HTTP and a slash.",
            ),
            Rejection::BlankBeforeColon => (
                ErrorCode::HeadMalformed,
                "Put the colon directly behind the name of each header field.",
            ),
            Rejection::Folded => (ErrorCode::HeadMalformed, "Keep each header field to one line."),
            Rejection::FieldName => (
                ErrorCode::HeadMalformed,
                "Begin each header field with its name and a colon.",
            ),
            Rejection::BareCarriageReturn => (
                ErrorCode::HeadMalformed,
                "Remove the carriage return from the request line or header field, or send CR LF.",
            ),
            Rejection::ControlCharacter => (
                ErrorCode::HeadMalformed,
                "Remove the control character from the request line or header field.",
            ),
            Rejection::TooManyFields => (ErrorCode::HeadTooLarge, "Send at most 16,384 header fields."),
        };
        Self::new(code).with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::render_rejection;
    use super::*;

    /// As the server writes it: status, fields in their order, body.
    #[track_caller]
    fn check(rejection: Rejection, status: u16, want: &str) {
        let (head, body) = render_rejection(&rejection.into(), "r-1").into_parts();
        assert_eq!(head.status.as_u16(), status);
        let fields: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
            .collect();
        assert_eq!(format!("{}\n{}", fields.concat(), String::from_utf8_lossy(&body)), want);
    }

    #[test]
    fn a_rejection_is_rendered_byte_for_byte_as_it_is_documented() {
        check(
            Rejection::HeadTimeout,
            408,
            "content-type: application/json\ncontent-length: 169\ncache-control: no-store\nconnection: close\n\
             x-signing-proxy-error: head-timeout\nx-signing-proxy-request-id: r-1\n\n\
             {\"error\":{\"code\":\"head-timeout\",\"hint\":\"Send the head at once, or raise server.header_timeout.\",\
             \"message\":\"the request head did not arrive in time\",\"request_id\":\"r-1\"}}\n",
        );
    }

    #[test]
    fn each_reason_has_a_code_and_a_hint_that_ends_as_a_sentence() {
        for (rejection, code, status) in [
            (Rejection::Method, "head-malformed", 400),
            (Rejection::NoHead, "head-malformed", 400),
            (Rejection::Target { byte: b' ', offset: 2 }, "head-malformed", 400),
            (Rejection::HeadTooLong, "head-too-large", 431),
            (Rejection::TooManyFields, "head-too-large", 431),
            (Rejection::TargetTooLong, "target-too-long", 414),
            (Rejection::HeadTimeout, "head-timeout", 408),
            (Rejection::Tls, "tls-unsupported", 400),
        ] {
            let error = ProxyError::from(rejection);
            assert_eq!((error.code().name(), error.code().status().as_u16()), (code, status));
            assert!(error.hint().ends_with('.') && error.code().ends_connection());
        }
    }
}
