//! Waiting for a response, and classifying why there is none.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use egress::{ConnectError, PeerAddress, ResponseSeen, find_source};
use http::{Extensions, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::CaptureConnection;
use hyper_util::client::legacy::{Error, ResponseFuture};
use request_body::Progress;
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout_at};

use super::body::{HeldBody, ServiceBody};
use super::error::PoolConnectError;
use super::response_head::{self, MalformedResponse, Reuse};
use super::upload::Exchanging;
use crate::error::{ErrorCode, ProxyError};
use crate::retry::AttemptFailure;

/// Interim responses (1xx) that a service may send before the final one. AWS sends one `100 Continue` at most.
pub(super) const MAX_INTERIM: u32 = 16;

/// When a request may be tried again for which no connection could be opened.
const BUSY_RETRY: Duration = Duration::from_secs(1);

const TOO_FEW_FILES: &str =
    "Try again, with fewer requests at once; the proxy may have too few files open (LimitNOFILE, ulimit -n).";

/// A response whose body is still to come.
pub type Exchange = Response<ServiceBody>;

/// Counts the interim responses to one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Interim(Arc<InterimCount>);

#[derive(Debug, Default)]
struct InterimCount {
    count: AtomicU32,
    has_too_many: Notify,
}

impl Interim {
    pub(super) fn count(&self) {
        if self.0.count.fetch_add(1, Ordering::Relaxed) == MAX_INTERIM {
            self.0.has_too_many.notify_one();
        }
    }

    fn is_too_many(&self) -> bool {
        self.0.count.load(Ordering::Relaxed) > MAX_INTERIM
    }

    async fn has_too_many(&self) {
        self.0.has_too_many.notified().await;
    }
}

/// Why there is no response.
#[derive(Debug)]
pub struct SendFailure {
    pub(crate) error: ProxyError,
    /// What it means for another attempt.
    pub(crate) failure: AttemptFailure,
    /// The address that the request was sent to, as far as is known.
    pub(super) peer: Option<IpAddr>,
}

impl SendFailure {
    /// One that another attempt would not fix.
    pub(crate) fn last(error: impl Into<ProxyError>) -> Self {
        Self {
            error: error.into(),
            failure: AttemptFailure::Final,
            peer: None,
        }
    }
}

impl From<SendFailure> for ProxyError {
    fn from(failed: SendFailure) -> Self {
        failed.error
    }
}

/// Waits for the response's head, until `response_timeout` after the last sign of progress.
pub(super) async fn wait(
    mut response: ResponseFuture,
    progress: &Progress,
    response_timeout: Duration,
    interim: &Interim,
    exchanging: &mut Exchanging,
) -> Result<Response<Incoming>, SendFailure> {
    loop {
        let deadline = progress.last() + response_timeout;
        let outcome = tokio::select! {
            outcome = timeout_at(deadline, &mut response) => outcome,
            // The response future is dropped, and the connection with it.
            () = interim.has_too_many() => return Err(malformed(MalformedResponse::InterimFlood, None)),
            () = connected(exchanging) => continue,
        };
        match outcome {
            Ok(Ok(response)) => {
                if let Some(seen) = response.extensions().get::<ResponseSeen>() {
                    seen.mark();
                }
                return Ok(response);
            }
            Ok(Err(error)) => return Err(classify(error)),
            Err(_) if progress.last() + response_timeout > deadline => {
                // Something went out meanwhile: wait on from there.
                sleep_until(deadline).await;
            }
            Err(_) => {
                exchanging.is_late();
                return Err(SendFailure::last(ErrorCode::UpstreamTimeout));
            }
        }
    }
}

/// Ready once, when the connection is known.
async fn connected(exchanging: &mut Exchanging) {
    if exchanging.is_connected() {
        std::future::pending::<()>().await;
    } else {
        exchanging.connected().await;
    }
}

/// The response, where its head can be read in one way only; else the connection takes no other request.
pub(super) fn checked(
    response: Response<Incoming>,
    interim: &Interim,
    connection: &CaptureConnection,
    held: Option<HeldBody>,
    mut exchanging: Exchanging,
) -> Result<Exchange, SendFailure> {
    if let Some(HeldBody(gate)) = &held
        && response.status() == StatusCode::EXPECTATION_FAILED
    {
        gate.is_unknown();
    }
    let reuse = if interim.is_too_many() {
        Err(MalformedResponse::InterimFlood)
    } else {
        response_head::check(response.status(), response.headers())
    };
    if reuse != Ok(Reuse::Allowed)
        && let Some(connection) = connection.connection_metadata().as_ref()
    {
        connection.poison();
    }
    let peer = response.extensions().get::<PeerAddress>().and_then(|peer| peer.0);
    reuse.map_err(|cause| malformed(cause, peer))?;
    // hyper may have taken another connection since, where the first one had closed.
    exchanging.responded(response.status());
    let version = response.version();
    Ok(response.map(|body| ServiceBody::new(body, version, held, exchanging)))
}

fn malformed(cause: MalformedResponse, peer: Option<IpAddr>) -> SendFailure {
    SendFailure {
        error: ProxyError::new(ErrorCode::UpstreamMalformed).with_cause(cause),
        failure: AttemptFailure::Malformed,
        peer,
    }
}

