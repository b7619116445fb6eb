//! An error as the client can read it: JSON, or XML in the shape of the service it spoke to.

use std::fmt::Write as _;

use aws_endpoints::Protocol;
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_server::CloseConnection;

use super::{ErrorCode, ProxyError};

/// Names the error on every response that is ours, and the notice on the service's.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("x-signing-proxy-error");

/// Says which request a response belongs to, on every response.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-signing-proxy-request-id");

/// How the texts of the proxy's own errors begin where SDKs show them: other programs' do not.
pub const SPOKEN: &str = "signing-proxy: ";

/// How an error's body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorShape {
    /// `{"error":{…}}`, with the `__type` and `message` beside it that SDKs of the JSON protocols read.
    Json,
    /// `<Error>`, as S3 and the other REST XML services write it.
    RestXml,
    /// `<Response><Errors>`, as EC2 writes it.
    Ec2Xml,
    /// `<ErrorResponse>`, as the Query protocol writes it.
    QueryXml,
}

impl ErrorShape {
    /// The shape the client can read: the service's own, unless `Accept` prefers the other kind.
    ///
    /// `protocol` is `None` as long as it is not known which service the client means.
    #[must_use]
    pub fn choose(accept: Accept, protocol: Option<Protocol>) -> Self {
        let own = match protocol {
            Some(Protocol::RestXml) => Self::RestXml,
            Some(Protocol::Ec2) => Self::Ec2Xml,
            Some(Protocol::Query) => Self::QueryXml,
            Some(_) | None => Self::Json,
        };
        let is_xml = matches!(own, Self::RestXml | Self::Ec2Xml | Self::QueryXml);
        match (accept, is_xml) {
            (Accept::Json, true) => Self::Json,
            (Accept::Xml, false) => Self::RestXml,
            (Accept::Json | Accept::Xml | Accept::Any, _) => own,
        }
    }
}

/// What `Accept` prefers where it names exactly one of the two kinds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Accept {
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// Both or neither.
    Any,
}

impl Accept {
    /// Reads a request's headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut json = false;
        let mut xml = false;
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                let media_type = range.split(';').next().unwrap_or_default().trim();
                let subtype = media_type.split_once('/').map_or("", |(_, subtype)| subtype);
                json |= subtype.eq_ignore_ascii_case("json");
                xml |= subtype.eq_ignore_ascii_case("xml");
            }
        }
        match (json, xml) {
            (true, false) => Self::Json,
            (false, true) => Self::Xml,
            _ => Self::Any,
        }
    }
}

/// The response to the client. The caller leaves the body out where the request was a HEAD.
pub fn render(error: &ProxyError, request_id: &str, shape: ErrorShape) -> Response<Bytes> {
    let (body, content_type) = match shape {
        ErrorShape::Json => (json(error, request_id), "application/json"),
        ErrorShape::RestXml | ErrorShape::Ec2Xml | ErrorShape::QueryXml => {
            (xml(error, request_id, shape), "application/xml")
        }
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = error.code().status();
    let length = response.body().len();
    let headers = response.headers_mut();
    headers.insert(ERROR_HEADER, HeaderValue::from_static(error.code().name()));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.code().ends_connection() {
        response.extensions_mut().insert(CloseConnection);
    }
    let headers = response.headers_mut();
    if matches!(
        error.code(),
        ErrorCode::ConnectUnsupported | ErrorCode::TraceUnsupported
    ) {
        headers.insert(
            ALLOW,
            HeaderValue::from_static("GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS"),
        );
    }
    response
}

/// The response to what is no request, for a connection that ends. Nobody knows which service was meant, nor whether the
/// client reads XML: it is JSON without what SDKs look for.
pub fn render_rejection(error: &ProxyError, request_id: &str) -> Response<Bytes> {
    let body = serde_json::json!({ "error": error_object(error, request_id) });
    let body = format!("{body}\n");
    let length = body.len();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = error.code().status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(ERROR_HEADER, HeaderValue::from_static(error.code().name()));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    response
}

/// What stands where an SDK looks for the error's code: ours, or the service's own word for a denial by policy or for too
/// many requests, which programs know how to take. All SDKs try again after the latter.
fn code(error: &ProxyError, shape: ErrorShape) -> &'static str {
    match (error.code(), shape) {
        (ErrorCode::ActionDenied | ErrorCode::ActionUnknown | ErrorCode::CredentialsNotVended, shape) => match shape {
            ErrorShape::Json => "AccessDeniedException",
            ErrorShape::Ec2Xml => "UnauthorizedOperation",
            ErrorShape::RestXml | ErrorShape::QueryXml => "AccessDenied",
        },
        (throttled, ErrorShape::Json) if throttled.is_throttling() => "ThrottlingException",
        (throttled, ErrorShape::Ec2Xml) if throttled.is_throttling() => "RequestLimitExceeded",
        (throttled, ErrorShape::QueryXml) if throttled.is_throttling() => "Throttling",
        (throttled, ErrorShape::RestXml) if throttled.is_throttling() => "SlowDown",
        (ours, _) => ours.name(),
    }
}

fn error_object(error: &ProxyError, request_id: &str) -> serde_json::Value {
    serde_json::json!({
        "code": error.code().name(),
        "message": error.to_string(),
        "hint": error.hint(),
        "request_id": request_id,
    })
}

fn json(error: &ProxyError, request_id: &str) -> String {
    let body = serde_json::json!({
        "error": error_object(error, request_id),
        "__type": code(error, ErrorShape::Json),
        "message": sentence(error),
    });
    format!("{body}\n")
}

