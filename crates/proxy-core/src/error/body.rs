//! The error response for a body that could not be read, stored or signed.

use request_body::{BodyError, BodyErrorKind};

use super::{ErrorCode, ProxyError};

impl From<BodyError> for ProxyError {
    fn from(error: BodyError) -> Self {
        let response = Self::from(error.kind());
        match error.into_cause() {
            Some(cause) => response.with_cause(cause),
            None => response,
        }
    }
}

impl From<BodyErrorKind> for ProxyError {
    fn from(kind: BodyErrorKind) -> Self {
        match kind {
            BodyErrorKind::TooLarge { max } => Self::new(ErrorCode::BodyTooLarge).with_hint(format!(
                "The connection takes up to {max} bytes: use a multipart upload, or raise limits.max_body."
            )),
            BodyErrorKind::Timeout => Self::new(ErrorCode::BodyTimeout),
            BodyErrorKind::TooSlow => Self::new(ErrorCode::BodyTooSlow),
            BodyErrorKind::Incomplete => Self::new(ErrorCode::BodyIncomplete),
            BodyErrorKind::AwsChunkedHead(error) => Self::new(ErrorCode::AwsChunkedMalformed)
                .with_hint(format!("In the head of the aws-chunked body: {error}.")),
            BodyErrorKind::AwsChunked(error) => Self::new(ErrorCode::AwsChunkedMalformed)
                .with_hint(format!("In the aws-chunked body {error}. A plain body is fine as well.")),
            BodyErrorKind::EventStream(error) => {
                Self::new(ErrorCode::EventStreamMalformed).with_hint(format!("In the event stream {error}."))
            }
            // Without a time to try again at: not even alone.
            BodyErrorKind::LargerThanSpool => Self::new(ErrorCode::SpoolFull).with_hint(
                "The body alone is larger than server.spool_max, but for server.reserve_percent of it, allows: raise it, or \
                 use a multipart upload with parts below limits.memory_body.",
            ),
            BodyErrorKind::SpoolExhausted(exhausted) => Self::exhausted(exhausted, ErrorCode::SpoolFull)
                .with_hint("Try again when fewer bodies are under way, or raise server.spool_max."),
            BodyErrorKind::SpoolFull => Self::new(ErrorCode::SpoolFull),
            BodyErrorKind::SpoolFailed => Self::new(ErrorCode::SpoolFailed),
            BodyErrorKind::MemoryExhausted(exhausted) => Self::exhausted(exhausted, ErrorCode::MemoryBusy),
            BodyErrorKind::Signing => Self::new(ErrorCode::Internal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use request_body::{AwsChunkedError, AwsChunkedHeadError, EventStreamError};
    use resource_limits::Exhausted;

    #[test]
    fn each_kind_has_its_code_and_its_hint() {
        for (kind, code, hint) in [
            (
                BodyErrorKind::TooLarge { max: 4_194_304 },
                ErrorCode::BodyTooLarge,
                "up to 4194304 bytes",
            ),
            (BodyErrorKind::Timeout, ErrorCode::BodyTimeout, ""),
            (BodyErrorKind::TooSlow, ErrorCode::BodyTooSlow, ""),
            (BodyErrorKind::Incomplete, ErrorCode::BodyIncomplete, ""),
            (
                BodyErrorKind::AwsChunkedHead(AwsChunkedHeadError::Trailer),
                ErrorCode::AwsChunkedMalformed,
                "In the head of the aws-chunked body: x-amz-trailer names",
            ),
            (
                BodyErrorKind::AwsChunked(AwsChunkedError::Length),
                ErrorCode::AwsChunkedMalformed,
                "x-amz-decoded-content-length",
            ),
            (
                BodyErrorKind::EventStream(EventStreamError::Truncated),
                ErrorCode::EventStreamMalformed,
                "In the event stream the last message",
            ),
            (BodyErrorKind::LargerThanSpool, ErrorCode::SpoolFull, "alone is larger"),
            (
                BodyErrorKind::SpoolExhausted(Exhausted::Full),
                ErrorCode::SpoolFull,
                "server.spool_max",
            ),
            (
                BodyErrorKind::SpoolExhausted(Exhausted::OverShare),
                ErrorCode::ClientOverShare,
                "Try again",
            ),
            (BodyErrorKind::SpoolFull, ErrorCode::SpoolFull, ""),
            (BodyErrorKind::SpoolFailed, ErrorCode::SpoolFailed, ""),
            (
                BodyErrorKind::MemoryExhausted(Exhausted::Full),
                ErrorCode::MemoryBusy,
                "",
            ),
            (BodyErrorKind::Signing, ErrorCode::Internal, ""),
        ] {
            let error = ProxyError::from(BodyError::from(kind));
            assert_eq!(error.code(), code, "{kind:?}");
            assert!(error.hint().contains(hint), "{kind:?}: {}", error.hint());
        }
    }

    #[test]
    fn only_a_body_that_could_fit_later_has_a_time_to_try_again_at() {
        let seconds = |kind| ProxyError::from(BodyError::from(kind)).retry_after_seconds();
        assert_eq!(seconds(BodyErrorKind::SpoolExhausted(Exhausted::Full)), Some(1));
        assert_eq!(seconds(BodyErrorKind::LargerThanSpool), None);
    }
}