fn classify(error: Error) -> SendFailure {
    let extras = extras(&error);
    let peer = extras.get::<PeerAddress>().and_then(|peer| peer.0);
    let (code, failure) = match find_source::<PoolConnectError>(&error) {
        Some(PoolConnectError::CircuitOpen(open)) => {
            let error = ProxyError::new(ErrorCode::UpstreamCircuitOpen).with_retry_after(open.retry_after);
            let hint = format!(
                "Try again then. The last attempt failed with {}: {}. {}",
                open.last.name(),
                open.last.message(),
                open.last.hint()
            );
            return SendFailure::last(error.with_hint(hint).with_cause(*open));
        }
        Some(PoolConnectError::Connect(ConnectError::NoDescriptor(_))) => {
            // Nothing is wrong with the service, and another attempt would take another descriptor.
            let busy = ProxyError::new(ErrorCode::UpstreamBusy).with_retry_after(BUSY_RETRY);
            return SendFailure::last(busy.with_hint(TOO_FEW_FILES).with_cause(error));
        }
        Some(cause) if is_passing(cause) => (cause.code(), AttemptFailure::NotSent),
        Some(cause) => (cause.code(), AttemptFailure::Final),
        None if error.is_connect() => (ErrorCode::UpstreamUnreachable, AttemptFailure::NotSent),
        None if is_malformed(&error) => (ErrorCode::UpstreamMalformed, AttemptFailure::Malformed),
        None => (ErrorCode::UpstreamFailed, broken_off(&error, &extras)),
    };
    SendFailure {
        error: ProxyError::new(code).with_cause(error),
        failure,
        peer,
    }
}

/// Whether another attempt to connect may succeed.
fn is_passing(error: &PoolConnectError) -> bool {
    match error {
        // A certificate stays what it is; a handshake that was broken off may have met a server that is going away.
        PoolConnectError::Connect(ConnectError::Tls(cause)) => is_gone(cause.kind()),
        // A name that leads nowhere, or an HTTP proxy that opens no tunnel, stays what it is.
        PoolConnectError::Connect(ConnectError::Unreachable(cause)) => find_source::<io::Error>(&**cause)
            .is_some_and(|cause| is_gone(cause.kind()) || cause.kind() == io::ErrorKind::ConnectionRefused),
        PoolConnectError::Connect(
            ConnectError::TimedOut | ConnectError::AddressRejected(_) | ConnectError::NoDescriptor(_),
        )
        | PoolConnectError::NotHttp2
        | PoolConnectError::CircuitOpen(_) => false,
    }
}

/// Whether what the service sent is no valid HTTP, as hyper reports for HTTP/1 and h2 for HTTP/2.
fn is_malformed(error: &Error) -> bool {
    let hyper = find_source::<hyper::Error>(error);
    if hyper.is_some_and(hyper::Error::is_parse) {
        return true;
    }
    // h2 itself has found it; a service that says the same of our request has another reason.
    !hyper.is_some_and(hyper::Error::is_user)
        && find_source::<h2::Error>(error).is_some_and(|error| {
            error.is_library()
                && matches!(
                    error.reason(),
                    Some(
                        h2::Reason::PROTOCOL_ERROR
                            | h2::Reason::FRAME_SIZE_ERROR
                            | h2::Reason::COMPRESSION_ERROR
                            | h2::Reason::FLOW_CONTROL_ERROR
                            | h2::Reason::STREAM_CLOSED
                    )
                )
        })
}

/// Which failure it is that an exchange broke off.
fn broken_off(error: &Error, extras: &Extensions) -> AttemptFailure {
    // Our own body ended it, not the service.
    if find_source::<hyper::Error>(error).is_some_and(hyper::Error::is_user) {
        return AttemptFailure::Final;
    }
    let stream = find_source::<h2::Error>(error);
    // A stream that the service's GOAWAY leaves out is one that it has not looked at (RFC 9113, section 6.8). One that it
    // has taken fails by what becomes of its connection.
    let is_left_out = |error: &h2::Error| error.is_go_away() && error.is_remote();
    if stream.is_some_and(|error| error.reason() == Some(h2::Reason::REFUSED_STREAM) || is_left_out(error)) {
        return AttemptFailure::NotSent;
    }
    let has_served = extras.get::<ResponseSeen>().is_some_and(ResponseSeen::is_marked);
    if is_closed(error) || stream.is_some_and(|error| error.is_go_away() || error.is_io()) {
        return if has_served {
            AttemptFailure::StaleConnection
        } else {
            AttemptFailure::Closed
        };
    }
    // A stream that was reset says nothing against its connection.
    let is_reset = stream.is_some_and(|error| error.is_reset() && error.is_remote());
    if is_reset {
        AttemptFailure::Closed
    } else {
        AttemptFailure::Final
    }
}

/// Without TLS nothing negotiates HTTP/2: what breaks off, or sends something else, may well not know it.
pub(super) fn without_agreement(failed: SendFailure) -> SendFailure {
    match failed {
        SendFailure { error, failure, peer }
            if matches!(error.code(), ErrorCode::UpstreamFailed | ErrorCode::UpstreamMalformed) =>
        {
            SendFailure {
                error: error.with_hint(
                    "This operation goes by HTTP/2, which an http:// endpoint must take with prior knowledge (h2c).",
                ),
                failure,
                peer,
            }
        }
        other => other,
    }
}

/// What is known of the connection.
fn extras(error: &Error) -> Extensions {
    let mut extras = Extensions::new();
    if let Some(info) = error.connect_info() {
        info.get_extras(&mut extras);
    }
    extras
}

/// Whether the other end closed or reset the connection before a response.
fn is_closed(error: &Error) -> bool {
    let is_incomplete = find_source::<hyper::Error>(error)
        .is_some_and(|e| e.is_incomplete_message() || e.is_closed() || e.is_canceled());
    is_incomplete || find_source::<io::Error>(error).is_some_and(|e| is_gone(e.kind()))
}

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}
