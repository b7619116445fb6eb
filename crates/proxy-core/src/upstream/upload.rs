//! The body of a request, and what becomes of it when the response has ended before it was sent.
//!
//! hyper goes on sending, and never ends where the service neither takes any more nor closes: the body would keep its memory,
//! its client's connection, and the one to the service.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::{Extensions, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::connect::CaptureConnection;
use request_body::OutgoingBody;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::multiplexed::{Exchanges, OpenExchange, poison};
use crate::error::Cause;

/// A service that has responded, and takes nothing more for so long, never does.
const STALLED_AFTER: Duration = Duration::from_secs(2);

/// A request's body, as hyper has it: dropped when it is sent, or will not be.
#[derive(Debug)]
pub(super) struct RequestBody(Arc<Upload>);

impl Drop for RequestBody {
    fn drop(&mut self) {
        let content = self.0.taken().content.take();
        drop(content);
        self.0.is_sent.store(true, Ordering::Release);
        self.0.sent.notify_one();
    }
}

/// What the body and its exchange share.
#[derive(Debug)]
pub(super) struct Upload {
    taken: Mutex<UploadState>,
    is_sent: AtomicBool,
    sent: Notify,
    /// Who sends it.
    sender: AtomicWaker,
}

#[derive(Debug)]
struct UploadState {
    /// `None` once it is of no use.
    content: Option<OutgoingBody>,
    /// When something was last taken; `None` while its client keeps it waiting.
    since: Option<Instant>,
}

impl Upload {
    /// The body for hyper, and a handle.
    pub(super) fn new(content: OutgoingBody) -> (RequestBody, Arc<Self>) {
        let upload = Arc::new(Self {
            taken: Mutex::new(UploadState {
                content: Some(content),
                since: Some(Instant::now()),
            }),
            is_sent: AtomicBool::new(false),
            sent: Notify::new(),
            sender: AtomicWaker::new(),
        });
        (RequestBody(Arc::clone(&upload)), upload)
    }

    /// Whether hyper has done with it.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Acquire)
    }

    /// Nobody wants it: its stream is reset unless it waits for a window, and its memory goes with what is returned.
    fn give_up(&self) -> Option<OutgoingBody> {
        let content = self.taken().content.take();
        self.sender.wake();
        content
    }

    /// Whether the service has taken nothing for [`STALLED_AFTER`] of what was there.
    fn is_stalled(&self) -> bool {
        let taken = self.taken();
        taken.content.is_none() || taken.since.is_some_and(|since| since.elapsed() >= STALLED_AFTER)
    }

    /// Waits until it is sent, or is not going to be.
    async fn finish(&self, exchanges: Exchanges) {
        while !self.is_sent() && timeout(STALLED_AFTER, self.sent.notified()).await.is_err() {
            if self.is_stalled() {
                tracing::debug!("the service has responded and reads nothing more: its connection is given up");
                let rest = self.give_up();
                exchanges.give_up();
                read_rest(rest).await;
                return;
            }
        }
    }

    fn taken(&self) -> MutexGuard<'_, UploadState> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        self.sender.register(cx.waker());
        let mut taken = self.taken();
        let Some(content) = &mut taken.content else {
            // Becomes the reason of the reset.
            return Poll::Ready(Some(Err(h2::Error::from(h2::Reason::CANCEL).into())));
        };
        let frame = Pin::new(content).poll_frame(cx);
        taken.since = frame.is_ready().then(Instant::now);
        frame
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        self.0.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.taken().content.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let taken = self.0.taken();
        taken.content.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

/// What comes from a client yet is read and forgotten, for a moment: closed with unread bytes, its connection would be reset,
/// and the client might not see the response.
async fn read_rest(content: Option<OutgoingBody>) {
    if let Some(mut content) = content.filter(OutgoingBody::is_arriving) {
        // Either way it is dropped, and with it the client's connection, unless it was read to its end.
        let _ = timeout(STALLED_AFTER, async {
            while let Some(Ok(_)) = content.frame().await {}
        })
        .await;
    }
}

