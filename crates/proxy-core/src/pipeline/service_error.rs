//! How a service names the error that it responds with, for the record of the request.
//!
//! Read off what passes: the head, else the first bytes of the body as they go to the client. Nothing is waited for,
//! and no more than [`MOST`] bytes are copied, of error responses alone.

use aws_errors::{ErrorResponse, code_in_headers, decoded};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Method, StatusCode};

/// Bytes of a body in which its code is looked for: every protocol has it at the beginning, besides a message.
const MOST: usize = 4 * 1024;

/// What was seen of an error response.
#[derive(Debug)]
pub(super) struct ErrorBody {
    status: StatusCode,
    /// Those that say how the body is read.
    headers: HeaderMap,
    seen: Vec<u8>,
}

impl ErrorBody {
    /// Takes the next piece of the body.
    pub(super) fn push(&mut self, data: &[u8]) {
        let missing = MOST.saturating_sub(self.seen.len());
        self.seen.extend_from_slice(data.get(..missing).unwrap_or(data));
    }

    /// The code, where it was among what was seen.
    pub(super) fn code(&self) -> Option<String> {
        let plain = decoded(&self.headers, &self.seen, MOST);
        let error = ErrorResponse::read(self.status, &self.headers, &plain);
        error.code().map(str::to_owned)
    }
}

/// What there is to know of a response's code.
#[derive(Debug)]
pub(super) enum Naming {
    /// It is no error, or has no place for a code.
    None,
    /// The head says it.
    Code(String),
    /// The body may say it.
    Body(ErrorBody),
}

/// Where the code of a response stands. The bodies of an operator's own applications are theirs: only the head of those
/// counts, where AWS itself rejects a request.
pub(super) fn naming(method: &Method, status: StatusCode, headers: &HeaderMap, is_application: bool) -> Naming {
    let is_error = status.is_client_error() || status.is_server_error();
    // S3 names the region of a bucket by an error document with these.
    let is_elsewhere = status.is_redirection() && status != StatusCode::NOT_MODIFIED;
    if !is_error && !is_elsewhere {
        return Naming::None;
    }
    if let Some(code) = code_in_headers(headers) {
        return Naming::Code(code.to_owned());
    }
    if *method == Method::HEAD || is_application {
        return Naming::None;
    }
    let coding = headers.get(CONTENT_ENCODING).cloned();
    Naming::Body(ErrorBody {
        status,
        headers: coding.map(|coding| (CONTENT_ENCODING, coding)).into_iter().collect(),
        seen: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn of(headers: &[(&'static str, &str)], body: &[u8], is_application: bool) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        match naming(&Method::GET, StatusCode::BAD_REQUEST, &map, is_application) {
            Naming::None => None,
            Naming::Code(code) => Some(code),
            Naming::Body(mut error) => {
                for piece in body.chunks(7) {
                    error.push(piece);
                }
                assert!(error.seen.len() <= MOST);
                error.code()
            }
        }
    }

    #[track_caller]
    fn check(body: impl AsRef<[u8]>, want: Option<&str>) {
        let body = body.as_ref();
        assert_eq!(of(&[], body, false).as_deref(), want, "{body:?}");
    }

    #[test]
    fn the_code_is_in_the_head_or_in_the_body() {
        check("<Error><Code>NoSuchKey</Code></Error>", Some("NoSuchKey"));
        check(
            r#"{"__type":"com.amazonaws.x#ThrottlingException"}"#,
            Some("ThrottlingException"),
        );
        check(b"\xa1\x66__type\x70com.a#Throttling", Some("Throttling"));
        check("<Error><Code>a b</Code></Error>", None);
        for (header, value, want) in [
            (
                "x-amzn-errortype",
                "AccessDeniedException:http://internal.amazon.com/coral/",
                "AccessDeniedException",
            ),
            (
                "x-amzn-query-error",
                "AWS.SimpleQueueService.NonExistentQueue;Sender",
                "AWS.SimpleQueueService.NonExistentQueue",
            ),
            ("x-amz-error-code", "NoSuchKey", "NoSuchKey"),
        ] {
            assert_eq!(of(&[(header, value)], b"<html>", false).as_deref(), Some(want));
        }
    }

    #[test]
    fn only_the_beginning_of_a_body_counts() {
        let long = "x".repeat(2 * MOST);
        check(format!("{{\"code\":\"Early\",\"message\":\"{long}\"}}"), Some("Early"));
        check(format!("{{\"message\":\"{long}\",\"code\":\"Late\"}}"), None);
        check(
            format!("<Error><Code>Early</Code><Message>{long}</Message></Error>"),
            Some("Early"),
        );
    }

    #[test]
    fn compressed_bodies_are_decoded() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(br#"{"__type":"ThrottlingException"}"#).unwrap();
        let compressed = encoder.finish().unwrap();
        let gzip = [("content-encoding", "gzip")];
        assert_eq!(of(&gzip, &compressed, false).as_deref(), Some("ThrottlingException"));
        assert_eq!(of(&gzip, b"{\"code\":\"Plain\"}", false).as_deref(), Some("Plain"));
    }

    #[test]
    fn bodies_of_applications_and_responses_to_head_are_not_read() {
        assert_eq!(of(&[], br#"{"code":"theirs"}"#, true), None);
        let rejected = [("x-amzn-errortype", "AccessDeniedException")];
        assert_eq!(of(&rejected, b"", true).as_deref(), Some("AccessDeniedException"));
        for (method, status) in [(Method::HEAD, 404), (Method::GET, 200), (Method::GET, 304)] {
            let status = StatusCode::from_u16(status).unwrap();
            let naming = naming(&method, status, &HeaderMap::new(), false);
            assert!(matches!(naming, Naming::None), "{method} {status}");
        }
        let elsewhere = naming(&Method::GET, StatusCode::MOVED_PERMANENTLY, &HeaderMap::new(), false);
        assert!(matches!(elsewhere, Naming::Body(_)));
    }
}
