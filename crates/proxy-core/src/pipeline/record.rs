//! What is told about a request once it is over.

use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AccessKeyId, ConnectionName, Credentials, Region, RoleSessionName, ServiceId};
use aws_endpoints::Protocol;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Version};
use http_server::{IsCut, Peer, TooSlow};
use request_body::StreamStatus;
use tokio::time::Instant;

use super::caller::{self, TraceId};
use super::service_error::{ErrorBody, Naming, naming};
use crate::error::{ErrorCode, Notice, ProxyError};
use crate::normalize::Normalized;
use crate::permit::Permitted;
use crate::route::Target;

/// Takes the record of each request, for logs and metrics. Must not block.
pub trait Observer: std::fmt::Debug + Send + Sync + 'static {
    /// A request is over: its response was sent, or its client has left.
    fn finished(&self, record: &RequestRecord);
}

/// A request that is over. Shows no secret: no query, no header values but AWS's request id, the program that the client
/// says it is, and the trace's id.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// Also in the response's `x-signing-proxy-request-id`.
    pub request_id: String,
    /// Who asked, and where.
    pub peer: Peer,
    /// The connection that was chosen.
    pub connection: Option<ConnectionName>,
    /// Its service.
    pub service: Option<ServiceId>,
    /// The region it signs for.
    pub region: Option<Region>,
    /// The operation, where the request's head or form says it.
    pub operation: Option<String>,
    /// What it asks of IAM, where the connection has a policy or a record: actions, with commas between.
    pub actions: Option<String>,
    /// The method.
    pub method: Method,
    /// The client's version of HTTP.
    pub version: Version,
    /// The host that was asked for, lower case, with its port.
    pub host: Option<String>,
    /// The path as the client spelled it, without the query.
    pub path: String,
    /// The program that the client says it is: up to 256 bytes.
    pub user_agent: Option<Box<str>>,
    /// The trace that the client's request belongs to.
    pub trace_id: Option<TraceId>,
    /// The status of the response; `None` where the client left before there was one.
    pub status: Option<StatusCode>,
    /// Whose keys signed it, the last ones where it was sent more than once.
    pub signed_by: Option<SignedBy>,
    /// AWS's own id of the request.
    pub aws_request_id: Option<String>,
    /// AWS's code, where the response is an error of the service's: up to 96 letters, digits, `.`, `_` and `-`.
    pub aws_error: Option<String>,
    /// The error, where the response is ours, or the client broke its request off while the service responded.
    pub error: Option<ErrorCode>,
    /// Why the service's response could not be recovered from, where keys or clock were at fault.
    pub notice: Option<Notice>,
    /// The error's causes, outermost first, separated by `: `.
    pub cause: Option<String>,
    /// Bytes of the request's body as they came off the wire.
    pub bytes_in: u64,
    /// Bytes of the response's body.
    pub bytes_out: u64,
    /// How often the request was sent upstream.
    pub attempts: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub timings: Timings,
}

/// Whose keys signed a request: the key's public half and the session, nothing else of them.
#[derive(Clone)]
pub struct SignedBy(Arc<Credentials>);

impl SignedBy {
    /// The access key id, which is no secret.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.0.access_key_id
    }

    /// The role session's name, where the proxy has assumed the role.
    #[must_use]
    pub fn session_name(&self) -> Option<&RoleSessionName> {
        self.0.session_name.as_ref()
    }
}

impl From<Arc<Credentials>> for SignedBy {
    fn from(credentials: Arc<Credentials>) -> Self {
        Self(credentials)
    }
}

impl fmt::Debug for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedBy")
            .field("access_key_id", self.access_key_id())
            .field("session_name", &self.session_name())
            .finish()
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The whole response was handed to the client's connection.
    Complete,
    /// The client left before the end.
    ClientLeft,
    /// It still ran when `server.shutdown_deadline` was over, and the proxy broke it off.
    CutOff,
    /// The client's side of a bidirectional stream broke off after the service had begun to respond: `error` says how.
    ClientBroke,
    /// The client did not take the response fast enough: it was broken off.
    ClientTooSlow,
    /// The service broke its response off.
    UpstreamBroke,
}

/// From the request's head to …; `None` where it never came to that.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timings {
    /// … having credentials.
    pub credentials: Option<Duration>,
    /// … having the whole body, or having begun to pass it on.
    pub body: Option<Duration>,
    /// … the head of the service's response.
    pub upstream_head: Option<Duration>,
    /// … the end.
    pub total: Duration,
}

/// Headers in which AWS's services name a request.
const AWS_REQUEST_IDS: [HeaderName; 3] = [
    HeaderName::from_static("x-amz-request-id"),
    HeaderName::from_static("x-amzn-requestid"),
    HeaderName::from_static("x-amzn-request-id"),
];

/// Longer ones are no ids.
const MAX_AWS_REQUEST_ID: usize = 128;

