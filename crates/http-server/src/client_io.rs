//! The client's socket as hyper sees it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::abort::Reset;
use super::activity::Activity;
use super::announced_settings::AnnouncedSettings;
use super::head_reader::HeadReader;
use super::head_start::HeadStart;
use super::rejection::Rejection;

/// A socket that replays the bytes read to find the protocol and keeps the connection's [`Activity`] true.
///
/// On HTTP/1 a [`HeadReader`] decides what hyper gets to see. A response that hyper makes by itself is held back: to a
/// malformed head it writes a bare status line and closes. Those bytes go into [`HyperResponse`] instead of onto the wire, and
/// the connection responds by its [`RejectionHandler`](crate::RejectionHandler).
#[derive(Debug)]
pub(crate) struct ClientIo<T> {
    inner: T,
    input: Input,
    activity: Arc<Activity>,
    hyper_response: Option<HyperResponse>,
    settings: AnnouncedSettings,
}

/// How bytes get from the socket to hyper.
#[derive(Debug)]
enum Input {
    /// As they come, behind those that were read before.
    Plain(Bytes),
    /// Head by head.
    Heads(Box<HeadReader>),
}

/// What hyper responds by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct HyperResponse(Arc<Mutex<Vec<u8>>>);

/// A status line and a few headers; more is never kept.
const LONGEST_HYPER_RESPONSE: usize = 1024;

impl HyperResponse {
    /// The status hyper chose, if it wrote anything.
    pub(crate) fn status(&self) -> Option<http::StatusCode> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let code = written
            .strip_prefix(b"HTTP/1.1 ")
            .or_else(|| written.strip_prefix(b"HTTP/1.0 "))?
            .get(..3)?;
        http::StatusCode::from_bytes(code).ok()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn keep(&self, bytes: &[u8]) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LONGEST_HYPER_RESPONSE.saturating_sub(written.len());
        written.extend(bytes.iter().take(room));
    }
}

impl<T> ClientIo<T> {
    /// For HTTP/2: hyper writes frames of its own at any time.
    pub(crate) fn new(inner: T, replay: Bytes, activity: Arc<Activity>) -> Self {
        Self {
            inner,
            input: Input::Plain(replay),
            activity,
            hyper_response: None,
            settings: AnnouncedSettings::default(),
        }
    }

    /// For HTTP/1: hyper gets what `heads` lets pass, and a response of its own is diverted.
    pub(crate) fn by_heads(
        inner: T,
        heads: HeadReader,
        activity: Arc<Activity>,
        hyper_response: HyperResponse,
    ) -> Self {
        Self {
            inner,
            input: Input::Heads(Box::new(heads)),
            activity,
            hyper_response: Some(hyper_response),
            settings: AnnouncedSettings::Over,
        }
    }

    /// The malformed head that ended the input.
    pub(crate) fn malformed(&self) -> Option<&(Rejection, HeadStart)> {
        match &self.input {
            Input::Plain(_) => None,
            Input::Heads(heads) => heads.malformed(),
        }
    }

    /// How many fields the next head has, where that ended the input.
    pub(crate) fn wanted_fields(&self) -> Option<usize> {
        match &self.input {
            Input::Plain(_) => None,
            Input::Heads(heads) => heads.wanted_fields(),
        }
    }

    /// The socket itself, and what was read from it that hyper has not seen.
    pub(crate) fn into_parts(self) -> (T, Bytes) {
        match self.input {
            Input::Plain(replay) => (self.inner, replay),
            Input::Heads(heads) => (self.inner, heads.into_unread()),
        }
    }

    /// Whether bytes written now are hyper's own response.
    fn diverts(&self) -> bool {
        self.hyper_response
            .as_ref()
            .is_some_and(|own| !own.is_empty() || self.activity.nobody_responds())
    }
}

impl<T: AsyncRead + Reset + Unpin> AsyncRead for ClientIo<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let replay = match &mut this.input {
            Input::Heads(heads) => return heads.poll_read(&mut this.inner, &this.activity, cx, buf),
            Input::Plain(replay) => replay,
        };
        if !replay.is_empty() {
            let part = replay.len().min(buf.remaining());
            buf.put_slice(&replay.split_to(part));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            this.activity.received();
        } else if buf.remaining() > 0 {
            return this.activity.received_end(cx).map(Ok);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ClientIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.diverts() {
            if let Some(own) = &self.hyper_response {
                own.keep(buf);
            }
            return Poll::Ready(Ok(buf.len()));
        }
        let this = &mut *self;
        let bytes = this.settings.instead_of(buf).unwrap_or(buf);
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            this.settings.wrote(count);
        }
        this.activity.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.diverts() || !self.settings.is_over() {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.activity.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.activity.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // After a malformed head or a diverted response ours is still to be written, and after a rest, or before a head of many
        // fields, the next request's.
        if self.activity.rests()
            || self.wanted_fields().is_some()
            || self.malformed().is_some()
            || self.hyper_response.as_ref().is_some_and(|own| !own.is_empty())
        {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
