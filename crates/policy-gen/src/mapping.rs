//! From a request to what IAM asks of its signer: operation, actions and resources.
//!
//! [`needs_body`] says from the head alone whether the body must be at hand, [`map`] returns the mapping. Both read the
//! wire form, the same bytes that are signed; nothing is normalised on the way. What two readers could read in two
//! ways is a [`MappingError`], and so is every operation and every service that the tables do not know: never `*`.
//!
//! - [`Need`] is one check that AWS makes: an action on a resource. All of [`Mapping::required`] must be allowed;
//!   [`Mapping::advisory`] is what AWS may check besides, and what the request does not show.
//! - [`Resource::Exact`] is a literal ARN: a `*` in it is a character of a name. Only [`Resource::Pattern`] holds
//!   wildcards, [`Resource::Any`] is for actions without resource-level permissions, and what cannot be known from
//!   the request is [`Resource::Unresolved`] with the reason. Unresolved never becomes `*`.
//!
//! Each service has a module with `needs_body` and `map` of its own, which the two functions here call by the
//! service's endpoint prefix.

pub(crate) mod bedrock;
mod dynamodb;
mod ec2;
mod error;
mod form;
#[cfg(test)]
mod golden;
mod need;
mod rows;
mod rpc;
pub(crate) mod s3;
mod sts;
#[cfg(test)]
mod test_request;
mod value;
#[cfg(test)]
mod whole;
mod workspaces;
mod xml;

use std::borrow::Cow;

use auth_model::{AccountId, Partition, Region, ServiceId};
use aws_endpoints::{HostResource, partition_of};
use http::{HeaderMap, Method};

pub use error::MappingError;
pub use need::{Condition, Need, Resource, Unresolved};

/// A request's head in its wire form, and what is known of where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The service it is signed for, by endpoint prefix.
    pub service: &'a ServiceId,
    /// The region it is signed for.
    pub region: &'a Region,
    /// The account of the credentials, where it is known: without it some resources stay unresolved.
    pub account: Option<&'a AccountId>,
    /// What the host names. [`HostResource::None`] for servers that are not AWS's and take the bucket in the path.
    pub host: &'a HostResource,
    /// The method.
    pub method: &'a Method,
    /// The path as it is signed and sent, percent-encoded.
    pub path: &'a str,
    /// The query without its `?`, percent-encoded.
    pub query: Option<&'a str>,
    /// The headers, as they are sent: without those of the framing, which [`body`](Self::body) says instead.
    pub headers: &'a HeaderMap,
    /// Whose server it goes to.
    pub server: Server,
    /// How the body comes, since the headers that frame it are not among [`headers`](Self::headers) any more.
    pub body: BodyFraming,
}

/// Whose server a request goes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Server {
    /// AWS's own, which takes a key literally: `a/../b` is a key of its own.
    Aws,
    /// Another that speaks the same protocol, and may resolve dot segments or join slashes as a file system does.
    Other,
}

/// How a request's body comes, as far as it is known before it is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyFraming {
    /// No byte comes: there is no body, or its length is 0.
    Empty,
    /// So many bytes are announced, at least one.
    Length(u64),
    /// Framed without a length: whether a byte comes is known only when the body is read.
    Unknown,
}

impl BodyFraming {
    /// The framing of a body of this length.
    #[must_use]
    pub const fn of_length(length: u64) -> Self {
        match length {
            0 => Self::Empty,
            length => Self::Length(length),
        }
    }
}

impl Request<'_> {
    /// The partition of the region; `aws` for the made-up regions of other servers.
    #[must_use]
    pub fn partition(&self) -> Partition {
        partition_of(self.region).unwrap_or(Partition::Aws)
    }
}

/// Whether [`map`] needs the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyNeed {
    /// The head says everything; the body may stream.
    No,
    /// The whole body, which may not be longer than this many bytes.
    UpTo(usize),
    /// The operation has no body, and a service might read one that comes: there must be no byte of it.
    Empty,
}

/// What a request asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mapping {
    /// The operation's name as the API reference spells it, such as `GetObject`.
    pub operation: Cow<'static, str>,
    /// What must be allowed. Empty only for operations that need no permission, such as `GetCallerIdentity`.
    pub required: Vec<Need>,
    /// What AWS may ask for besides, by what the request does not show: worth granting, never needed to pass.
    pub advisory: Vec<Need>,
    /// What may be done to something that the request does not show, such as passing the role of a launch template: some
    /// statement must allow the action, on whatever resource.
    pub hidden: Vec<Need>,
    /// A key has an empty segment (`a//b`), and the server may read it without: no statement that denies can be trusted
    /// to meet it.
    pub has_empty_segment: bool,
}