/// Writes a request's record, and hands it over when it is dropped: nothing that happens to a request, not even its
/// client leaving in the middle, keeps it from being told.
#[derive(Debug)]
pub(super) struct Reporter {
    pub(super) record: RequestRecord,
    /// The shape of errors, once the service is known.
    pub(super) protocol: Option<Protocol>,
    /// Set by the server where the response was broken off because of its client.
    pub(super) too_slow: TooSlow,
    /// Set by the server before it drops what still runs.
    is_cut: IsCut,
    observer: Arc<dyn Observer>,
    started: Instant,
    /// Counts what comes of the request's body after its response has begun.
    received: Option<StreamStatus>,
    /// What has passed of an error response whose code the head does not say.
    error_body: Option<ErrorBody>,
    /// The service's responses are an application's of the operator's own.
    is_application: bool,
}

/// A request that has come: it leaves its record even if nothing more is done about it.
#[derive(Debug)]
pub struct Noted(pub(super) Reporter);

impl Reporter {
    pub(super) fn new<B>(request: &Request<B>, peer: Peer, request_id: String, observer: Arc<dyn Observer>) -> Self {
        Self {
            record: RequestRecord {
                request_id,
                peer,
                connection: None,
                service: None,
                region: None,
                operation: None,
                actions: None,
                method: request.method().clone(),
                version: request.version(),
                host: None,
                path: request.uri().path().to_owned(),
                user_agent: caller::user_agent(request.headers()),
                trace_id: caller::trace_id(request.headers()),
                status: None,
                signed_by: None,
                aws_request_id: None,
                aws_error: None,
                error: None,
                notice: None,
                cause: None,
                bytes_in: 0,
                bytes_out: 0,
                attempts: 0,
                outcome: Outcome::ClientLeft,
                timings: Timings::default(),
            },
            protocol: None,
            too_slow: TooSlow::default(),
            is_cut: request.extensions().get().cloned().unwrap_or_default(),
            observer,
            started: Instant::now(),
            received: None,
            error_body: None,
            is_application: false,
        }
    }

    /// The request's body still streams while the response comes in.
    pub(super) fn streams_on(&mut self, body: StreamStatus) {
        self.received = Some(body);
    }

    pub(super) fn routed(&mut self, target: &Target) {
        let connection = &target.route.config.connection;
        self.record.connection = Some(connection.name.clone());
        self.record.service = Some(connection.service.clone());
        self.record.region = Some(target.route.scope.region.clone());
        self.protocol = Some(target.route.traits.protocol);
    }

    pub(super) fn credentials_ready(&mut self, credentials: Arc<Credentials>) {
        self.signed_by(Some(credentials));
        self.record.timings.credentials = Some(self.started.elapsed());
    }

    /// The request was signed with these.
    pub(super) fn signed_by(&mut self, credentials: Option<Arc<Credentials>>) {
        self.record.signed_by = credentials.map(SignedBy);
    }

    pub(super) fn normalized(&mut self, request: &Normalized) {
        self.record.operation = request.operation();
        self.is_application = request.is_for_application();
    }

    /// What the request needs, where it was mapped to IAM's actions.
    pub(super) fn permitted(&mut self, permitted: Option<&Permitted>) {
        if let Some(permitted) = permitted {
            self.record.operation = Some(permitted.operation.to_string());
            self.record.actions = Some(permitted.actions.clone());
        }
    }

    pub(super) fn body_received(&mut self) {
        self.record.timings.body = Some(self.started.elapsed());
    }

    pub(super) fn responded<B>(&mut self, response: &Response<B>) {
        self.record.timings.upstream_head = Some(self.started.elapsed());
        self.record.status = Some(response.status());
        self.record.aws_request_id = aws_request_id(response.headers());
        let method = &self.record.method;
        match naming(method, response.status(), response.headers(), self.is_application) {
            Naming::None => {}
            Naming::Code(code) => self.record.aws_error = Some(code),
            Naming::Body(body) => self.error_body = Some(body),
        }
    }

    /// A piece of the response's body goes to the client.
    pub(super) fn passes(&mut self, data: &[u8]) {
        if let Some(body) = &mut self.error_body {
            body.push(data);
        }
    }

    pub(super) fn rejected(&mut self, error: &ProxyError) {
        self.record.status = Some(error.code().status());
        self.record.error = Some(error.code());
        self.record.cause = causes(error);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.record.timings.total = self.started.elapsed();
        if self.record.outcome == Outcome::ClientLeft && self.is_cut.is_set() {
            self.record.outcome = Outcome::CutOff;
        }
        if self.too_slow.is_set() {
            // Also where all of it had been handed to the client's connection: it was not sent.
            self.record.outcome = Outcome::ClientTooSlow;
        }
        if let Some(body) = &self.received {
            self.record.bytes_in = body.received();
        }
        if let Some(body) = &self.error_body {
            self.record.aws_error = body.code();
        }
        if self.record.attempts == 0 {
            // There were credentials, and then the request was rejected or broken off before it was signed.
            self.record.signed_by = None;
        }
        self.observer.finished(&self.record);
    }
}

fn aws_request_id(headers: &HeaderMap) -> Option<String> {
    let value = AWS_REQUEST_IDS.iter().find_map(|name| headers.get(name))?;
    let text = value.to_str().ok()?;
    (text.len() <= MAX_AWS_REQUEST_ID).then(|| text.to_owned())
}

fn causes(error: &ProxyError) -> Option<String> {
    let mut next = error.source();
    let mut text = String::new();
    while let Some(cause) = next {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{cause}");
        next = cause.source();
    }
    (!text.is_empty()).then_some(text)
}
