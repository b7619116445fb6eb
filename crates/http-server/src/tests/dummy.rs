//! A handler, its bodies, and the pipe between it and the test.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};

use http_body::Frame;
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::{Notify, mpsc};

use super::super::abort::Reset;
use super::*;

/// Bytes that a pipe holds in each direction.
pub(super) const PIPE: usize = 16 * 1024;

/// The proxy's end of a pipe in memory, which notes that it was to be reset.
pub(super) struct Accepted {
    pub(super) pipe: DuplexStream,
    pub(super) is_reset: Arc<AtomicBool>,
    /// The client has reset its end.
    pub(super) is_gone: Arc<AtomicBool>,
    /// The client has closed its sending side, whatever of it was read.
    pub(super) is_ended: Arc<AtomicBool>,
}

impl Reset for Accepted {
    fn reset_on_close(&self) {
        self.is_reset.store(true, Ordering::SeqCst);
    }

    fn is_reset(&self) -> bool {
        self.is_gone.load(Ordering::SeqCst)
    }

    fn has_ended(&self) -> bool {
        self.is_ended.load(Ordering::SeqCst)
    }
}

impl AsyncRead for Accepted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// A body whose frames the test sends.
struct Frames(mpsc::Receiver<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|frame| frame.map(|data| Ok(Frame::data(data))))
    }
}

/// A body that fails when its first frame is through.
struct Breaking(bool);

impl Body for Breaking {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let is_second = std::mem::replace(&mut self.0, true);
        Poll::Ready(Some(if is_second {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(Frame::data(Bytes::from_static(b"hello")))
        }))
    }
}

/// How long `/early` takes for each piece of the body.
pub(super) const EARLY_PAUSE: Duration = Duration::from_secs(1);

/// Responds by path: `/ok` at once, `/early` as well, and takes the body after that, `/wait` never once it has the body, `/echo` with the body, `/stream` with what the test sends, `/broken` with a body that fails,
/// `/flood` without end; `/hasty` the same, for a client that takes a kibibyte a second or is a minute behind.
#[derive(Default)]
pub(super) struct Dummy {
    pub(super) begun: AtomicUsize,
    pub(super) seen: AtomicUsize,
    pub(super) dropped: Arc<Notify>,
    pub(super) streams: std::sync::Mutex<Vec<mpsc::Receiver<Bytes>>>,
    /// Whether the client was too slow for `/hasty`.
    pub(super) too_slow: TooSlow,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Handler<Incoming> for Dummy {
    type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, io::Error>;
    type Begun = ();

    fn begin(&self, _request: &Request<Incoming>, _peer: &Peer) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    async fn handle(self: Arc<Self>, request: Request<Incoming>, (): ()) -> Response<Self::Body> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        let _on_drop = OnDrop(Arc::clone(&self.dropped));
        let full = |bytes: Bytes| {
            http_body_util::Full::new(bytes)
                .map_err(|never| match never {})
                .boxed_unsync()
        };
        let path = request.uri().path().to_owned();
        let mut response = Response::new(match path.as_str() {
            "/wait" => {
                request.into_body().collect().await.unwrap();
                std::future::pending().await
            }
            "/early" => {
                let mut body = request.into_body();
                tokio::spawn(async move {
                    while body.frame().await.is_some() {
                        tokio::time::sleep(EARLY_PAUSE).await;
                    }
                });
                full(Bytes::from_static(b"ok\n"))
            }
            "/echo" => full(request.into_body().collect().await.unwrap().to_bytes()),
            "/broken" => Breaking(false).boxed_unsync(),
            "/stream" => Frames(self.streams.lock().unwrap().pop().unwrap()).boxed_unsync(),
            "/flood" | "/hasty" => {
                let (sender, frames) = mpsc::channel(1);
                tokio::spawn(async move { while sender.send(Bytes::from_static(&[b'x'; 4096])).await.is_ok() {} });
                Frames(frames).boxed_unsync()
            }
            _ => full(Bytes::from_static(b"ok\n")),
        });
        if path == "/hasty" {
            response.extensions_mut().insert(Download {
                rate: DownloadRate {
                    behind: Duration::from_mins(1),
                    least_rate: std::num::NonZeroU64::new(1024),
                },
                too_slow: self.too_slow.clone(),
            });
        }
        response
    }
}

/// Counts nothing.
#[derive(Debug)]
pub(in super::super) struct NoObserver;

impl ServerObserver for NoObserver {
    fn connection_opened(&self, _listener: &ListenerRole) -> OpenConnection {
        OpenConnection::default()
    }
    fn connection_ended(&self, _end: ConnectionEnd) {}
    fn connection_overflowed(&self, _overflow: Overflow) {}
    fn request_started(&self, _listener: &ListenerRole) {}
    fn request_finished(&self, _listener: &ListenerRole) {}
    fn accept_failed(&self) {}
    fn listener_removed(&self, _listener: &ListenerRole) {}
}

/// Responds with 400 and the reason in a field.
#[derive(Debug)]
pub(super) struct BadRequest;

impl RejectionHandler for BadRequest {
    fn reject(&self, rejection: Rejection, _start: &HeadStart, _peer: &Peer) -> Response<Bytes> {
        Response::builder()
            .status(400)
            .header("x-rejection", format!("{rejection:?}"))
            .header("content-length", 3)
            .body(Bytes::from_static(b"{}\n"))
            .unwrap()
    }
}