fn xml(error: &ProxyError, request_id: &str, shape: ErrorShape) -> String {
    let code = code(error, shape);
    let message = Escaped(&sentence(error)).to_string();
    let kind = if error.code().status().is_client_error() {
        "Sender"
    } else {
        "Receiver"
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = match shape {
        ErrorShape::Ec2Xml => writeln!(
            text,
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>{request_id}</RequestID></Response>"
        ),
        ErrorShape::QueryXml => writeln!(
            text,
            "<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>{request_id}</RequestId></ErrorResponse>"
        ),
        ErrorShape::RestXml | ErrorShape::Json => writeln!(
            text,
            "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
        ),
    };
    text
}

/// Message and hint in one text, for shapes that have no place for a hint.
fn sentence(error: &ProxyError) -> String {
    format!("{SPOKEN}{error}. {}", error.hint())
}

/// Text inside an XML element.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(shape: ErrorShape) -> String {
        let error = ProxyError::new(ErrorCode::NoConnection).with_hint("Use <a> & b.");
        let response = render(&error, "r-1", shape);
        assert_eq!(response.headers()["x-signing-proxy-error"], "no-connection");
        assert_eq!(response.status(), 403);
        assert_eq!(
            response.headers()[CONTENT_LENGTH],
            response.body().len().to_string().as_str()
        );
        String::from_utf8(response.into_body().to_vec()).unwrap()
    }

    #[test]
    fn json_has_code_message_hint_and_request_id() {
        let body: serde_json::Value = serde_json::from_str(&text(ErrorShape::Json)).unwrap();
        assert_eq!(body["error"]["code"], "no-connection");
        assert_eq!(body["error"]["message"], ErrorCode::NoConnection.message());
        assert_eq!(body["error"]["hint"], "Use <a> & b.");
        assert_eq!(body["error"]["request_id"], "r-1");
    }

    #[test]
    fn a_denial_by_policy_has_the_name_that_the_service_gives_it() {
        let error = ProxyError::new(ErrorCode::ActionDenied);
        for (shape, want) in [
            (ErrorShape::Json, r#""__type":"AccessDeniedException""#),
            (ErrorShape::RestXml, "<Error><Code>AccessDenied</Code>"),
            (ErrorShape::QueryXml, "<Code>AccessDenied</Code>"),
            (ErrorShape::Ec2Xml, "<Code>UnauthorizedOperation</Code>"),
        ] {
            let response = render(&error, "r-1", shape);
            assert_eq!(
                (response.status().as_u16(), &response.headers()[ERROR_HEADER]),
                (403, &"action-denied".parse().unwrap())
            );
            let text = String::from_utf8(response.into_body().to_vec()).unwrap();
            assert!(text.contains(want), "{text}");
        }
    }

    #[test]
    fn a_client_beyond_its_share_is_throttled_as_the_service_does_it() {
        for code in [
            ErrorCode::ClientOverShare,
            ErrorCode::MemoryBusy,
            ErrorCode::UpstreamBusy,
        ] {
            let error = ProxyError::new(code).with_retry_after(std::time::Duration::from_secs(1));
            for (shape, want) in [
                (ErrorShape::Json, r#""__type":"ThrottlingException""#),
                (ErrorShape::RestXml, "<Error><Code>SlowDown</Code>"),
                (ErrorShape::QueryXml, "<Type>Receiver</Type><Code>Throttling</Code>"),
                (ErrorShape::Ec2Xml, "<Code>RequestLimitExceeded</Code>"),
            ] {
                let response = render(&error, "r-1", shape);
                let headers = response.headers();
                assert_eq!(
                    (response.status().as_u16(), &headers[RETRY_AFTER]),
                    (503, &HeaderValue::from(1))
                );
                assert_eq!(headers[ERROR_HEADER], code.name());
                let text = String::from_utf8(response.into_body().to_vec()).unwrap();
                assert!(text.contains(want), "{text}");
            }
        }
    }

    #[test]
    fn sdks_of_json_services_find_type_and_message() {
        let body: serde_json::Value = serde_json::from_str(&text(ErrorShape::Json)).unwrap();
        assert_eq!(body["__type"], "no-connection");
        assert!(body["message"].as_str().unwrap().ends_with("Use <a> & b."));
    }

    #[test]
    fn xml_is_escaped_and_has_the_service_s_shape() {
        let s3 = text(ErrorShape::RestXml);
        assert!(s3.contains("<Error><Code>no-connection</Code><Message>signing-proxy: "));
        assert!(s3.contains("Use &lt;a&gt; &amp; b."));
        assert!(text(ErrorShape::Ec2Xml).contains("<Response><Errors><Error><Code>no-connection</Code>"));
        assert!(text(ErrorShape::QueryXml).contains("<ErrorResponse><Error><Type>Sender</Type>"));
    }

    #[track_caller]
    fn check_shape(accept: &str, protocol: Option<Protocol>, want: ErrorShape) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        assert_eq!(ErrorShape::choose(Accept::of(&headers), protocol), want, "{accept}");
    }

    #[test]
    fn the_service_decides_unless_accept_does() {
        check_shape("*/*", None, ErrorShape::Json);
        check_shape("*/*", Some(Protocol::RestXml), ErrorShape::RestXml);
        check_shape("*/*", Some(Protocol::Ec2), ErrorShape::Ec2Xml);
        check_shape("*/*", Some(Protocol::Query), ErrorShape::QueryXml);
        check_shape("*/*", Some(Protocol::Json), ErrorShape::Json);
        check_shape("application/xml", None, ErrorShape::RestXml);
        check_shape("application/json", Some(Protocol::RestXml), ErrorShape::Json);
        check_shape("application/json, text/xml", Some(Protocol::Ec2), ErrorShape::Ec2Xml);
    }
}
