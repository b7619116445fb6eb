//! Life of a request.
//!
//! ```text
//! admit ─▶ route ─▶ presigned? ─▶ wire form ─▶ strip ─▶ credentials there? ─▶ frame the body ─▶ sign ─▶ send
//!       ─▶ stream the answer back ─▶ record
//! ```
//!
//! Up to `frame the body` nothing of the body is read: a client that waits for `100 Continue` learns of a refusal without
//! sending it. Up to `send` nothing leaves the machine. What is sent is what was signed: nothing touches the head in between.
//! Between `send` and `stream the answer back`, a small error answer is looked into: where it rejects the keys or the time
//! of the signature, these are renewed and the request is signed and sent once more, if its body is still there.

mod answer;
mod caller;
mod connections;
mod conversation;
mod cure;
mod drain;
mod guard;
mod inspect;
mod memory;
mod metadata;
mod multipart;
mod ownership;
mod payload;
mod permission;
mod read_ahead;
mod record;
mod redaction;
mod rejection;
mod service_error;
mod setup;
mod sign;
mod skew;
mod steps;
mod vending;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auth_model::{Clock, ConnectionName};
use bytes::Bytes;
use http::header::EXPECT;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use sts_client::CredentialSource;

use crate::admit::{admit, check_upgrade};
use crate::body::Storage;
use crate::browser::{Browsers, Caller, ResponseGuard};
use crate::config::Config;
use crate::error::{Accept, ErrorCode, ErrorShape, ProxyError, REQUEST_ID_HEADER, render};
use crate::metrics::{Metrics, Tally};
use crate::permit::{Permitted, Records};
use crate::process::DescriptorLimit;
use crate::route::Router;
use crate::server::{DownloadRate, Handler, OverShare, Peer, RequestRoom, StreamSlot};
use crate::share::{Exhausted, Pool, PoolSize};
use crate::upstream::Network;
use connections::{Lane, lanes};
use multipart::Begun;
use record::Reporter;
use sign::Exchanged;

pub use crate::permit::BookError;
pub use crate::route::RouteError;
pub use crate::upstream::UpstreamError;
pub use answer::ResponseBody;
pub use caller::TraceId;
pub use record::{Noted, Observer, Outcome, RequestRecord, SignedBy, Timings};
pub use setup::SetupError;
#[cfg(fuzzing)]
pub(crate) use steps::prepare;

/// Everything between a client's request and the answer to it.
#[derive(Debug)]
pub struct Pipeline {
    router: Router,
    browsers: Browsers,
    lanes: BTreeMap<ConnectionName, Lane>,
    network: Network,
    records: Records,
    signer: signer::Signer,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    storage: Storage,
    request_memory: Pool,
    /// Requests on HTTP/2 that are sent to services or whose response is passed on, over all connections.
    http2_requests: Pool,
    spooled: Tally,
    /// This process's name: in `Via`, and the first half of request ids.
    pseudonym: String,
    instance: String,
    requests: Arc<AtomicU64>,
}

/// An answer that is not a refusal.
#[derive(Debug)]
enum Answered {
    /// The service's, on its way.
    Passed(answer::Passed),
    /// One made of several of the service's.
    Made(Response<Bytes>),
}

