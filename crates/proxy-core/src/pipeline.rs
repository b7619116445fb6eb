//! Life of a request.
//!
//! ```text
//! admit ─▶ authenticate ─▶ route ─▶ normalize ─▶ plan ─▶ authorize ─▶ take the body ─▶ sign ─▶ send
//!       ─▶ stream the response back ─▶ record
//! ```
//!
//! Each step takes a value that only the step before it makes, so that none can be left out:
//! [`Admitted`], [`Authenticated`](crate::authenticate::Authenticated), [`Routed`](crate::route::Routed),
//! [`Normalized`], [`Planned`], [`Authorized`], [`Signed`](crate::sign::Signed).
//!
//! Up to `authorize` nothing of the body is read, unless it is the body that decides: a client that waits for `100 Continue`
//! learns of a rejection without sending it. Up to `send` nothing leaves the machine. What is sent is what was signed: nothing
//! touches the head in between. Between `send` and `stream the response back`, a small error response is looked into: where it
//! rejects the credentials or the time of the signature, these are refreshed, and the request is signed and sent once more, if
//! its body is still there. It is not decided again.

mod caller;
mod client_body;
mod drain;
mod exchange;
mod guard;
mod handler;
mod inspect;
mod limits;
mod multipart;
mod read_ahead;
mod receive;
mod record;
mod recovery;
mod redaction;
mod rejection;
mod response;
mod runtime;
mod service_error;
mod setup;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use auth_model::Clock;
use bytes::Bytes;
use http::header::EXPECT;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_server::{DownloadRate, OverShare, RequestReservation, StreamSlot};
use resource_limits::{ClientKey, Exhausted};
use signer::Signer;

use crate::admit::{Admitted, admit};
use crate::authenticate::authenticate;
use crate::authorize::{self, Authorized, AuthorizedHead};
use crate::browser::{Browsers, Caller, ResponseGuard};
use crate::error::{Accept, Cause, ErrorCode, ErrorShape, ProxyError, REQUEST_ID_HEADER, render};
use crate::normalize::{Normalized, SignatureOwner, normalize};
use crate::permit::{Permitted, Records};
use crate::plan::{DecidedByBody, FramedBody, PayloadPlan, Planned, plan};
use crate::route::Router;
use crate::upstream::Network;
use client_body::ClientBody;
use exchange::Exchanged;
use limits::SharedLimits;
use multipart::FirstPart;
use record::Reporter;
use runtime::ConnectionRuntime;

pub use crate::permit::BookError;
pub use crate::route::RouteError;
pub use crate::upstream::UpstreamError;
pub use caller::TraceId;
pub use record::{Noted, Observer, Outcome, RequestRecord, SignedBy, Timings};
pub use response::ResponseBody;
pub use setup::SetupError;

/// Everything between a client's request and the response to it.
#[derive(Debug)]
pub struct Pipeline {
    router: Router<ConnectionRuntime>,
    browsers: Browsers,
    network: Network,
    records: Records,
    signer: Signer,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    limits: SharedLimits,
    /// This process's name: in `Via`, and the first half of request ids.
    pseudonym: String,
    instance: String,
    requests: Arc<AtomicU64>,
}

/// A response that is not an error of ours.
#[derive(Debug)]
enum Forwarded {
    /// The service's, as it streams.
    Service(response::Passed),
    /// One made here, such as the one to a multipart upload.
    Made(Response<Bytes>),
}

/// What is known of a request besides itself.
struct Context<'a, B> {
    client: &'a ClientKey,
    runtime: &'a Arc<ConnectionRuntime>,
    body: &'a mut ClientBody<B>,
    /// Where the requests of a client connection have slots.
    slot: Option<&'a StreamSlot>,
    reporter: &'a mut Reporter,
}

/// A request that only has to be sent.
enum Decided {
    Send(Box<Authorized>, Option<Permitted>),
    /// Its parts were sent already, as a multipart upload.
    Sent(Response<Bytes>, Option<Permitted>),
}

impl Pipeline {
    async fn respond<B>(&self, request: Request<B>, mut reporter: Reporter) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
    {
        let (mut head, body) = request.into_parts();
        let room = head.extensions.remove::<RequestReservation>();
        let accept = Accept::of(&head.headers);
        let mut guard = self.browsers.response_guard(&head.headers);
        let is_head = head.method == Method::HEAD;
        let expects_continue = head.headers.contains_key(EXPECT);
        let mut body = ClientBody::Here(body);
        let mut response = match self.forward(head, &mut body, &mut guard, &mut reporter).await {
            Ok(Forwarded::Service(passed)) => response::pass(passed, reporter),
            Ok(Forwarded::Made(response)) => response::own(response, is_head, reporter),
            Err(error) => {
                // To a client that waits for `100 Continue`, reading would be the sign to send its body.
                if !expects_continue {
                    drain::spawn(body);
                }
                self.reject(&error, accept, is_head, reporter)
            }
        };
        response.body_mut().keep(room);
        guard.apply(response.headers_mut());
        if let Ok(id) = HeaderValue::from_str(response.body().request_id()) {
            response.headers_mut().insert(REQUEST_ID_HEADER, id);
        }
        response
    }

