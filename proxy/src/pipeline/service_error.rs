//! How a service names the error that it responds with, for the record of the request.
//!
//! Read off what passes: the head, else the first bytes of the body as they go to the client. Nothing is waited for,
//! and no more than [`MOST`] bytes are copied, of error responses alone.
//!
//! Sources: S3 API reference, "Error responses"; the error sections of Smithy's AWS protocols (`awsJson1_1`, `restJson1`,
//! `restXml`, `awsQuery`, `ec2Query`, `rpcv2Cbor`).

use std::fmt;
use std::io::Read as _;

use flate2::read::GzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::rejection::{bare, cbor_text, code_in, xml_text};

/// Bytes of a body in which its code is looked for: every protocol has it at the beginning, besides a message.
const MOST: usize = 4 * 1024;

/// The longest code, in characters. The longest of EC2's has some 70.
const LONGEST: usize = 96;

/// S3's website endpoints have HTML for a body, and say the code beside it.
const OF_WEBSITES: &str = "x-amz-error-code";

/// What was seen of an error response's body.
#[derive(Debug)]
pub(super) struct ErrorBody {
    is_gzip: bool,
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
        if !self.is_gzip {
            return code_in_body(&self.seen);
        }
        let mut plain = Vec::new();
        let limit = u64::try_from(MOST).unwrap_or(u64::MAX);
        // The beginning of a longer one ends in a fault; what came before it counts.
        drop(GzDecoder::new(self.seen.as_slice()).take(limit).read_to_end(&mut plain));
        code_in_body(&plain)
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
    let in_website = || headers.get(OF_WEBSITES)?.to_str().ok();
    if let Some(code) = code_in(headers).or_else(in_website).and_then(checked) {
        return Naming::Code(code);
    }
    if *method == Method::HEAD || is_application {
        return Naming::None;
    }
    let coding = headers.get(CONTENT_ENCODING);
    Naming::Body(ErrorBody {
        is_gzip: coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip")),
        seen: Vec::new(),
    })
}

/// The code that a body, or its beginning, has in one of AWS's shapes.
fn code_in_body(beginning: &[u8]) -> Option<String> {
    match beginning.iter().find(|byte| !byte.is_ascii_whitespace())? {
        b'<' => checked(xml_text(&String::from_utf8_lossy(beginning), "<Code>", "</Code>")?.trim()),
        b'{' => in_json(beginning),
        0xa0..=0xbf => checked(bare(cbor_text(beginning, "__type")?)),
        _ => None,
    }
}

fn in_json(beginning: &[u8]) -> Option<String> {
    let mut named = Named::default();
    // A beginning ends in a fault; what was read before it counts.
    drop(serde_json::Deserializer::from_slice(beginning).deserialize_map(&mut named));
    named.code()
}

/// What an object calls its error: AWS JSON by `__type`, REST JSON by `code`, and Query in JSON by a nested `Code`.
#[derive(Debug, Default)]
struct Named {
    kind: Option<String>,
    code: Option<String>,
    nested: Option<String>,
}

impl Named {
    fn code(self) -> Option<String> {
        self.kind.or(self.code).or(self.nested)
    }
}

impl<'de> Visitor<'de> for &mut Named {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "__type" => self.kind = text(&map.next_value()?),
                "code" | "Code" => self.code = text(&map.next_value()?),
                "error" | "Error" => {
                    let value: Value = map.next_value()?;
                    let names = ["Code", "code", "type"];
                    self.nested = names.iter().find_map(|name| text(value.get(*name)?));
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn text(value: &Value) -> Option<String> {
    checked(bare(value.as_str()?))
}

/// A code as AWS writes them; anything else is the service's own text, which is not logged.
fn checked(code: &str) -> Option<String> {
    let is_code = (1..=LONGEST).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    is_code.then(|| code.to_owned())
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
    fn every_protocol_has_its_place_for_the_code() {
        check(
            "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code></Error>",
            Some("NoSuchKey"),
        );
        check(
            "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code></Error></Errors></Response>",
            Some("InvalidInstanceID.NotFound"),
        );
        check(
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}"#,
            Some("ResourceNotFoundException"),
        );
        check(
            r#"{"message":"m","code":"ThrottlingException"}"#,
            Some("ThrottlingException"),
        );
        check(
            r#"{"Error":{"Type":"Sender","Code":"ExpiredToken"}}"#,
            Some("ExpiredToken"),
        );
        check(
            r#"{"error":{"message":"m","type":"rate_limit_error","code":null}}"#,
            Some("rate_limit_error"),
        );
        check(
            b"\xa2\x66__type\x78\x1dcom.amazonaws.x#SomeException\x67message\x61m",
            Some("SomeException"),
        );
        check(
            b"\xa2\x66__type\x70com.a#Throttling\x67message\x61m",
            Some("Throttling"),
        );
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
    fn what_is_no_code_is_left_out() {
        check("", None);
        check("<html><code>x</code></html>", None);
        check("<Error><Code>a b</Code></Error>", None);
        check("<Error><Code>\u{1b}[2J</Code></Error>", None);
        check(format!("<Error><Code>{}</Code></Error>", "x".repeat(LONGEST + 1)), None);
        check(r#"{"__type":12,"code":["x"]}"#, None);
        check(r#"["code"]"#, None);
        assert_eq!(of(&[("x-amzn-errortype", "a b")], b"", false), None);
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
    fn packed_bodies_are_unpacked() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(br#"{"__type":"ThrottlingException"}"#).unwrap();
        let packed = encoder.finish().unwrap();
        let gzip = [("content-encoding", "gzip")];
        assert_eq!(of(&gzip, &packed, false).as_deref(), Some("ThrottlingException"));
        assert_eq!(of(&gzip, b"{\"code\":\"Plain\"}", false), None);
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