/// The exchange that a request belongs to; dropped, it is over.
#[derive(Debug)]
pub(super) struct Exchanging {
    upload: Arc<Upload>,
    connection: CaptureConnection,
    is_connected: bool,
    /// `None` as long as the connection is not known.
    open: Option<OpenExchange>,
    is_success: bool,
    has_ended: bool,
}

impl Exchanging {
    pub(super) fn new(upload: Arc<Upload>, connection: CaptureConnection) -> Self {
        Self {
            upload,
            connection,
            is_connected: false,
            open: None,
            is_success: false,
            has_ended: false,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Ready once the request has a connection. Cancel-safe.
    pub(super) async fn connected(&mut self) {
        self.connection.wait_for_connection_metadata().await;
        self.note_connection();
    }

    /// The connection that the pool has chosen is the one of this exchange.
    fn note_connection(&mut self) {
        self.is_connected = true;
        let mut extras = Extensions::new();
        if let Some(connection) = self.connection.connection_metadata().as_ref() {
            connection.get_extras(&mut extras);
        }
        // First the old one goes: both are known by the same upload.
        self.open = None;
        self.open = extras
            .get::<Exchanges>()
            .map(|exchanges| exchanges.begin(&self.upload, &self.connection));
    }

    /// A connection by HTTP/2 that is silent, or stalls, may do so for all other requests: the next ones get another. One by
    /// HTTP/1 goes with its request.
    pub(super) fn is_late(&self) {
        if self.open.is_some() {
            poison(&self.connection);
        }
    }

    /// The head of the response is here. hyper may have taken another connection, where the first one had closed.
    pub(super) fn responded(&mut self, status: StatusCode) {
        self.note_connection();
        self.is_success = status.is_success();
    }

    /// The response has ended as it should.
    pub(super) fn ended(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Exchanging {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        if self.upload.is_sent() {
            return;
        }
        // It may be about to close: nothing else is sent there, as over HTTP/1.
        poison(&self.connection);
        let exchanges = open.exchanges().clone();
        // A service that has accepted the request may well read on, and gets the rest. Over HTTP/1 there is no other way to
        // say that there is no more than to close, upon which a service may forget what it has not sent yet.
        let is_over = exchanges.is_http2() && !(self.has_ended && self.is_success);
        let rest = if is_over { self.upload.give_up() } else { None };
        let upload = Arc::clone(&self.upload);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                tokio::join!(read_rest(rest), upload.finish(exchanges));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;
    use request_body::{BodyContent, Progress};

    async fn next(body: &mut RequestBody) -> Option<Result<Bytes, h2::Reason>> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        Some(match frame {
            Ok(frame) => Ok(frame.into_data().unwrap()),
            Err(error) => Err(error.downcast_ref::<h2::Error>().unwrap().reason().unwrap()),
        })
    }

    fn upload() -> (BodyContent, RequestBody, Arc<Upload>) {
        let content = BodyContent::from(Bytes::from_static(b"body"));
        let (body, upload) = Upload::new(content.body(None, Progress::new()));
        (content, body, upload)
    }

    #[tokio::test]
    async fn body_that_is_given_up_frees_its_memory_and_ends_in_a_reset() {
        let (content, mut body, upload) = upload();
        let BodyContent::Memory(memory) = &content else {
            panic!()
        };
        assert_eq!((Arc::strong_count(memory), body.size_hint().exact()), (2, Some(4)));
        upload.give_up();
        assert_eq!((Arc::strong_count(memory), upload.is_sent()), (1, false));
        assert_eq!(next(&mut body).await, Some(Err(h2::Reason::CANCEL)));
        drop(body);
        assert!(upload.is_sent());
    }

    #[tokio::test(start_paused = true)]
    async fn body_is_stalled_once_nothing_is_taken_of_it() {
        let (_content, mut body, upload) = upload();
        assert!(!upload.is_stalled());
        tokio::time::advance(STALLED_AFTER).await;
        assert!(upload.is_stalled());
        assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"body"))));
        assert!(!upload.is_stalled());
        assert_eq!(next(&mut body).await, None);
        drop(body);
        assert!(upload.is_sent() && upload.sent.notified().now_or_never().is_some());
    }
}