    /// The steps, in order.
    async fn forward<B>(
        &self,
        head: Parts,
        body: &mut ClientBody<B>,
        guard: &mut ResponseGuard,
        reporter: &mut Reporter,
    ) -> Result<Forwarded, ProxyError>
    where
        B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
    {
        let client = reporter.record.peer.client_key();
        // On HTTP/2 it was taken before, see [`Handler::room`](http_server::Handler::room).
        let is_http1 = head.version < Version::HTTP_2;
        let _memory = is_http1
            .then(|| self.limits.memory_for_head(&client, &head))
            .transpose()?;
        let expects_continue = head.version == Version::HTTP_11 && head.headers.contains_key(EXPECT);
        let is_over_share = head.extensions.get::<OverShare>().is_some();
        let slot = head.extensions.get::<StreamSlot>().cloned();

        let admitted = admit(head, &self.pseudonym)?;
        reporter.record.host = admitted.host().map(ToString::to_string);
        if let Some(preflight) = self.check_browser(&admitted, guard, reporter)? {
            return Ok(Forwarded::Made(preflight));
        }
        let listener = &reporter.record.peer.listener;
        let routed = self.router.route(authenticate(admitted), listener)?;
        reporter.routed(routed.target());
        if is_over_share {
            // Not earlier: the response has the shape of the service that was meant.
            return Err(ProxyError::exhausted(Exhausted::OverShare, ErrorCode::ClientOverShare));
        }
        let runtime = Arc::clone(routed.connection());
        let is_body_over = body.is_end_stream();
        let request = normalize(routed, is_body_over, &runtime.account, &self.pseudonym).await?;
        reporter.normalized(&request);
        let planned = plan(request, reporter.record.operation.as_deref(), runtime.permit())?;

        let mut context = Context {
            client: &client,
            runtime: &runtime,
            body,
            slot: slot.as_ref(),
            reporter: &mut *reporter,
        };
        let decided = match planned {
            Planned::DecidedByHead(planned) => {
                let (authorized, permitted) = authorize::by_head(planned, runtime.permit()).await?;
                context.reporter.permitted(permitted.as_ref());
                // Before the body is read: without credentials there is no point in taking it.
                fetch_credentials(&runtime, authorized.request(), context.reporter).await?;
                self.take_body(authorized, permitted, &mut context).await?
            }
            Planned::DecidedByBody(planned) => self.decide_by_body(planned, &mut context).await?,
        };
        let (authorized, permitted) = match decided {
            Decided::Send(authorized, permitted) => (authorized, permitted),
            Decided::Sent(response, permitted) => {
                reporter.responded(&response);
                self.note_permitted(permitted, Some(response.status()));
                return Ok(Forwarded::Made(response));
            }
        };

        // Only now: while something is waited for from the client, nothing is taken that all clients share.
        authorized.body().begun(expects_continue).await?;
        stream_slot(slot.as_ref()).await?;
        let place = self.limits.place_for_response(&client, &runtime, is_http1).await?;
        let permit = runtime.upstream.permit(&client).await?;
        let record = &mut reporter.record;
        let exchanged = runtime.exchange(&authorized, &client, &mut record.attempts).await;
        record.bytes_in = authorized.body().received();
        let status = exchanged.as_ref().ok().map(|exchanged| exchanged.response.status());
        self.note_permitted(permitted, status);
        let Exchanged {
            mut response,
            notice,
            signed_by,
        } = exchanged?;
        if let Some(fault) = response.body_mut().take_first_fault() {
            // Nothing of the response has reached the client yet, which else sees a connection that ends.
            return Err(ProxyError::new(ErrorCode::UpstreamMalformed).with_cause(fault));
        }
        record.notice = notice;
        reporter.signed_by(signed_by);
        reporter.responded(&response);
        let config = &runtime.route.config;
        Ok(Forwarded::Service(response::Passed {
            response,
            permits: (permit, place),
            pass_fields: config.pass_fields,
            idle: config.timeouts.body_idle,
            rate: DownloadRate {
                behind: config.timeouts.body_idle,
                least_rate: config.limits.min_download_rate,
            },
            request_stream: authorized.body().bidirectional().map(response::RequestStream::of),
        }))
    }