impl Mapping {
    /// An operation that needs nothing yet.
    #[must_use]
    pub fn new(operation: impl Into<Cow<'static, str>>) -> Self {
        Self {
            operation: operation.into(),
            required: Vec::new(),
            advisory: Vec::new(),
            hidden: Vec::new(),
            has_empty_segment: false,
        }
    }
}

/// Whether [`map`] needs the body of this request. What [`map`] would reject by its head alone needs none.
#[must_use]
pub fn needs_body(request: &Request<'_>) -> BodyNeed {
    if !takes_body(request) {
        return match request.body {
            BodyFraming::Empty => BodyNeed::No,
            BodyFraming::Length(_) | BodyFraming::Unknown => BodyNeed::Empty,
        };
    }
    match request.service.as_str() {
        "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" => s3::needs_body(request),
        "ec2" => ec2::needs_body(request),
        "workspaces" => workspaces::needs_body(request),
        "bedrock-runtime" => bedrock::needs_body(request),
        "dynamodb" | "search-dynamodb" | "streams.dynamodb" => dynamodb::needs_body(request),
        "sts" => sts::needs_body(request),
        _ => BodyNeed::No,
    }
}

/// Whether the method is one whose operations have bodies, in the services that have a table.
fn takes_body(request: &Request<'_>) -> bool {
    [Method::PATCH, Method::POST, Method::PUT].contains(request.method)
}

/// What the request asks for. `body` is the whole body where [`needs_body`] wants it, and is not read otherwise.
///
/// # Errors
///
/// [`MappingError`] where the request is ambiguous, does not parse or is of no known operation.
pub fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
    let service = request.service.as_str();
    if !takes_body(request) && has_byte(request, body) {
        return Err(MappingError::BodyUnexpected);
    }
    // S3 checks the body itself: the operation, which says whether it counts, is looked up once that way.
    if matches!(service, "s3" | "s3express" | "s3-object-lambda" | "s3-outposts") {
        return s3::map(request, body);
    }
    if let BodyNeed::UpTo(limit) = needs_body(request) {
        error::check_body(request.headers, body, limit)?;
    }
    match service {
        "ec2" => ec2::map(request, body),
        "workspaces" => workspaces::map(request, body),
        "bedrock-runtime" => bedrock::map(request, body),
        "dynamodb" | "search-dynamodb" | "streams.dynamodb" => dynamodb::map(request, body),
        "sts" => sts::map(request, body),
        _ => Err(MappingError::UnknownService(request.service.clone())),
    }
}

/// Reads a form as the services of the Query protocols are read here: strictly, wherever it lies.
///
/// # Errors
///
/// [`MappingError`] where two readers could read it in two ways, or more than one operation is named.
pub(crate) fn read_form(request: &Request<'_>, body: &[u8]) -> Result<(), MappingError> {
    if request.body != BodyFraming::Empty {
        error::check_body(request.headers, Some(body), form::MAX_BODY)?;
    }
    let form = form::Form::read(request, Some(body))?;
    if form.has("Action") {
        form.action().map(drop)
    } else {
        Ok(())
    }
}

/// Whether a byte of a body has come or is announced. What may still come is known once it was read.
fn has_byte(request: &Request<'_>, body: Option<&[u8]>) -> bool {
    match (request.body, body) {
        (BodyFraming::Length(_), _) | (BodyFraming::Unknown, None) => true,
        (BodyFraming::Empty | BodyFraming::Unknown, body) => body.is_some_and(|body| !body.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_service_is_rejected() {
        let (service, region) = (ServiceId::parse("sqs").unwrap(), Region::parse("eu-west-1").unwrap());
        let request = Request {
            service: &service,
            region: &region,
            account: None,
            host: &HostResource::None,
            method: &Method::POST,
            path: "/",
            query: None,
            headers: &HeaderMap::new(),
            server: Server::Aws,
            body: BodyFraming::Empty,
        };
        assert_eq!(needs_body(&request), BodyNeed::No);
        assert_eq!(map(&request, None), Err(MappingError::UnknownService(service.clone())));
    }

    #[test]
    fn only_a_pattern_keeps_its_wildcards() {
        let iam = |resource: Resource| resource.to_iam().map(Cow::into_owned);
        let arn = || "arn:aws:s3:::b/*".to_owned();
        assert_eq!(iam(Resource::Exact(arn())).as_deref(), Some("arn:aws:s3:::b/${*}"));
        assert_eq!(iam(Resource::Pattern(arn())).as_deref(), Some("arn:aws:s3:::b/*"));
        assert_eq!(iam(Resource::Any).as_deref(), Some("*"));
        assert_eq!(iam(Resource::Unresolved(Unresolved::Account)), None);
    }
}
