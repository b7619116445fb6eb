//! A connection, and the exchanges on it.
//!
//! By HTTP/2: h2 0.4 forgets that a response has ended (`END_STREAM`) where the connection ends while the request is still being sent and
//! nobody has read that end yet: `State::recv_eof` and `State::handle_error` put an error in its place, other than a reset of
//! the stream. So the end of a connection is held back for a moment, for those who have a response to read.
//!
//! A request whose service has responded and takes no more of it, without a reset, waits for its window for ever, since hyper
//! does not let go of it; over HTTP/1, until the service takes more. Such a connection is cut once nothing else is on it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use egress::Connection;
use futures_util::task::AtomicWaker;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, Connection as PooledConnection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::upload::Upload;

/// For so long the end of a connection is held back at most. A response that comes with it is in memory.
const END_HELD_BACK: Duration = Duration::from_millis(250);

/// The exchanges on one connection. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Exchanges(Arc<ExchangesState>);

#[derive(Debug, Default)]
struct ExchangesState {
    is_http2: bool,
    uploads: Mutex<Vec<(Arc<Upload>, CaptureConnection)>>,
    /// Once there are none, the connection is over.
    is_given_up: AtomicBool,
    /// Who reads from the connection.
    reader: AtomicWaker,
}

impl Exchanges {
    fn new(is_http2: bool) -> Self {
        Self(Arc::new(ExchangesState {
            is_http2,
            ..ExchangesState::default()
        }))
    }

    /// Whether there may be several at a time.
    pub(super) fn is_http2(&self) -> bool {
        self.0.is_http2
    }

    /// Another one, with this request.
    pub(super) fn begin(&self, upload: &Arc<Upload>, connection: &CaptureConnection) -> OpenExchange {
        self.uploads().push((Arc::clone(upload), connection.clone()));
        OpenExchange {
            exchanges: self.clone(),
            upload: Arc::clone(upload),
        }
    }

    /// Cuts the connection once no exchange is under way.
    pub(super) fn give_up(&self) {
        self.0.is_given_up.store(true, Ordering::Release);
        self.0.reader.wake();
    }

    /// The pool gives the connection to no other request.
    fn leave_pool(&self) {
        if let Some((_, connection)) = self.uploads().first() {
            poison(connection);
        }
    }

    fn is_cut(&self) -> bool {
        self.0.is_given_up.load(Ordering::Acquire) && self.uploads().is_empty()
    }

    /// Whether a request is under way that was not sent whole.
    fn has_unsent(&self) -> bool {
        self.uploads().iter().any(|(upload, _)| !upload.is_sent())
    }

    fn uploads(&self) -> MutexGuard<'_, Vec<(Arc<Upload>, CaptureConnection)>> {
        self.0.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool gives the connection to no other request.
pub(super) fn poison(connection: &CaptureConnection) {
    if let Some(connection) = connection.connection_metadata().as_ref() {
        connection.poison();
    }
}

/// An exchange; dropped, it is over.
#[derive(Debug)]
pub(super) struct OpenExchange {
    exchanges: Exchanges,
    upload: Arc<Upload>,
}

impl OpenExchange {
    pub(super) fn exchanges(&self) -> &Exchanges {
        &self.exchanges
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        self.exchanges
            .uploads()
            .retain(|(upload, _)| !Arc::ptr_eq(upload, &self.upload));
        self.exchanges.0.reader.wake();
    }
}

/// A connection to a service, by whichever protocol was agreed on.
#[derive(Debug)]
pub(super) struct ServiceConnection {
    io: TokioIo<Connection>,
    exchanges: Exchanges,
    end: Option<HeldEnd>,
}

/// The end of a connection that was not reported yet.
#[derive(Debug)]
struct HeldEnd {
    outcome: io::Result<()>,
    until: Pin<Box<Sleep>>,
}

impl ServiceConnection {
    pub(super) fn new(io: Connection, is_http2: bool) -> Self {
        Self {
            io: TokioIo::new(io),
            exchanges: Exchanges::new(is_http2),
            end: None,
        }
    }
}

impl PooledConnection for ServiceConnection {
    fn connected(&self) -> Connected {
        self.io.inner().connected().extra(self.exchanges.clone())
    }
}

impl AsyncRead for ServiceConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let exchanges = &this.exchanges;
        exchanges.0.reader.register(cx.waker());
        if exchanges.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if !exchanges.is_http2() {
            return Pin::new(&mut this.io).poll_read(cx, buffer);
        }
        if this.end.is_none() {
            let before = buffer.filled().len();
            match Pin::new(&mut this.io).poll_read(cx, buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if buffer.filled().len() > before || buffer.remaining() == 0 => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(outcome) if !exchanges.has_unsent() => return Poll::Ready(outcome),
                Poll::Ready(outcome) => {
                    // The pool does not notice the end yet.
                    exchanges.leave_pool();
                    let until = Box::pin(sleep(END_HELD_BACK));
                    this.end = Some(HeldEnd { outcome, until });
                }
            }
        }
        if let Some(end) = &mut this.end
            && exchanges.has_unsent()
            && end.until.as_mut().poll(cx).is_pending()
        {
            return Poll::Pending;
        }
        // From now on the connection itself reports it.
        Poll::Ready(this.end.take().map_or(Ok(()), |end| end.outcome))
    }
}

impl AsyncWrite for ServiceConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