    /// Rejects what a web page may not send; the response to a preflight, which goes nowhere.
    fn check_browser(
        &self,
        admitted: &Admitted,
        guard: &mut ResponseGuard,
        reporter: &mut Reporter,
    ) -> Result<Option<Response<Bytes>>, ProxyError> {
        let listener = &reporter.record.peer.listener;
        let Parts { method, headers, .. } = admitted.head();
        let Caller::Page(page) = self.browsers.check(method, headers, admitted.host(), listener)? else {
            return Ok(None);
        };
        let preflight = page.preflight_response();
        guard.let_read(page);
        if let Some(response) = &preflight {
            self.router.check_host(admitted, listener)?;
            reporter.responded(response);
        }
        Ok(preflight)
    }

    /// Takes the body of a request that is authorized whatever it is.
    async fn take_body<B>(
        &self,
        authorized: AuthorizedHead,
        permitted: Option<Permitted>,
        context: &mut Context<'_, B>,
    ) -> Result<Decided, ProxyError>
    where
        B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
    {
        let Context {
            client,
            runtime,
            body,
            slot,
            reporter,
        } = context;
        let request = authorized.request();
        let body = match authorized.payload() {
            PayloadPlan::Whole => {
                let body = receive::whole(request, body, &self.limits, &mut reporter.record, client).await?;
                FramedBody::Whole(body)
            }
            PayloadPlan::Stream(plan) => {
                let continues = runtime.upstream.continues(&request.head().uri);
                FramedBody::Stream(receive::stream(request, body, plan, continues)?)
            }
            PayloadPlan::Bidirectional => {
                let memory = self.limits.growing_memory(client);
                let messages = receive::messages(request, body, memory);
                reporter.streams_on(messages.fault().clone());
                FramedBody::Bidirectional(messages)
            }
            PayloadPlan::Multipart => {
                // It takes upstream permits as it goes.
                stream_slot(*slot).await?;
                let record = &mut reporter.record;
                // Boxed, as all that few requests need: else it is part of every request's future.
                let taking = Box::pin(multipart::take(runtime, &self.limits, authorized, body, record, client));
                return match taking.await? {
                    FirstPart::Whole(authorized) => {
                        reporter.body_received();
                        Ok(Decided::Send(authorized, permitted))
                    }
                    FirstPart::Uploaded(response) => Ok(Decided::Sent(response, permitted)),
                };
            }
        };
        reporter.body_received();
        Ok(Decided::Send(Box::new(authorized.with_body(body)), permitted))
    }

    /// Reads the body of a request and decides by it.
    async fn decide_by_body<B>(
        &self,
        planned: DecidedByBody,
        context: &mut Context<'_, B>,
    ) -> Result<Decided, ProxyError>
    where
        B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
    {
        let Context {
            client,
            runtime,
            body,
            reporter,
            ..
        } = context;
        let (awaits, permitted_by_head) = authorize::before_body(planned, runtime.permit()).await?;
        reporter.permitted(permitted_by_head.as_ref());
        fetch_credentials(runtime, awaits.request(), reporter).await?;
        let body = receive::whole(awaits.request(), body, &self.limits, &mut reporter.record, client).await?;
        reporter.body_received();
        // What is made of the body to decide on it is more than the body itself.
        let to_read = awaits.bytes_to_read(&body);
        let _memory = self.limits.memory_for_decision(client, runtime, to_read).await?;
        let (authorized, permitted) = awaits.authorize(body, runtime.permit()).await?;
        reporter.permitted(permitted.as_ref());
        Ok(Decided::Send(Box::new(authorized), permitted.or(permitted_by_head)))
    }

    /// Records what a request that was sent needed.
    fn note_permitted(&self, permitted: Option<Permitted>, status: Option<StatusCode>) {
        if let Some(permitted) = permitted {
            permitted.responded(status, self.clock.now());
        }
    }

    fn reject(
        &self,
        error: &ProxyError,
        accept: Accept,
        is_head: bool,
        mut reporter: Reporter,
    ) -> Response<ResponseBody> {
        let listener = &reporter.record.peer.listener;
        let protocol = reporter.protocol.or_else(|| self.router.common_protocol(listener));
        let shape = ErrorShape::choose(accept, protocol);
        let response = render(error, &reporter.record.request_id, shape);
        reporter.rejected(error);
        response::own(response, is_head, reporter)
    }
}

/// Finds out whether there are credentials to sign with, where it is the proxy that signs.
async fn fetch_credentials(
    runtime: &ConnectionRuntime,
    request: &Normalized,
    reporter: &mut Reporter,
) -> Result<(), ProxyError> {
    match request.signature() {
        SignatureOwner::Client => {}
        SignatureOwner::Proxy(_) => reporter.credentials_ready(runtime.credentials().await?),
    }
    Ok(())
}

/// Waits for a slot among the requests of its connection, where these have slots.
async fn stream_slot(slot: Option<&StreamSlot>) -> Result<(), ProxyError> {
    let Some(slot) = slot else { return Ok(()) };
    let acquired = slot.acquire().await;
    acquired.map_err(|exhausted| ProxyError::exhausted(exhausted, ErrorCode::ClientOverShare))
}

#[cfg(test)]
mod tests;
