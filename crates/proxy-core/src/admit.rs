//! The first look at a request: is its head unambiguous, and may it use the proxy at all?
//!
//! hyper is more lenient than a program that hands out an identity may be. [`admit`] rejects what two
//! readers could read in two ways, before anything else looks at the request.
//!
//! What hyper forgives without telling, the server has seen in the bytes: [`AmbiguousHead`] among the request's
//! extensions.

mod host;
mod names;
mod upgrade;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, VIA};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Version};
use http_server::AmbiguousHead;

use crate::error::{ErrorCode, ProxyError};

pub use host::HostPort;
pub use names::check_names;
pub use upgrade::check_upgrade;

/// The longest path and query we take: S3's longest key, fully escaped, with a long query fits several times.
const MAX_TARGET: usize = 16 * 1024;

/// How the client addressed the proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetForm {
    /// A whole URL, as clients send it to an HTTP proxy.
    Absolute,
    /// A path; or HTTP/2, where the two forms look the same.
    Origin,
}

/// A request whose head can be read in one way only. Only [`admit`] makes one.
#[derive(Debug)]
pub struct Admitted {
    head: Parts,
    form: TargetForm,
    host: Option<HostPort>,
}

impl Admitted {
    /// The head as it came.
    pub fn head(&self) -> &Parts {
        &self.head
    }

    /// How the proxy was addressed.
    pub fn form(&self) -> TargetForm {
        self.form
    }

    /// The requested host: that of the target, else of the `Host` header. `None` only for HTTP/1.0.
    pub fn host(&self) -> Option<&HostPort> {
        self.host.as_ref()
    }

    /// The head as it came.
    pub fn into_head(self) -> Parts {
        self.head
    }

    /// Path and query as the client sent them; at least `/`.
    pub fn target(&self) -> &str {
        self.head.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }
}

/// Checks a request's head. `pseudonym` is this proxy's name in `Via`.
///
/// # Errors
///
/// The codes of the table's first part; see [`ErrorCode`].
pub fn admit(head: Parts, pseudonym: &str) -> Result<Admitted, ProxyError> {
    match head.method {
        Method::CONNECT => return Err(ErrorCode::ConnectUnsupported.into()),
        // It would give the client its own request back, as we signed it.
        Method::TRACE => return Err(ErrorCode::TraceUnsupported.into()),
        _ => {}
    }
    check_ambiguous(&head)?;
    check_method(&head.method)?;
    check_target(&head)?;
    let form = match head.version {
        Version::HTTP_2 => TargetForm::Origin,
        _ if head.uri.scheme().is_some() => TargetForm::Absolute,
        _ => TargetForm::Origin,
    };
    let host = requested_host(&head)?;
    check_transfer_encoding(&head.headers)?;
    // One by one they are equal, h2 sees to that.
    if head.headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(AmbiguousHead::LengthRepeated.into());
    }
    check_loop(&head.headers, pseudonym)?;
    Ok(Admitted { head, form, host })
}

fn check_ambiguous(head: &Parts) -> Result<(), ProxyError> {
    let found = head.extensions.get::<AmbiguousHead>();
    found.map_or(Ok(()), |found| Err(ProxyError::from(*found)))
}

impl From<AmbiguousHead> for ProxyError {
    fn from(found: AmbiguousHead) -> Self {
        let (code, hint) = match found {
            AmbiguousHead::TwoLengths => (
                ErrorCode::HeadAmbiguous,
                "Send a Content-Length or a Transfer-Encoding, not both.",
            ),
            AmbiguousHead::LengthRepeated => (ErrorCode::HeadAmbiguous, "Send one Content-Length with one number."),
            AmbiguousHead::LengthMalformed => (
                ErrorCode::HeadAmbiguous,
                "Send a Content-Length of decimal digits only, below 2^63.",
            ),
            AmbiguousHead::CodingUnsupported => {
                return Self::new(ErrorCode::TransferEncodingUnsupported);
            }
            AmbiguousHead::CodingInHttp10 => (
                ErrorCode::HeadAmbiguous,
                "HTTP/1.0 has no Transfer-Encoding: send a Content-Length, or use HTTP/1.1.",
            ),
            AmbiguousHead::BareLineFeed => (ErrorCode::HeadAmbiguous, "End each line of the head with CR LF."),
            AmbiguousHead::Fragment { offset } => {
                return Self::new(ErrorCode::TargetMalformed).with_hint(format!(
                    "Write '#', byte {offset} of the target (counted from 0), as %23."
                ));
            }
            AmbiguousHead::InvalidEscape { offset } => {
                return Self::new(ErrorCode::TargetMalformed).with_hint(format!(
                    "Two hexadecimal digits have to follow '%', byte {offset} of the target (counted from 0); a percent sign \
                     is written %25."
                ));
            }
            AmbiguousHead::LengthMissing => return Self::new(ErrorCode::LengthRequired),
            AmbiguousHead::TargetTooLong => return Self::new(ErrorCode::TargetTooLong),
            AmbiguousHead::TargetForm => (
                ErrorCode::TargetMalformed,
                "Begin the target with '/', or with http:// or https:// and a host.",
            ),
            AmbiguousHead::Tunnel => return Self::new(ErrorCode::ConnectUnsupported),
            AmbiguousHead::Unchecked => (
                ErrorCode::HeadAmbiguous,
                "The proxy read the request in two ways, which is a defect of it; please report it.",
            ),
        };
        Self::new(code).with_hint(hint)
    }
}

