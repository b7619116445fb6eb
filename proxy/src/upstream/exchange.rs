//! Waiting for an answer, and judging why there is none.

use std::io;
use std::time::Duration;

use http::{Extensions, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Error, ResponseFuture};
use tokio::time::{sleep_until, timeout_at};

use super::fault::{ConnectError, find};
use super::link::Served;
use crate::body::Progress;
use crate::error::{ErrorCode, ProxyError};

/// An answer whose body is still on its way.
pub(crate) type Exchange = Response<Incoming>;

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
) -> Result<Exchange, SendFault> {
    loop {
        let deadline = progress.last() + patience;
        match timeout_at(deadline, &mut response).await {
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

fn judge(error: Error) -> SendFault {
    let code = match find::<ConnectError>(&error) {
        Some(ConnectError::TimedOut) => ErrorCode::UpstreamConnectTimeout,
        Some(ConnectError::Tls(_)) => ErrorCode::UpstreamTls,
        Some(ConnectError::NotHttp2) => ErrorCode::UpstreamNotHttp2,
        Some(ConnectError::Unreachable(_)) => ErrorCode::UpstreamUnreachable,
        None if error.is_connect() => ErrorCode::UpstreamUnreachable,
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
