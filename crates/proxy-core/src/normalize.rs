//! From a routed request to the head that is signed and sent, but for what its body and the signature add.

mod claims;
mod metadata;
mod ownership;

use std::sync::Arc;

use aws_endpoints::{HostResource, Protocol, names_resources_by_host, parse_host};
use http::header::VIA;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use policy_gen::RequestHead;
use policy_gen::mapping::{self, BodyFraming, Server};
use proxy_config::{PresignedMode, Scheme};
use request_body::{EVENTS, PayloadFraming, ReadTimeout};
use signer::WireTarget;

use crate::admit::{check_names, check_upgrade};
use crate::error::{ErrorCode, ProxyError};
use crate::permit::Account;
use crate::route::{Route, Routed, SignatureVersion, names_bucket};
use crate::strip;

/// A request whose head is in its final spelling. Only [`normalize`] makes one.
#[derive(Clone, Debug)]
pub struct Normalized {
    head: Parts,
    route: Arc<Route>,
    framing: PayloadFraming,
    requested_payload: RequestedPayload,
    signature: SignatureOwner,
    /// How the body comes inside the HTTP framing, its headers being gone from the head.
    body: BodyFraming,
    /// What the host names.
    resource: HostResource,
}

/// Whose signature a request carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SignatureOwner {
    /// The proxy's, of this version.
    Proxy(SignatureVersion),
    /// The client's own, in the query of a presigned request.
    Client,
}

/// What a client's own `x-amz-content-sha256` wants the signature to cover of its body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RequestedPayload {
    /// Nothing: `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// Each message of an event stream.
    Events,
    /// Nothing that decides anything here.
    Other,
}

impl RequestedPayload {
    fn of(headers: &HeaderMap) -> Self {
        match headers.get("x-amz-content-sha256") {
            Some(value) if value == "UNSIGNED-PAYLOAD" => Self::Unsigned,
            Some(value) if value == EVENTS => Self::Events,
            _ => Self::Other,
        }
    }
}

/// Spells target and host as they are signed and sent, takes out of the head what must not pass, and makes sure that the request
/// goes to AWS, to the connection's own account or to a host that the operator has listed. `is_body_over` where the end of the
/// body was seen.
///
/// # Errors
///
/// What the client has to change about its head; [`ErrorCode::HostNotListed`] and [`ErrorCode::BucketOwnerMismatch`].
pub async fn normalize<C>(
    routed: Routed<C>,
    is_body_over: bool,
    account: &Account,
    pseudonym: &str,
) -> Result<Normalized, ProxyError> {
    check_upgrade(routed.head())?;
    ownership::check_hosts(account, &routed).await?;
    let mut normalized = spell(routed, pseudonym)?;
    for (name, owner) in ownership::expected_owners(account, &normalized).await? {
        normalized.head.headers.insert(name, owner);
    }
    if is_body_over {
        // No byte of it comes, whatever the head says.
        normalized.body = BodyFraming::Empty;
    }
    Ok(normalized)
}

impl Normalized {
    /// The head as far as it is known.
    pub(crate) fn head(&self) -> &Parts {
        &self.head
    }

    /// The connection's route.
    pub(crate) fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// How the client frames its body.
    pub(crate) fn framing(&self) -> &PayloadFraming {
        &self.framing
    }

    /// What the client wants the signature to cover of its body.
    pub(crate) fn requested_payload(&self) -> RequestedPayload {
        self.requested_payload
    }

    /// Whose signature the request carries.
    pub(crate) fn signature(&self) -> SignatureOwner {
        self.signature
    }

    /// Whether a body comes, as far as the head says.
    pub(crate) fn body(&self) -> BodyFraming {
        self.body
    }

    /// What the host names.
    pub(crate) fn resource(&self) -> &HostResource {
        &self.resource
    }

    /// Whether what responds is an application of the operator's own, such as a function behind its URL, not an API of AWS's.
    pub(crate) fn is_for_application(&self) -> bool {
        names_resources_by_host(&self.route.config.connection.service)
            || matches!(self.resource, HostResource::Instance(_))
    }

    /// The operation's name, where the head says it.
    pub(crate) fn operation(&self) -> Option<String> {
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

    /// The request as it is mapped to IAM's actions and resources.
    pub(crate) fn iam_request(&self) -> mapping::Request<'_> {
        mapping::Request {
            service: &self.route.config.connection.service,
            region: &self.route.scope.region,
            account: None,
            host: &self.resource,
            method: &self.head.method,
            path: self.head.uri.path(),
            query: self.head.uri.query(),
            headers: &self.head.headers,
            server: server_of(&self.route),
            body: self.body,
        }
    }

