//! From hyper's service to our [`Handler`], counting what is in flight.

use std::future::ready as at_once;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use resource_limits::ListenerRole;

use super::activity::Activity;
use super::data_pieces::DataPieces;
use super::download::{Download, TooSlow};
use super::drain::IsCut;
use super::handler::{CloseConnection, Handler, OverShare, Peer};
use super::head_reader::{HandedOver, escape_uri};
use super::observer::ServerObserver;
use super::stream::{NextStream, StreamPace};
use super::stream_slots::{StreamSlot, StreamSlots};

/// One client connection's path to the handler.
#[derive(Debug)]
pub(crate) struct ToHandler<H> {
    handler: Arc<H>,
    peer: Peer,
    activity: Arc<Activity>,
    observer: Arc<dyn ServerObserver>,
    is_cut: IsCut,
    /// The verdicts on HTTP/1 heads. Those of HTTP/2 are judged by h2 and the handler alone.
    heads: Option<Arc<HandedOver>>,
    /// On HTTP/2: who runs the streams.
    streams: Option<(NextStream, StreamSlots, Duration)>,
}

impl<H> ToHandler<H> {
    pub(crate) fn new(
        handler: Arc<H>,
        peer: Peer,
        activity: Arc<Activity>,
        observer: Arc<dyn ServerObserver>,
        is_cut: IsCut,
    ) -> Self {
        Self {
            handler,
            peer,
            activity,
            observer,
            is_cut,
            heads: None,
            streams: None,
        }
    }

    /// Marks requests whose head is ambiguous by [`AmbiguousHead`](crate::AmbiguousHead).
    pub(crate) fn by_heads(self, heads: Arc<HandedOver>) -> Self {
        Self {
            heads: Some(heads),
            ..self
        }
    }

    /// For HTTP/2: watches each stream, and lets a client take nothing of one for `write_timeout`.
    pub(crate) fn with_streams(self, next: NextStream, slots: StreamSlots, write_timeout: Duration) -> Self {
        Self {
            streams: Some((next, slots, write_timeout)),
            ..self
        }
    }
}