impl Pipeline {
    /// [`Pipeline::new`] with so many connections to services at a time.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::new`].
    pub(crate) fn within(
        descriptors: &DescriptorLimit,
        config: &Config,
        credentials: BTreeMap<ConnectionName, CredentialSource>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let router = Router::new(config)?;
        let network = Network::new(&config.upstream, config.server.threads, descriptors, None)?;
        let records = Records::default();
        let lanes = lanes(&router, &network, &records, credentials, metrics, &BTreeMap::new())?;
        let mut random = [0; 8];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| SetupError::Random)?;
        let instance = format!("{:016x}", u64::from_be_bytes(random));
        let pipeline = Self {
            router,
            browsers: Browsers::new(config),
            lanes,
            network,
            records,
            signer: signer::Signer::new(),
            clock,
            observer,
            storage: Storage::empty(spool_dir(config), descriptors),
            request_memory: Pool::new(PoolSize::NONE),
            http2_requests: Pool::new(PoolSize::NONE),
            spooled: metrics.spooled_bytes(),
            pseudonym: format!("signing-proxy-{instance}"),
            instance,
            requests: Arc::new(AtomicU64::new(1)),
        };
        pipeline.share(&config.server, metrics);
        Ok(pipeline)
    }

    /// The pipeline of another configuration, to take over from this one: it keeps what belongs to the process, and
    /// the pools of connections that are reached as before. Changes nothing here.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::new`].
    pub(crate) fn successor(
        &self,
        config: &Config,
        credentials: BTreeMap<ConnectionName, CredentialSource>,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let router = Router::new(config)?;
        let network = Network::new(
            &config.upstream,
            config.server.threads,
            self.network.descriptors(),
            Some(&self.network),
        )?;
        let records = self.records.clone();
        let lanes = lanes(&router, &network, &records, credentials, metrics, &self.lanes)?;
        Ok(Self {
            router,
            browsers: Browsers::new(config),
            lanes,
            network,
            records,
            signer: self.signer.clone(),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            storage: self.storage.in_folder(spool_dir(config)),
            request_memory: self.request_memory.clone(),
            http2_requests: self.http2_requests.clone(),
            spooled: self.spooled.clone(),
            pseudonym: self.pseudonym.clone(),
            instance: self.instance.clone(),
            requests: Arc::clone(&self.requests),
        })
    }

    /// Writes what was recorded to the disk. Blocks.
    pub(crate) fn write_records(&self) {
        self.records.write();
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>, mut reporter: Reporter) -> Response<ResponseBody> {
        let (mut head, body) = request.into_parts();
        let room = head.extensions.remove::<RequestRoom>();
        let accept = Accept::of(&head.headers);
        let mut guard = self.browsers.response_guard(&head.headers);
        let is_head = head.method == Method::HEAD;
        let expects_continue = head.headers.contains_key(EXPECT);
        let mut body = Some(body);
        let mut response = match self.forward(head, &mut body, &mut guard, &mut reporter).await {
            Ok(Answered::Passed(passed)) => answer::pass(passed, reporter),
            Ok(Answered::Made(response)) => answer::own(response, is_head, reporter),
            Err(error) => {
                if let Some(body) = body.filter(|_| !expects_continue) {
                    drain::spawn(body);
                }
                self.refuse(&error, accept, is_head, reporter)
            }
        };
        response.body_mut().keep(room);
        guard.apply(response.headers_mut());
        if let Ok(id) = HeaderValue::from_str(response.body().request_id()) {
            response.headers_mut().insert(REQUEST_ID_HEADER, id);
        }
        response
    }

    /// The steps, in order; each takes what only the one before can make.
    async fn forward(
        self: &Arc<Self>,
        head: Parts,
        body: &mut Option<Incoming>,
        guard: &mut ResponseGuard,
        reporter: &mut Reporter,
    ) -> Result<Answered, ProxyError> {
        let client = reporter.record.peer.client_key();
        // On HTTP/2 it was taken before, see [`Handler::room`].
        let is_http1 = head.version < Version::HTTP_2;
        let _memory = is_http1.then(|| self.memory_for_head(&client, &head)).transpose()?;
        let expects_continue = head.version == Version::HTTP_11 && head.headers.contains_key(EXPECT);
        let is_over_share = head.extensions.get::<OverShare>().is_some();
        let slot = head.extensions.get::<StreamSlot>().cloned();
        let admitted = admit(head, &self.pseudonym)?;
        reporter.record.host = admitted.host.as_ref().map(ToString::to_string);
        let listener = &reporter.record.peer.listener;
        let Parts { method, headers, .. } = &admitted.head;
        if let Caller::Page(page) = self.browsers.check(method, headers, admitted.host.as_ref(), listener)? {
            let preflight = page.preflight_response();
            guard.let_read(page);
            if let Some(response) = preflight {
                self.router.check_host(&admitted, listener)?;
                reporter.answered(&response);
                return Ok(Answered::Made(response));
            }
        }
        let target = self.router.route(&admitted, listener)?;
        reporter.routed(&target);
        if is_over_share {
            // Not earlier: the response has the shape of the service that was meant.
            return Err(ProxyError::exhausted(Exhausted::OverShare, ErrorCode::ClientOverShare));
        }
        check_upgrade(&admitted.head)?;
        let lane = self.lane(&target)?;
        ownership::of_hosts(lane, &target, &admitted.head).await?;
        let mut ready = steps::prepare(admitted, target, &self.pseudonym)?;
        ownership::of_bucket(lane, &mut ready).await?;
        ready.note_body(body.as_ref());
        reporter.record.operation = ready.operation();
        reporter.for_application(ready.is_for_application());
        let converses = conversation::is_one(&ready, reporter.record.operation.as_deref())?;
        let mut permitted = permission::of_head(lane, &mut ready, &mut reporter.record).await?;
        let signs = ready.is_ours_to_sign();
        if signs {
            // Before the body is read: without credentials there is no point in taking it.
            let credentials = steps::credentials(&lane.credentials).await?;
            reporter.credentials_ready(credentials);
        }
        let record = &mut reporter.record;
        let framed = if converses {
            let (framed, fault) = conversation::take(ready, body, self.request_memory.nothing(&client))?;
            reporter.flows_on(fault);
            framed
        } else if multipart::suits(&ready, record.operation.as_deref(), body.as_ref()) {
            // It takes permits as it goes.
            stream_slot(slot.as_ref()).await?;
            match Box::pin(multipart::take(self, ready, body, record, &client)).await? {
                Begun::Whole(framed) => *framed,
                Begun::Over(response) => {
                    reporter.answered(&response);
                    self.keep(permitted, Some(response.status()));
                    return Ok(Answered::Made(response));
                }
            }
        } else {
            payload::frame(ready, body, self, record, &client).await?
        };
        reporter.body_received();
        let record = &mut reporter.record;
        if framed.ready.is_decided_by_body {
            let to_read = permission::bytes_to_read(lane, &framed);
            let _memory = self.memory_for_decision(&client, lane, to_read).await?;
            permitted = permission::of_body(lane, &framed, record).await?;
        }
        // Only now: while something is waited for from the client, nothing is taken that all clients share.
        framed.begun(expects_continue).await?;
        stream_slot(slot.as_ref()).await?;
        let place = self.place_for_response(&client, lane, is_http1).await?;
        let permit = lane.upstream.permit(&client).await?;
        let exchanged = self.exchange(lane, &framed, &client, &mut record.attempts).await;
        record.bytes_in = framed.received();
        self.keep(
            permitted,
            exchanged.as_ref().ok().map(|exchanged| exchanged.response.status()),
        );
        let Exchanged {
            mut response,
            notice,
            used,
        } = exchanged?;
        if let Some(fault) = response.body_mut().take_first_fault() {
            // Nothing of the response is on its way to the client yet, which else sees a connection that ends.
            return Err(ProxyError::new(ErrorCode::UpstreamMalformed).with_cause(fault));
        }
        record.notice = notice;
        reporter.signed_by(used);
        reporter.answered(&response);
        let config = &framed.ready.route.config;
        Ok(Answered::Passed(answer::Passed {
            response,
            permits: (permit, place),
            pass_fields: config.pass_fields,
            idle: config.timeouts.body_idle,
            rate: DownloadRate {
                behind: config.timeouts.body_idle,
                least_rate: config.limits.min_download_rate,
            },
            conversation: framed.talk(),
        }))
    }

    /// Keeps what a request that was sent asked for.
    fn keep(&self, permitted: Option<Permitted>, status: Option<StatusCode>) {
        if let Some(permitted) = permitted {
            permitted.answered(status, self.clock.now());
        }
    }

    fn lane(&self, target: &crate::route::Target) -> Result<&Lane, ProxyError> {
        let lane = self.lanes.get(target.route.name());
        lane.ok_or_else(|| crate::error::ErrorCode::Internal.into())
    }

    fn refuse(
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
        reporter.refused(error);
        answer::own(response, is_head, reporter)
    }
}

/// Waits for a slot among the requests of its connection, where these have slots.
async fn stream_slot(slot: Option<&StreamSlot>) -> Result<(), ProxyError> {
    let Some(slot) = slot else { return Ok(()) };
    let acquired = slot.acquire().await;
    acquired.map_err(|exhausted| ProxyError::exhausted(exhausted, ErrorCode::ClientOverShare))
}

fn spool_dir(config: &Config) -> PathBuf {
    config.server.spool_dir.clone().unwrap_or_else(std::env::temp_dir)
}

impl Handler<Incoming> for Pipeline {
    type Body = ResponseBody;
    type Begun = Noted;

    fn begin(&self, request: &Request<Incoming>, peer: &Peer) -> Noted {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("{}-{number:06x}", self.instance);
        Noted(Reporter::new(
            request,
            peer.clone(),
            request_id,
            Arc::clone(&self.observer),
        ))
    }

    async fn handle(self: Arc<Self>, request: Request<Incoming>, begun: Noted) -> Response<ResponseBody> {
        self.answer(request, begun.0).await
    }

    fn room(&self, request: &Request<Incoming>, peer: &Peer) -> Option<RequestRoom> {
        self.room_for_head(&peer.client_key(), request)
    }
}

#[cfg(test)]
mod tests;
