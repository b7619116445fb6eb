//! A client's socket that is reset where a response is broken off.
//!
//! An orderly close says that all was said: to a client that reads a response without a length to its end, a response that
//! was broken off would look whole. It would also leave the kernel with what the client has not taken, up to megabytes, for
//! minutes.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;

use super::activity::Activity;

/// A connection that can be reset.
pub(crate) trait Reset {
    /// Has the close that follows discard what was not sent, and reset the connection.
    fn reset_on_close(&self);

    /// Whether the peer has reset it. Behind the peer's end of the stream a read does not report it.
    fn is_reset(&self) -> bool;

    /// Whether the peer has closed its sending side, also where bytes before its end have not been read.
    fn has_ended(&self) -> bool;
}

impl Reset for TcpStream {
    fn reset_on_close(&self) {
        if let Err(error) = self.set_zero_linger() {
            // The client is gone, or the platform cannot: the close is an ordinary one.
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection cannot be reset");
        }
    }

    fn is_reset(&self) -> bool {
        !matches!(self.take_error(), Ok(None))
    }

    fn has_ended(&self) -> bool {
        // What the kernel has reported so far; nobody is woken.
        let mut cx = Context::from_waker(Waker::noop());
        match pin!(self.ready(Interest::READABLE)).poll(&mut cx) {
            Poll::Ready(ready) => ready.is_ok_and(Ready::is_read_closed),
            Poll::Pending => false,
        }
    }
}

/// The socket of one client; dropped while its [`Activity`] says that a response was broken off, it is reset.
#[derive(Debug)]
pub(crate) struct Abortable<T: Reset> {
    inner: T,
    activity: Arc<Activity>,
}

impl<T: Reset> Abortable<T> {
    pub(crate) fn new(inner: T, activity: Arc<Activity>) -> Self {
        Self { inner, activity }
    }
}

impl<T: Reset> Reset for Abortable<T> {
    fn reset_on_close(&self) {
        self.inner.reset_on_close();
    }

    fn is_reset(&self) -> bool {
        self.inner.is_reset()
    }

    fn has_ended(&self) -> bool {
        self.inner.has_ended()
    }
}

impl<T: Reset> Drop for Abortable<T> {
    fn drop(&mut self) {
        if self.activity.has_broken_off() {
            self.inner.reset_on_close();
        }
    }
}

impl<T: AsyncRead + Reset + Unpin> AsyncRead for Abortable<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        if buf.filled().len() == before && buf.remaining() > 0 && self.inner.is_reset() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Reset + Unpin> AsyncWrite for Abortable<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