/// Methods are case-sensitive (RFC 9110, section 9.1), and servers that fold them exist: to those `trace` is TRACE, and
/// `head` has a response without a body.
fn check_method(method: &Method) -> Result<(), ProxyError> {
    const STANDARD: [Method; 9] = [
        Method::CONNECT,
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
        Method::POST,
        Method::PUT,
        Method::TRACE,
    ];
    let is_nearly = |known: &Method| known != method && known.as_str().eq_ignore_ascii_case(method.as_str());
    if STANDARD.iter().any(is_nearly) {
        return Err(ProxyError::new(ErrorCode::HeadAmbiguous).with_hint("Write the method in capitals."));
    }
    Ok(())
}

fn check_target(head: &Parts) -> Result<(), ProxyError> {
    let Some(target) = head.uri.path_and_query().map(PathAndQuery::as_str) else {
        // Only an authority, as CONNECT has one.
        return Err(AmbiguousHead::TargetForm.into());
    };
    if target.len() > MAX_TARGET {
        return Err(ErrorCode::TargetTooLong.into());
    }
    if target == "*" {
        return Err(ProxyError::new(ErrorCode::TargetMalformed)
            .with_hint("'OPTIONS *' asks about the proxy itself, which has no options; send a path."));
    }
    // The reader of heads has seen to it on HTTP/1, where `http://host?query` is well formed.
    let is_url = head.version != Version::HTTP_2 && head.uri.scheme().is_some();
    let is_path = target.starts_with('/') || (is_url && target.starts_with('?'));
    let is_http = |scheme: &str| ["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let is_http = head.uri.scheme_str().is_none_or(is_http);
    if !(is_path && is_http) {
        return Err(AmbiguousHead::TargetForm.into());
    }
    if !target.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ErrorCode::TargetMalformed.into());
    }
    Ok(())
}

/// The requested host. RFC 9112, section 3.2.2: a target's own authority replaces the `Host` header.
fn requested_host(head: &Parts) -> Result<Option<HostPort>, ProxyError> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let header = hosts.next();
    if hosts.next().is_some() {
        return Err(ErrorCode::HostRepeated.into());
    }
    if let Some(authority) = head.uri.authority() {
        if authority.as_str().contains('@') {
            return Err(ErrorCode::UserinfoInTarget.into());
        }
        if header.is_none() && head.version == Version::HTTP_11 {
            return Err(ErrorCode::HostMissing.into());
        }
        let host = HostPort::parse(authority.as_str()).ok_or(ErrorCode::HostMalformed)?;
        // On HTTP/1 the target's own host is the one that counts (RFC 9112, section 3.2.2). On HTTP/2 no rule says
        // which of two does (RFC 9113, section 8.3.1).
        if head.version == Version::HTTP_2 && header.is_some_and(|value| is_another(value, &host)) {
            return Err(ProxyError::new(ErrorCode::HeadAmbiguous)
                .with_hint("Send the same host in 'host' and ':authority', or only the latter."));
        }
        return Ok(Some(host));
    }
    match header {
        Some(value) => parse_header(value).map(Some),
        // Old clients of HTTP/1.0 send none; browsers always do, so this is no way around the name check.
        None if head.version == Version::HTTP_10 => Ok(None),
        None => Err(ErrorCode::HostMissing.into()),
    }
}

fn is_another(value: &HeaderValue, host: &HostPort) -> bool {
    parse_header(value).map_or(true, |named| named != *host)
}

fn parse_header(value: &HeaderValue) -> Result<HostPort, ProxyError> {
    let text = value.to_str().map_err(|_| ErrorCode::HostMalformed)?.trim();
    if text.is_empty() {
        return Err(ErrorCode::HostMissing.into());
    }
    HostPort::parse(text).ok_or(ErrorCode::HostMalformed.into())
}

fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), ProxyError> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    let is_chunked = coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some() || !is_chunked {
        return Err(ErrorCode::TransferEncodingUnsupported.into());
    }
    Ok(())
}