    /// The body's length, where the head says it.
    pub(crate) fn announced_length(&self) -> Option<u64> {
        match &self.framing {
            PayloadFraming::Plain { length } | PayloadFraming::AwsChunked { length, .. } => *length,
        }
    }

    /// The read timeout for the client, while the proxy reads its body.
    pub(crate) fn read_timeout(&self) -> ReadTimeout {
        let config = &self.route.config;
        ReadTimeout::new(config.timeouts.body_idle).with_least_rate(config.limits.min_upload_rate)
    }

    /// Whether an operation's name may be in the body.
    pub(crate) fn may_name_operation_in_body(&self) -> bool {
        matches!(self.route.traits.protocol, Protocol::Query | Protocol::Ec2)
    }

    /// Whether a body has no place in the request although the service might read one: a form is in the query of a
    /// `GET` or in the body of a `POST`. What servers make of one in both places differs.
    pub(crate) fn has_no_place_for_body(&self) -> bool {
        // These two take forms besides the protocols that their SDKs send (botocore, `protocols` and `awsQueryCompatible`).
        let takes_forms_too = matches!(self.route.config.connection.service.as_str(), "monitoring" | "sqs");
        (self.may_name_operation_in_body() || takes_forms_too) && self.head.method != Method::POST
    }

    /// The same request with a head that has what its body adds.
    pub(crate) fn with_head(self, change: impl FnOnce(&mut Parts, &Route)) -> Self {
        let mut normalized = self;
        change(&mut normalized.head, &normalized.route);
        normalized
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
fn spell<C>(routed: Routed<C>, pseudonym: &str) -> Result<Normalized, ProxyError> {
    let (mut head, target) = routed.into_parts();
    let route = target.route;
    // Before anything is removed or decided by name.
    check_names(&head.headers, server_of(&route))?;
    let encoding = route.traits.path_encoding;
    let wire = WireTarget::parse(&target.path_and_query, encoding).map_err(|error| {
        ProxyError::new(ErrorCode::TargetMalformed).with_hint(format!("Send another spelling: {error}."))
    })?;
    let ours = SignatureOwner::Proxy(target.signature);
    let (path_and_query, signature) = match (wire.is_presigned(), route.config.presigned) {
        (false, _) => (wire.to_path_and_query(), ours),
        (true, PresignedMode::Resign) => (wire.without_signature().to_path_and_query(), ours),
        // Signed over the client's spelling, so that is what is sent, but for bytes that have another meaning to some
        // servers: these are escaped when a head is read, which a signature does not notice.
        (true, PresignedMode::Pass) => (as_spelled(&target.path_and_query)?, SignatureOwner::Client),
        (true, PresignedMode::Reject) => return Err(ErrorCode::PresignedRejected.into()),
    };
    let requested_payload = RequestedPayload::of(&head.headers);
    let via = via(head.version, pseudonym)?;
    let framing = match signature {
        SignatureOwner::Client => {
            let framing = PayloadFraming::as_it_is(&head.headers);
            strip::presigned_request_headers(&mut head.headers, path_and_query.query(), route.config.pass_fields);
            framing
        }
        SignatureOwner::Proxy(_) => {
            let framing = PayloadFraming::take_from(&mut head.headers)?;
            strip::request_headers(&mut head.headers, route.config.pass_fields);
            if route.traits.is_s3_family {
                metadata::encode(&mut head.headers);
            }
            framing
        }
    };
    head.headers.append(VIA, via);
    head.uri = upstream_uri(target.scheme, &target.authority, path_and_query)?;
    Ok(Normalized {
        head,
        route,
        body: framing_of(&framing),
        framing,
        requested_payload,
        signature,
        resource: target.resource,
    })
}

/// What the framing says of the body. An aws-chunked body of no bytes has framing of its own, which has to be read.
fn framing_of(framing: &PayloadFraming) -> BodyFraming {
    match framing {
        PayloadFraming::Plain { length: Some(0) } => BodyFraming::Empty,
        PayloadFraming::Plain { length: Some(length) }
        | PayloadFraming::AwsChunked {
            length: Some(length), ..
        } if *length > 0 => BodyFraming::Length(*length),
        PayloadFraming::Plain { .. } | PayloadFraming::AwsChunked { .. } => BodyFraming::Unknown,
    }
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

#[cfg(any(test, fuzzing))]
impl Normalized {
    /// A request up to this step, without the lookups of owners.
    pub(crate) fn of_routed<C>(routed: Routed<C>, pseudonym: &str) -> Result<Self, ProxyError> {
        spell(routed, pseudonym)
    }
}
