//! The response to the client: the service's, streamed as it comes, or one of ours.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use http_server::{Download, DownloadRate, RequestReservation};
use proxy_config::PassFields;
use request_body::{OpenResponse, Progress, ReadTimeout, StreamStatus};
use resource_limits::Grant;

use super::read_ahead::ReadAhead;
use super::record::{Outcome, Reporter};
use crate::error::{Cause, ERROR_HEADER, ErrorCode, ProxyError};
use crate::plan::Bidirectional;
use crate::strip;
use crate::upstream::ServiceBody;

/// A service's response, and the upstream permit that it still has.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) response: Response<ReadAhead<ServiceBody>>,
    /// Its upstream permit, and its place among the requests on HTTP/2.
    pub(super) permits: (Grant, Option<Grant>),
    /// What of the head passes although it is dropped by default.
    pub(super) pass_fields: PassFields,
    /// The longest wait for a piece of the body.
    pub(super) idle: Duration,
    /// The least rate at which the client takes the body.
    pub(super) rate: DownloadRate,
    /// Where the request still streams.
    pub(super) request_stream: Option<RequestStream>,
}

/// The body of a response. Each piece is handed on as it comes; dropping it ends the exchange with the service.
///
/// It carries the request's record, which is finished when the body is dropped.
#[derive(Debug)]
pub struct ResponseBody {
    source: Source,
    reporter: Reporter,
    /// What the request took, until its client has this response of ours: there are many of them on one HTTP/2 connection.
    room: Option<RequestReservation>,
}

#[derive(Debug)]
enum Source {
    Own(Option<Bytes>),
    Upstream {
        body: ReadAhead<ServiceBody>,
        timeout: ReadTimeout,
        request_stream: Option<RequestStream>,
        _permits: Box<(Grant, Option<Grant>)>,
    },
}

/// The other direction of a bidirectional stream, which ends with the response.
#[derive(Debug)]
pub(super) struct RequestStream {
    activity: Progress,
    fault: StreamStatus,
    _answering: OpenResponse,
}

impl RequestStream {
    pub(super) fn of(request: &Bidirectional) -> Self {
        let exchange = request.exchange().clone();
        Self {
            activity: exchange.activity().clone(),
            fault: request.fault().clone(),
            _answering: OpenResponse::new(exchange),
        }
    }
}

/// Passes a service's response on: only what belongs to its connection is taken out, and a notice of ours is added.
pub(super) fn pass(passed: Passed, mut reporter: Reporter) -> Response<ResponseBody> {
    let Passed {
        response,
        permits,
        pass_fields,
        idle,
        rate,
        request_stream,
    } = passed;
    let (mut head, body) = response.into_parts();
    strip::response_headers(&mut head.headers, pass_fields);
    if let Some(notice) = reporter.record.notice {
        head.headers
            .insert(ERROR_HEADER, HeaderValue::from_static(notice.name()));
    }
    head.version = Version::HTTP_11;
    if head.status == StatusCode::NO_CONTENT {
        // RFC 9110, section 8.6: a client might wait for so many bytes.
        head.headers.remove(CONTENT_LENGTH);
    }
    let too_slow = reporter.too_slow.clone();
    head.extensions.insert(Download { rate, too_slow });
    let has_no_body = reporter.record.method == Method::HEAD
        || body.is_end_stream()
        || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if has_no_body {
        reporter.record.outcome = Outcome::Complete;
    }
    let source = Source::Upstream {
        body,
        timeout: match &request_stream {
            Some(request) => ReadTimeout::new(idle).extended_by(request.activity.clone()),
            None => ReadTimeout::new(idle),
        },
        request_stream,
        _permits: Box::new(permits),
    };
    let room = None;
    Response::from_parts(head, ResponseBody { source, reporter, room })
}

/// A response of ours.
pub(super) fn own(response: Response<Bytes>, is_head: bool, mut reporter: Reporter) -> Response<ResponseBody> {
    reporter.record.outcome = Outcome::Complete;
    reporter.passes(response.body());
    let download = Download {
        too_slow: reporter.too_slow.clone(),
        ..Download::default()
    };
    let mut response = response;
    response.extensions_mut().insert(download);
    response.map(|body| ResponseBody {
        source: Source::Own((!is_head).then_some(body)),
        reporter,
        room: None,
    })
}

impl ResponseBody {
    /// The id of the request that this responds to.
    pub(super) fn request_id(&self) -> &str {
        &self.reporter.record.request_id
    }

    /// Gives back what the request took as soon as there is nothing left of it: of a response of ours, once it is taken. What
    /// is left of a request whose response is the service's, its upstream permit stands for.
    pub(super) fn keep(&mut self, room: Option<RequestReservation>) {
        self.room = room.filter(|_| matches!(self.source, Source::Own(_)));
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let frame = ready!(this.source.poll_frame(cx));
        let record = &mut this.reporter.record;
        match &frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                if let Some(data) = frame.data_ref() {
                    this.reporter.passes(data);
                }
                let record = &mut this.reporter.record;
                record.bytes_out = record
                    .bytes_out
                    .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                if this.source.is_over() {
                    // hyper does not poll again once it has as many bytes as were announced.
                    record.outcome = Outcome::Complete;
                }
            }
            Some(Err(error)) => {
                match this.source.client_fault() {
                    None => {
                        record.outcome = Outcome::UpstreamBroke;
                        record.cause = Some(error.to_string());
                    }
                    // It is gone; that its request broke off was only noticed first.
                    Some(fault) if fault.code() == ErrorCode::BodyIncomplete => {}
                    Some(fault) => {
                        record.outcome = Outcome::ClientBroke;
                        record.error = Some(fault.code());
                        record.cause = Some(fault.hint().to_owned());
                    }
                }
            }
            None => record.outcome = Outcome::Complete,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Upstream { body, .. } => body.size_hint(),
        }
    }
}

impl Source {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        match self {
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Upstream {
                body,
                timeout,
                request_stream,
                ..
            } => {
                let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
                    ready!(timeout.poll_timed_out(cx));
                    return Poll::Ready(Some(Err("the service's response stopped arriving".into())));
                };
                timeout.received(0);
                if let Some(request) = request_stream {
                    request.activity.touch();
                }
                Poll::Ready(frame)
            }
        }
    }

    /// What the client has done to the request that still streamed.
    fn client_fault(&self) -> Option<ProxyError> {
        match self {
            Self::Own(_) => None,
            Self::Upstream { request_stream, .. } => request_stream.as_ref()?.fault.error().map(ProxyError::from),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            Self::Upstream { body, .. } => body.is_end_stream(),
        }
    }
}