impl<H: Handler<Incoming>> Service<Request<Incoming>> for ToHandler<H> {
    type Response = Response<WatchedBody<H::Body>>;
    /// Resets an HTTP/2 stream; of HTTP/1 there is none.
    type Error = h2::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, h2::Error>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(finding) = self.heads.as_ref().and_then(|heads| heads.take()) {
            request.extensions_mut().insert(finding);
        }
        let is_http1 = request.version() < Version::HTTP_2;
        if !is_http1 {
            // Before anything is made of the request. Many come at once, and so little becomes so much of their heads that even
            // a response to each would be too much: REFUSED_STREAM means that it was not looked at and may be sent again.
            let Some(reservation) = self.handler.reserve(&request, &self.peer) else {
                return Box::pin(at_once(Err(h2::Reason::REFUSED_STREAM.into())));
            };
            request.extensions_mut().insert(reservation);
            if let Some(finding) = escape_uri(request.uri_mut()) {
                request.extensions_mut().insert(finding);
            }
        }
        request.extensions_mut().insert(self.is_cut.clone());
        let begun = self.handler.begin(&request, &self.peer);
        let in_flight = InFlight::new(Arc::clone(&self.activity), request.method().is_safe());
        let counted = RunningRequest::new(&self.observer, &self.peer.listener);
        let is_over_share = self.activity.is_over_share();
        if is_over_share {
            request.extensions_mut().insert(OverShare);
        }
        let is_last = (is_http1 && is_over_share) || awaits_continue_in_vain(&request);
        let pace = self.streams.as_ref().map(|(next, _, write_timeout)| {
            let pace = Arc::new(StreamPace::new(*write_timeout));
            next.set(&pace);
            pace
        });
        let slot = self.streams.as_ref().map(|(_, slots, _)| slots.next());
        if let Some(slot) = &slot {
            request.extensions_mut().insert(slot.clone());
        }
        let (handler, activity) = (Arc::clone(&self.handler), Arc::clone(&self.activity));
        // Called inside, so that the handler's future stands in the box once and is not moved into it.
        Box::pin(async move {
            let mut response = handler.handle(request, begun).await;
            let Download { rate, too_slow } = response.extensions_mut().remove().unwrap_or_default();
            activity.responds(rate);
            if let Some(pace) = &pace {
                pace.begins(rate);
            }
            let ending = Ending {
                too_slow,
                activity,
                pace,
            };
            let mut response = response.map(|body| WatchedBody {
                ending,
                body: Box::pin(body),
                pieces: DataPieces::default(),
                _in_flight: in_flight,
                _counted: counted,
                _slot: slot,
            });
            if is_last || (is_http1 && response.extensions().get::<CloseConnection>().is_some()) {
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

/// One request in flight; dropping it says that its response has ended.
#[derive(Debug)]
struct InFlight(Arc<Activity>);

impl InFlight {
    fn new(activity: Arc<Activity>, is_safe: bool) -> Self {
        activity.started(is_safe);
        Self(activity)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.finished();
    }
}

/// Reports that a request runs, until this is dropped.
#[derive(Debug)]
struct RunningRequest {
    observer: Arc<dyn ServerObserver>,
    listener: ListenerRole,
}

impl RunningRequest {
    fn new(observer: &Arc<dyn ServerObserver>, listener: &ListenerRole) -> Self {
        observer.request_started(listener);
        Self {
            observer: Arc::clone(observer),
            listener: listener.clone(),
        }
    }
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.observer.request_finished(&self.listener);
    }
}

/// Whether the client expects `100 Continue` for a body of no bytes, for which hyper sends none.
///
/// That is allowed (RFC 9110, section 10.1.1), but botocore takes the final status that came in its place for that of
/// its next response on this connection too, and then waits for a head that is already there. So there is no next one.
fn awaits_continue_in_vain(request: &Request<Incoming>) -> bool {
    request.version() == Version::HTTP_11 && request.headers().contains_key(EXPECT) && request.body().is_end_stream()
}

/// A response's body that keeps its request counted as in flight until it has ended, and notes when its bytes wait for the
/// client.
#[derive(Debug)]
pub(crate) struct WatchedBody<B> {
    /// Before the body: it is dropped first.
    ending: Ending,
    body: Pin<Box<B>>,
    /// On HTTP/2: what is left of the frame that the body gave last.
    pieces: DataPieces,
    _in_flight: InFlight,
    _counted: RunningRequest,
    _slot: Option<StreamSlot>,
}

impl<B: Body<Data = Bytes>> Body for WatchedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        let Some(pace) = &this.ending.pace else {
            ready!(this.ending.activity.backlog.poll_room(cx));
            let frame = ready!(this.body.as_mut().poll_frame(cx));
            if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
                this.ending.activity.backlog.gave(data.len());
            }
            return Poll::Ready(frame);
        };
        pace.took();
        if this.pieces.is_empty() {
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => {
                        let may_be_last = this.body.size_hint().lower() == 0;
                        this.pieces = DataPieces::of(data, may_be_last);
                    }
                    Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        Poll::Ready(this.pieces.next().map(|piece| {
            pace.gave(piece.len());
            Ok(Frame::data(piece))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, left) = (self.body.size_hint(), self.pieces.len() as u64);
        match body.exact() {
            Some(length) => SizeHint::with_exact(length.saturating_add(left)),
            None => SizeHint::default(),
        }
    }
}

/// Lets whoever made the response know, when it is dropped, whether its client was too slow.
#[derive(Debug)]
struct Ending {
    too_slow: TooSlow,
    activity: Arc<Activity>,
    /// On HTTP/2.
    pace: Option<Arc<StreamPace>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.activity.is_too_slow() || self.pace.as_ref().is_some_and(|pace| pace.is_overdue()) {
            self.too_slow.set();
        }
    }
}
