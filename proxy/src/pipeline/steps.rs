//! From a routed request to one that is ready but for its body.

use std::sync::Arc;
use std::time::Duration;

use auth_model::Credentials;
use aws_endpoints::{HostResource, Protocol, names_resources_by_host, parse_host};
use http::header::VIA;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use hyper::body::{Body as _, Incoming};
use policy_gen::RequestHead;
use policy_gen::mapping::{self, BodyFraming, Server};
use signer::WireTarget;
use sts_client::{CredentialError, CredentialFailure, CredentialSource};

use super::metadata;
use crate::admit::{Admitted, check_names};
use crate::body::{EVENTS, Framing, Patience};
use crate::config::{PresignedMode, Scheme};
use crate::error::{ErrorCode, ProxyError};
use crate::route::{Route, SignatureVersion, Target, names_bucket};
use crate::strip;

/// A head in its final spelling, but for what the body and the signature add.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) head: Parts,
    pub(crate) route: Arc<Route>,
    pub(super) framing: Framing,
    /// What the client's own `x-amz-content-sha256` says.
    pub(super) asked_payload: AskedPayload,
    pub(super) signature: SignatureVersion,
    /// How the body comes inside the HTTP framing, its headers being gone from the head.
    pub(super) body: BodyFraming,
    /// What the host names.
    resource: HostResource,
    /// What it asks for stands in the body, which must be here before anything is sent.
    pub(super) is_decided_by_body: bool,
    is_signed_by_client: bool,
}

/// What a client wants the signature to say of its body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AskedPayload {
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// That it is a signed event stream.
    Events,
    /// Nothing that we go by.
    Any,
}

impl AskedPayload {
    fn of(headers: &HeaderMap) -> Self {
        match headers.get("x-amz-content-sha256") {
            Some(value) if value == "UNSIGNED-PAYLOAD" => Self::Unsigned,
            Some(value) if value == EVENTS => Self::Events,
            _ => Self::Any,
        }
    }
}

impl Ready {
    /// Whether our signature goes on it; else it carries the client's, or a load test measures without any.
    pub(super) fn is_ours_to_sign(&self) -> bool {
        !self.is_signed_by_client && self.route.config.signs
    }

    /// What the host names.
    pub(super) fn resource(&self) -> &HostResource {
        &self.resource
    }

    /// Whether what responds is an application of the operator's own, such as a function behind its URL, not an API of AWS's.
    pub(super) fn is_for_application(&self) -> bool {
        names_resources_by_host(&self.route.config.connection.service)
            || matches!(self.resource, HostResource::Instance(_))
    }

    /// The operation's name, where the head says it.
    pub(super) fn operation(&self) -> Option<String> {
        let head = RequestHead {
            service: &self.route.config.connection.service,
            method: &self.head.method,
            path: self.head.uri.path(),
            query: self.head.uri.query(),
            headers: &self.head.headers,
            bucket_in_host: names_bucket(&self.resource),
        };
        policy_gen::operation(&head).map(Into::into)
    }

    /// The request as IAM is asked about it.
    pub(super) fn asked_of_iam(&self) -> mapping::Request<'_> {
        mapping::Request {
            service: &self.route.config.connection.service,
            region: &self.route.scope.region,
            account: None,
            host: &self.resource,
            method: &self.head.method,
            path: self.head.uri.path(),
            query: self.head.uri.query(),
            headers: &self.head.headers,
            server: self.server(),
            body: self.body,
        }
    }

    /// Whose server the request goes to.
    fn server(&self) -> Server {
        server_of(&self.route)
    }

    /// Notes that hyper has seen the end of the body: no byte of it comes.
    pub(super) fn note_body(&mut self, body: Option<&Incoming>) {
        if body.is_none_or(Incoming::is_end_stream) {
            self.body = BodyFraming::Empty;
        }
    }

    /// The body's length, where the head says it.
    pub(super) fn announced_length(&self) -> Option<u64> {
        match &self.framing {
            Framing::Plain { length } | Framing::AwsChunked { length, .. } => *length,
        }
    }

    /// Patience with the client, while the proxy reads its body.
    pub(super) fn patience(&self) -> Patience {
        let config = &self.route.config;
        Patience::new(config.timeouts.body_idle).with_least_rate(config.limits.min_upload_rate)
    }

    /// Whether an operation's name may stand in the body.
    pub(super) fn may_name_operation_in_body(&self) -> bool {
        matches!(self.route.traits.protocol, Protocol::Query | Protocol::Ec2)
    }

    /// Whether a body has no place in the request although the service might read one: a form is in the query of a
    /// `GET` or in the body of a `POST`. What servers make of one in both places differs.
    pub(super) fn has_no_place_for_body(&self) -> bool {
        // These two take forms besides the protocols that their SDKs send (botocore, `protocols` and `awsQueryCompatible`).
        let takes_forms_too = matches!(self.route.config.connection.service.as_str(), "monitoring" | "sqs");
        (self.may_name_operation_in_body() || takes_forms_too) && self.head.method != Method::POST
    }
}

