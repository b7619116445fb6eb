//! The way of every request to a verifying stand-in: read, verify, authorise, response, tell.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::bidirectional::{self, MAX_BODY_BYTES, Verdict};
use crate::event::{EventSender, Outcome, Reason, VerifiedRequest};
use crate::fault::{Disconnected, FaultSwitch};
use crate::principals::Rights;
use crate::random;
use crate::response::Body;
use crate::server::Handler;
use crate::service_error::{ServiceError, Shape};
use crate::stream_gate::StreamWatch;
use crate::verify::{Caller, EventChain, PathRule, Payload, STREAMING_EVENTS, Scheme, Sighting, Verifier};

/// A body must have come whole within this.
const BODY_DEADLINE: Duration = Duration::from_mins(1);
/// How far a request's time may be from now.
const SKEW: Duration = Duration::from_mins(5);

/// A stand-in for one AWS service.
#[async_trait]
pub(crate) trait Api: Send + Sync + 'static {
    fn identity(&self) -> Identity;

    /// The operation that the request names.
    fn operation(&self, head: &Parts, body: &[u8]) -> Option<String>;

    /// Whether the request begins a stream, and the gate that its replies pass.
    fn stream(&self, _head: &Parts) -> Option<StreamWatch> {
        None
    }

    /// Carries out a request whose signature is right and whose sender may do it.
    async fn respond(&self, call: Call<'_>) -> Result<Response<Body>, ServiceError>;
}

/// What a stand-in is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// Endpoint prefix.
    pub(crate) service: &'static str,
    pub(crate) signing_name: &'static str,
    pub(crate) shape: Shape,
    /// The prefix of its IAM actions.
    pub(crate) action_prefix: &'static str,
}

impl Identity {
    fn scheme(self) -> Scheme {
        Scheme {
            signing_name: self.signing_name,
            path: PathRule::EncodedTwice,
            skew: SKEW,
        }
    }
}

/// A verified request.
pub(crate) struct Call<'a> {
    pub(crate) head: &'a Parts,
    pub(crate) body: &'a Bytes,
    pub(crate) operation: Option<&'a str>,
    pub(crate) caller: &'a Caller,
    pub(crate) request_id: &'a str,
}

/// A stand-in behind its guard.
pub(crate) struct Guarded<A> {
    pub(crate) api: A,
    pub(crate) verifier: Verifier,
    pub(crate) events: EventSender,
    pub(crate) fault: FaultSwitch,
}

#[async_trait]
impl<A: Api> Handler for Guarded<A> {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Disconnected> {
        let request_id = random::request_id();
        let (head, body) = request.into_parts();
        let identity = self.api.identity();
        let shape = identity.shape.requested_by(&head);
        let mut sighting = Sighting::default();
        let mut operation = None;
        let result = match self.fault.strike().await? {
            Some(error) => Err(error),
            None => match self.api.stream(&head) {
                Some(watch) => {
                    operation = self.api.operation(&head, &[]);
                    match self.open(&head, operation.as_deref(), &mut sighting) {
                        Ok(chain) => {
                            let event = event_of(identity, operation, &head, sighting, Outcome::Accepted);
                            let verdict = Verdict::open(event, self.events.clone(), shape);
                            let response = bidirectional::respond(body, chain, watch, verdict);
                            return Ok(with_id(response, &request_id));
                        }
                        Err(error) => Err(error),
                    }
                }
                None => match read_whole(body).await {
                    Err(error) => Err(error),
                    Ok(body) => {
                        operation = self.api.operation(&head, &body).filter(|name| is_operation_name(name));
                        self.judge(&head, &body, operation.as_deref(), &mut sighting, &request_id)
                            .await
                    }
                },
            },
        };
        let (response, outcome) = match result {
            Ok(response) => (response, Outcome::Accepted),
            Err(error) => (error.response(shape, &request_id), error.outcome(shape)),
        };
        self.events
            .send(event_of(identity, operation, &head, sighting, outcome));
        Ok(with_id(response, &request_id))
    }
}

impl<A: Api> Guarded<A> {
    async fn judge(
        &self,
        head: &Parts,
        body: &Bytes,
        operation: Option<&str>,
        sighting: &mut Sighting,
        request_id: &str,
    ) -> Result<Response<Body>, ServiceError> {
        let identity = self.api.identity();
        let caller = self
            .verifier
            .verify(head, Payload::Whole(body), identity.scheme(), sighting)?;
        authorise(&caller, identity, operation)?;
        let call = Call {
            head,
            body,
            operation,
            caller: &caller,
            request_id,
        };
        self.api.respond(call).await
    }

    /// Verifies the head of a stream; gives what its messages are verified by.
    fn open(&self, head: &Parts, operation: Option<&str>, sighting: &mut Sighting) -> Result<EventChain, ServiceError> {
        let identity = self.api.identity();
        bidirectional::check_head(head)?;
        let payload = Payload::Declared(STREAMING_EVENTS);
        let caller = self.verifier.verify(head, payload, identity.scheme(), sighting)?;
        authorise(&caller, identity, operation)?;
        EventChain::new(&self.verifier, head, SKEW)
    }
}

fn event_of(
    identity: Identity,
    operation: Option<String>,
    head: &Parts,
    sighting: Sighting,
    outcome: Outcome,
) -> VerifiedRequest {
    VerifiedRequest {
        service: identity.service,
        operation,
        method: head.method.clone(),
        path: head.uri.path().to_owned(),
        principal: sighting.principal,
        key: sighting.key,
        region: sighting.region,
        outcome,
    }
}

fn with_id(mut response: Response<Body>, request_id: &str) -> Response<Body> {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// Users that exist to assume a role may do nothing else; STS itself says what needs no permission there.
fn authorise(caller: &Caller, identity: Identity, operation: Option<&str>) -> Result<(), ServiceError> {
    match caller.principal.rights {
        Rights::Everything => Ok(()),
        Rights::StsOnly | Rights::Nothing if identity.service == "sts" => Ok(()),
        Rights::StsOnly | Rights::Nothing => Err(ServiceError::new(
            Reason::AccessDenied,
            format!(
                "User: {} is not authorized to perform: {}:{}",
                caller.principal.arn,
                identity.action_prefix,
                operation.unwrap_or("*")
            ),
        )),
    }
}

async fn read_whole(body: Incoming) -> Result<Bytes, ServiceError> {
    match tokio::time::timeout(BODY_DEADLINE, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ServiceError::new(
            Reason::TooLarge,
            format!("The sandbox takes bodies of up to {MAX_BODY_BYTES} bytes"),
        )),
        Ok(Err(_)) => Err(ServiceError::new(Reason::BadRequest, "The body broke off")),
        Err(_) => Err(ServiceError::of_operation(
            "RequestTimeout",
            StatusCode::REQUEST_TIMEOUT,
            "The body did not arrive in time",
        )),
    }
}

/// Operations become XML element names and show in events: a stranger's text does not.
fn is_operation_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}
