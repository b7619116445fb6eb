//! Waiting for an answer, and judging why there is none.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{Extensions, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::CaptureConnection;
use hyper_util::client::legacy::{Error, ResponseFuture};
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout_at};

use super::body::{HeldBody, ServiceBody};
use super::fault::{ConnectError, find};
use super::link::Served;
use super::response_head::{self, MalformedResponse, Reuse};
use crate::body::Progress;
use crate::error::{ErrorCode, ProxyError};

/// Interim responses (1xx) that a service may send before the final one. AWS sends one `100 Continue` at most.
pub(super) const MAX_INTERIM: u32 = 16;

/// An answer whose body is still on its way.
pub(crate) type Exchange = Response<ServiceBody>;

/// Counts the interim responses to one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Interim(Arc<InterimState>);

#[derive(Debug, Default)]
struct InterimState {
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

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum SendFault {
    /// A connection that had served before died without a byte of an answer: most likely it was closed
    /// while the request was on its way.
    StaleConnection(ProxyError),
    /// Anything else.
    Failed(ProxyError),
}

impl From<SendFault> for ProxyError {
    fn from(fault: SendFault) -> Self {
        match fault {
            SendFault::StaleConnection(error) | SendFault::Failed(error) => error,
        }
    }
}

/// Waits for the answer's head, `patience` long after the last sign of progress.
pub(super) async fn wait(
    mut response: ResponseFuture,
    progress: &Progress,
    patience: Duration,
    interim: &Interim,
) -> Result<Response<Incoming>, SendFault> {
    loop {
        let deadline = progress.last() + patience;
        let outcome = tokio::select! {
            outcome = timeout_at(deadline, &mut response) => outcome,
            // The response future is dropped, and the connection with it.
            () = interim.has_too_many() => return Err(malformed(MalformedResponse::InterimFlood)),
        };
        match outcome {
            Ok(Ok(response)) => {
                if let Some(served) = response.extensions().get::<Served>() {
                    served.mark();
                }
                return Ok(response);
            }
            Ok(Err(error)) => return Err(judge(error)),
            Err(_) if progress.last() + patience > deadline => {
                // Something went out meanwhile: wait on from there.
                sleep_until(deadline).await;
            }
            Err(_) => return Err(SendFault::Failed(ErrorCode::UpstreamTimeout.into())),
        }
    }
}

/// The response, where its head can be read in one way only; else the connection takes no other request.
pub(super) fn checked(
    response: Response<Incoming>,
    interim: &Interim,
    connection: &CaptureConnection,
    held: Option<HeldBody>,
) -> Result<Exchange, SendFault> {
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
    reuse.map_err(malformed)?;
    let version = response.version();
    Ok(response.map(|body| ServiceBody::new(body, version, held)))
}

fn malformed(cause: MalformedResponse) -> SendFault {
    SendFault::Failed(ProxyError::new(ErrorCode::UpstreamMalformed).with_cause(cause))
}

fn judge(error: Error) -> SendFault {
    let code = match find::<ConnectError>(&error) {
        Some(ConnectError::TimedOut) => ErrorCode::UpstreamConnectTimeout,
        Some(ConnectError::Tls(_)) => ErrorCode::UpstreamTls,
        Some(ConnectError::NotHttp2) => ErrorCode::UpstreamNotHttp2,
        Some(ConnectError::AddressRejected(_)) => ErrorCode::UpstreamAddressRejected,
        Some(ConnectError::Unreachable(_)) => ErrorCode::UpstreamUnreachable,
        None if error.is_connect() => ErrorCode::UpstreamUnreachable,
        None if find::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse) => ErrorCode::UpstreamMalformed,
        None => ErrorCode::UpstreamFailed,
    };
    let is_stale = code == ErrorCode::UpstreamFailed && has_served(&error) && is_closed(&error);
    let error = ProxyError::new(code).with_cause(error);
    if is_stale {
        SendFault::StaleConnection(error)
    } else {
        SendFault::Failed(error)
    }
}

/// Without TLS nobody is asked for HTTP/2: what breaks off may well not know it.
pub(super) fn without_agreement(fault: SendFault) -> SendFault {
    match fault {
        SendFault::Failed(error) if error.code() == ErrorCode::UpstreamFailed => SendFault::Failed(error.with_hint(
            "This operation goes by HTTP/2, which an http:// endpoint must take with prior knowledge (h2c).",
        )),
        other => other,
    }
}

/// Whether the connection had brought an answer before.
fn has_served(error: &Error) -> bool {
    let mut extras = Extensions::new();
    if let Some(info) = error.connect_info() {
        info.get_extras(&mut extras);
    }
    extras.get::<Served>().is_some_and(Served::is_marked)
}

/// Whether the other end closed or reset the connection before an answer.
fn is_closed(error: &Error) -> bool {
    let is_incomplete =
        find::<hyper::Error>(error).is_some_and(|e| e.is_incomplete_message() || e.is_closed() || e.is_canceled());
    let is_reset = find::<io::Error>(error).is_some_and(|e| {
        matches!(
            e.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
        )
    });
    is_incomplete || is_reset
}
