//! The operation of a JSON or RPC v2 request, and its body.
//!
//! JSON protocols name the operation in `X-Amz-Target` and are sent to `/`; Smithy RPC v2 names it in the path. Both at
//! once are rejected, and so is everything that another protocol of the same service could read.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::value::{Value, Wanted, from_cbor, from_json};
use super::{MappingError, Request};

/// What a service calls itself on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    /// Before the dot of `X-Amz-Target`, and in the path of RPC v2.
    pub(super) target: &'static str,
    /// Whether its model offers RPC v2 with CBOR.
    pub(super) speaks_cbor: bool,
}

/// How the body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    Json,
    Cbor,
}

/// The operation's name, unchecked against any table, and the encoding of the body.
pub(super) fn operation<'r>(request: &Request<'r>, service: Service) -> Result<(&'r str, Encoding), MappingError> {
    if *request.method != Method::POST {
        return Err(MappingError::unknown("the method: an operation is called by POST"));
    }
    if request.query.is_some_and(|query| !query.is_empty()) {
        return Err(MappingError::ambiguous("a query beside the operation"));
    }
    let target = one(request.headers, "x-amz-target")?;
    let protocol = one(request.headers, "smithy-protocol")?;
    let kind = one(request.headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match (target, protocol) {
        (Some(_), Some(_)) => Err(MappingError::ambiguous("X-Amz-Target and smithy-protocol")),
        (Some(target), None) if request.path == "/" => {
            check_kind(
                &kind,
                &[
                    "",
                    "application/x-amz-json-1.0",
                    "application/x-amz-json-1.1",
                    "application/json",
                ],
            )?;
            let name = target
                .strip_prefix(service.target)
                .and_then(|rest| rest.strip_prefix('.'));
            let name = name.ok_or_else(|| MappingError::unknown("X-Amz-Target"))?;
            Ok((name, Encoding::Json))
        }
        (Some(_), None) => Err(MappingError::ambiguous("X-Amz-Target and a path that is not /")),
        (None, Some("rpc-v2-cbor")) if service.speaks_cbor => {
            check_kind(&kind, &["", "application/cbor"])?;
            let name = request.path.strip_prefix("/service/");
            let name = name.and_then(|rest| rest.strip_prefix(service.target)?.strip_prefix("/operation/"));
            let name = name.ok_or_else(|| MappingError::unknown("the path"))?;
            Ok((name, Encoding::Cbor))
        }
        (None, Some(_)) => Err(MappingError::unknown("smithy-protocol")),
        (None, None) => Err(MappingError::unknown("a request without X-Amz-Target")),
    }
}

/// What the body says of what is wanted.
pub(super) fn body(encoding: Encoding, body: &[u8], wanted: Wanted) -> Result<Value, MappingError> {
    match encoding {
        Encoding::Json => from_json(body, wanted),
        Encoding::Cbor => from_cbor(body, wanted),
    }
}

/// The one value of a header, as text.
pub(super) fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, MappingError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(MappingError::ambiguous(format!("two headers {name}")));
    }
    let text = |value: &'h http::HeaderValue| value.to_str();
    first
        .map(text)
        .transpose()
        .map_err(|_| MappingError::malformed(name.to_owned(), "it is visible ASCII"))
}

fn check_kind(kind: &str, allowed: &[&str]) -> Result<(), MappingError> {
    if allowed.contains(&kind) {
        Ok(())
    } else {
        Err(MappingError::malformed(
            "Content-Type",
            "it is the one of the protocol that the other headers name",
        ))
    }
}