/// AWS's, unless the operator wrote an endpoint that has none of AWS's names.
fn server_of(route: &Route) -> Server {
    match route.endpoint() {
        Some(url) if parse_host(url.host()).is_err() => Server::Other,
        Some(_) | None => Server::Aws,
    }
}

/// Takes what must not pass out of the head, and spells target and host as they are signed and sent.
pub(crate) fn prepare(admitted: Admitted, target: Target, pseudonym: &str) -> Result<Ready, ProxyError> {
    let mut head = admitted.head;
    let route = target.route;
    // Before anything is removed or decided by name.
    check_names(&head.headers, server_of(&route))?;
    let encoding = route.traits.path_encoding;
    let wire = WireTarget::parse(&target.path_and_query, encoding).map_err(|error| {
        ProxyError::new(ErrorCode::TargetMalformed).with_hint(format!("Send another spelling: {error}."))
    })?;
    let (path_and_query, is_signed_by_client) = match (wire.is_presigned(), route.config.presigned) {
        (false, _) => (wire.to_path_and_query(), false),
        (true, PresignedMode::Resign) => (wire.without_signature().to_path_and_query(), false),
        // Signed over the client's spelling, so that is what is sent, but for bytes that have another meaning to some
        // servers: these are escaped when a head is read, which a signature does not notice.
        (true, PresignedMode::Pass) => (as_spelled(&target.path_and_query)?, true),
        (true, PresignedMode::Reject) => return Err(ErrorCode::PresignedRefused.into()),
    };
    let asked_payload = AskedPayload::of(&head.headers);
    let via = via(head.version, pseudonym)?;
    let framing = if is_signed_by_client {
        let framing = Framing::as_it_is(&head.headers);
        strip::presigned_request_headers(&mut head.headers, path_and_query.query(), route.config.pass_fields);
        framing
    } else {
        let framing = Framing::take_from(&mut head.headers)?;
        strip::request_headers(&mut head.headers, route.config.pass_fields);
        if route.traits.is_s3_family {
            metadata::encode(&mut head.headers);
        }
        framing
    };
    head.headers.append(VIA, via);
    head.uri = upstream_uri(target.scheme, &target.authority, path_and_query)?;
    Ok(Ready {
        head,
        route,
        body: framing_of(&framing),
        framing,
        asked_payload,
        signature: target.signature,
        resource: target.resource,
        is_decided_by_body: false,
        is_signed_by_client,
    })
}

/// What the framing says of the body. An aws-chunked body of no bytes has framing of its own, which has to be read.
fn framing_of(framing: &Framing) -> BodyFraming {
    match framing {
        Framing::Plain { length: Some(0) } => BodyFraming::Empty,
        Framing::Plain { length: Some(length) }
        | Framing::AwsChunked {
            length: Some(length), ..
        } if *length > 0 => BodyFraming::Length(*length),
        Framing::Plain { .. } | Framing::AwsChunked { .. } => BodyFraming::Unknown,
    }
}

/// Valid credentials, or the answer that there are none.
pub(super) async fn credentials(source: &CredentialSource) -> Result<Arc<Credentials>, ProxyError> {
    source.credentials().await.map_err(no_credentials)
}

fn no_credentials(error: CredentialError) -> ProxyError {
    // A passing trouble is worth a try a second later even where the source does not say when.
    let wait = error.retry_after().max(Duration::from_secs(1));
    let hint = if error.is_permanent() {
        "Somebody has to change the credentials, the role or the configuration"
    } else {
        "It may pass by itself; try again later"
    };
    if let CredentialFailure::IdentityClash { .. } = error.failure() {
        // Whose key it is besides is for the log alone.
        return ProxyError::new(ErrorCode::IdentityClash)
            .with_retry_after(wait)
            .with_cause(error);
    }
    ProxyError::new(ErrorCode::NoCredentials)
        .with_hint(format!("{hint} ({}); the proxy's log has the details.", error.code()))
        .with_retry_after(wait)
        .with_cause(error)
}

fn via(version: Version, pseudonym: &str) -> Result<HeaderValue, ProxyError> {
    let received = match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    HeaderValue::try_from(format!("{received} {pseudonym}")).map_err(internal)
}

fn as_spelled(target: &str) -> Result<PathAndQuery, ProxyError> {
    PathAndQuery::try_from(target).map_err(|_| ErrorCode::TargetMalformed.into())
}

fn upstream_uri(scheme: Scheme, authority: &str, path_and_query: PathAndQuery) -> Result<Uri, ProxyError> {
    let authority = Authority::try_from(authority).map_err(|_| ErrorCode::HostMalformed)?;
    Uri::builder()
        .scheme(scheme.as_str())
        .authority(authority)
        .path_and_query(path_and_query)
        .build()
        .map_err(internal)
}

fn internal(error: impl Into<crate::error::Cause>) -> ProxyError {
    ProxyError::new(ErrorCode::Internal).with_cause(error)
}