fn check_loop(headers: &HeaderMap, pseudonym: &str) -> Result<(), ProxyError> {
    let received_by = |entry: &str| entry.split_ascii_whitespace().nth(1) == Some(pseudonym);
    let is_ours = |via: &HeaderValue| via.to_str().is_ok_and(|text| text.split(',').any(received_by));
    if headers.get_all(VIA).iter().any(is_ours) {
        return Err(ErrorCode::LoopDetected.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn try_admit(method: &str, uri: &str, version: Version, headers: &[(&str, &str)]) -> Result<Admitted, ErrorCode> {
        let mut request = Request::builder().method(method).uri(uri).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        admit(request.body(()).unwrap().into_parts().0, "signing-proxy-1").map_err(|error| error.code())
    }

    #[track_caller]
    fn refuse(method: &str, uri: &str, headers: &[(&str, &str)], want: ErrorCode) {
        let got = try_admit(method, uri, Version::HTTP_11, headers).map(|_| ());
        assert_eq!(got, Err(want), "{method} {uri} {headers:?}");
    }

    #[track_caller]
    fn accept(uri: &str, version: Version, headers: &[(&str, &str)], host: Option<&str>, form: TargetForm) {
        let got = try_admit("GET", uri, version, headers).unwrap();
        assert_eq!(got.host().map(ToString::to_string).as_deref(), host, "{uri}");
        assert_eq!(got.form(), form, "{uri}");
    }

    const HOST: (&str, &str) = ("host", "localhost:8080");

    #[test]
    fn a_tunnel_is_refused() {
        refuse(
            "CONNECT",
            "s3.amazonaws.com:443",
            &[HOST],
            ErrorCode::ConnectUnsupported,
        );
    }

    #[test]
    fn a_standard_method_is_written_in_capitals() {
        for method in [
            "connect", "Delete", "get", "heaD", "options", "patch", "pOST", "put", "trace", "Trace",
        ] {
            refuse(method, "/", &[HOST], ErrorCode::HeadAmbiguous);
        }
        assert!(try_admit("propfind", "/", Version::HTTP_11, &[HOST]).is_ok());
    }

    #[test]
    fn exactly_one_host_is_needed() {
        refuse("GET", "/", &[], ErrorCode::HostMissing);
        refuse("GET", "/", &[("host", "")], ErrorCode::HostMissing);
        refuse("GET", "http://s3.amazonaws.com/", &[], ErrorCode::HostMissing);
        refuse("GET", "/", &[HOST, HOST], ErrorCode::HostRepeated);
        refuse(
            "GET",
            "http://s3.amazonaws.com/",
            &[HOST, ("host", "b")],
            ErrorCode::HostRepeated,
        );
        for bad in ["a b", "a/b", "user@host", "a:b", "a:99999", "[::1", "ä", "a,b"] {
            refuse("GET", "/", &[("host", bad)], ErrorCode::HostMalformed);
        }
    }

    #[test]
    fn the_targets_authority_beats_the_host_header() {
        let headers = [("host", "other.example")];
        accept(
            "http://S3.amazonaws.com:80/k",
            Version::HTTP_11,
            &headers,
            Some("s3.amazonaws.com:80"),
            TargetForm::Absolute,
        );
    }

    #[test]
    fn http_1_0_needs_no_host() {
        accept("/", Version::HTTP_10, &[], None, TargetForm::Origin);
        accept(
            "http://s3.amazonaws.com/",
            Version::HTTP_10,
            &[],
            Some("s3.amazonaws.com"),
            TargetForm::Absolute,
        );
    }

    #[test]
    fn http_2_has_one_form() {
        accept(
            "http://localhost:8080/",
            Version::HTTP_2,
            &[],
            Some("localhost:8080"),
            TargetForm::Origin,
        );
    }

    #[test]
    fn odd_targets_are_refused() {
        refuse("OPTIONS", "*", &[HOST], ErrorCode::TargetMalformed);
        refuse("GET", "/ä", &[HOST], ErrorCode::TargetMalformed);
        refuse("GET", "/?q=ä", &[HOST], ErrorCode::TargetMalformed);
        refuse(
            "GET",
            &format!("/{}", "a".repeat(MAX_TARGET)),
            &[HOST],
            ErrorCode::TargetTooLong,
        );
        refuse(
            "GET",
            "http://user:pw@s3.amazonaws.com/",
            &[HOST],
            ErrorCode::UserinfoInTarget,
        );
    }

    #[test]
    fn only_one_chunked_is_a_transfer_coding() {
        let te = |value| [HOST, ("transfer-encoding", value)];
        assert!(try_admit("PUT", "/", Version::HTTP_11, &te("Chunked ")).is_ok());
        for bad in ["gzip, chunked", "chunked, chunked", "identity", "xchunked", ""] {
            refuse("PUT", "/", &te(bad), ErrorCode::TransferEncodingUnsupported);
        }
        let twice = [HOST, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        refuse("PUT", "/", &twice, ErrorCode::TransferEncodingUnsupported);
    }

    #[test]
    fn a_request_of_our_own_is_a_loop() {
        for via in [
            "1.1 signing-proxy-1",
            "1.0 other, 1.1 signing-proxy-1",
            "1.1  signing-proxy-1 (x)",
        ] {
            refuse("GET", "/", &[HOST, ("via", via)], ErrorCode::LoopDetected);
        }
        let other = [HOST, ("via", "1.1 signing-proxy-2, 1.1 signing-proxy-11")];
        assert!(try_admit("GET", "/", Version::HTTP_11, &other).is_ok());
    }
}
