//! An operation that streams in both directions: each message is verified as it comes, and repeated in the response.
//!
//! The judgement of the whole is known at its end, so that is when its event is sent.

use std::time::Duration;

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::request::Parts;
use http::{HeaderValue, Response, Version, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;

use crate::event::{EventSender, Outcome, Reason, VerifiedRequest};
use crate::eventstream::{EVENT_STREAM, event, exception};
use crate::response::{Body, BodyError};
use crate::service_error::{ServiceError, Shape};
use crate::stream_gate::StreamWatch;
use crate::verify::{EventChain, Opened, STREAMING_EVENTS};

/// The largest body that a stand-in takes.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Silence of a client ends its stream.
const IDLE_DEADLINE: Duration = Duration::from_mins(1);

/// Lengths and checksums of a message without headers and payload.
const MIN_MESSAGE: usize = 16;

/// What must be right about the head besides its signature.
///
/// # Errors
/// [`Reason::BadRequest`].
pub(crate) fn check_head(head: &Parts) -> Result<(), ServiceError> {
    let bad = |message: &str| Err(ServiceError::new(Reason::BadRequest, message));
    if head.version != Version::HTTP_2 {
        return bad("This operation is there over HTTP/2 only");
    }
    if head
        .headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|it| it != EVENT_STREAM)
    {
        return bad("The content type of an event stream is application/vnd.amazon.eventstream");
    }
    if head
        .headers
        .get("x-amz-content-sha256")
        .is_none_or(|it| it != STREAMING_EVENTS)
    {
        return bad("The x-amz-content-sha256 of an event stream is STREAMING-AWS4-HMAC-SHA256-EVENTS");
    }
    Ok(())
}

/// The response to a head that is right: what `body` brings is verified by `chain`, and repeated.
pub(crate) fn respond(body: Incoming, chain: EventChain, watch: StreamWatch, verdict: Verdict) -> Response<Body> {
    let stream = BidirectionalStream {
        body,
        buffer: BytesMut::new(),
        chain,
        watch,
        verdict,
        is_over: false,
    };
    let replies = stream::unfold(stream, |mut stream| async move {
        let reply = stream.reply().await?;
        Some((reply.map(Frame::data), stream))
    });
    let mut response = Response::new(StreamBody::new(replies).boxed_unsync());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    response
}

/// The event of a stream, sent with its judgement; dropped without one, the client has left.
pub(crate) struct Verdict {
    event: Option<VerifiedRequest>,
    events: EventSender,
    shape: Shape,
}

impl Verdict {
    /// Nothing is judged yet.
    pub(crate) fn open(event: VerifiedRequest, events: EventSender, shape: Shape) -> Self {
        Self {
            event: Some(event),
            events,
            shape,
        }
    }

    fn send(&mut self, outcome: Outcome) {
        if let Some(event) = self.event.take() {
            self.events.send(VerifiedRequest { outcome, ..event });
        }
    }

    fn reject(&mut self, error: &ServiceError) {
        self.send(error.outcome(self.shape));
    }
}

impl Drop for Verdict {
    fn drop(&mut self) {
        self.reject(&ServiceError::new(Reason::BadRequest, "The client left its stream"));
    }
}

struct BidirectionalStream {
    body: Incoming,
    buffer: BytesMut,
    chain: EventChain,
    watch: StreamWatch,
    verdict: Verdict,
    is_over: bool,
}

impl BidirectionalStream {
    /// The next piece of the response; `None` at its end.
    async fn reply(&mut self) -> Option<Result<Bytes, BodyError>> {
        if self.is_over {
            return None;
        }
        match self.next().await {
            Ok(Some(message)) => {
                self.watch.pass().await;
                Some(Ok(event("chunk", message.payload())))
            }
            Ok(None) => {
                self.end();
                self.verdict.send(Outcome::Accepted);
                None
            }
            Err(Fault::Rejected(error)) => {
                self.end();
                self.verdict.reject(&error);
                let code = error.code(self.verdict.shape);
                Some(Ok(exception(code, &error.message)))
            }
            Err(Fault::Broken(error)) => {
                self.is_over = true;
                self.verdict
                    .reject(&ServiceError::new(Reason::BadRequest, "The body broke off"));
                Some(Err(error.into()))
            }
        }
    }

    fn end(&mut self) {
        self.is_over = true;
        self.watch.end();
    }

    /// The next message; `None` once the last envelope came, and then the end.
    async fn next(&mut self) -> Result<Option<Message>, Fault> {
        loop {
            if let Some(envelope) = self.decode()? {
                match self.chain.open(&envelope)? {
                    Opened::Message(message) => return Ok(Some(message)),
                    Opened::End => continue,
                }
            }
            let frame = tokio::time::timeout(IDLE_DEADLINE, self.body.frame()).await;
            match frame.map_err(|_| bad("The client fell silent"))? {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(Fault::Broken(error)),
                None if self.chain.is_over() && self.buffer.is_empty() => return Ok(None),
                None => return Err(bad("The stream ended before its last envelope").into()),
            }
        }
    }

    /// The next envelope, once all of it is there.
    fn decode(&mut self) -> Result<Option<Message>, ServiceError> {
        let Some(length) = self.buffer.first_chunk().map(|length| u32::from_be_bytes(*length)) else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX).max(MIN_MESSAGE);
        if length > MAX_BODY_BYTES {
            return Err(bad("A message is too long"));
        }
        if self.buffer.len() < length {
            return Ok(None);
        }
        let envelope = read_message_from(self.buffer.split_to(length));
        envelope
            .map(Some)
            .map_err(|error| bad(&format!("Malformed event stream: {error}")))
    }
}

/// Why a stream ends early.
enum Fault {
    Rejected(ServiceError),
    Broken(hyper::Error),
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        Self::Rejected(error)
    }
}

fn bad(message: &str) -> ServiceError {
    ServiceError::new(Reason::BadRequest, message)
}
