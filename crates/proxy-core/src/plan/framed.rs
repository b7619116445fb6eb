//! A body as it goes out: its framing, what the head says about it, and what the head's signature covers of it.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use request_body::{
    BodyContent, BodyErrorKind, BodySlot, ChunkFraming, ContinueHost, EventStreamSigner, ExpectContinue, OutgoingBody,
    Progress, StreamStatus, UploadStream, add_aws_chunked,
};
use signer::{ChunkSigner, Payload};

use super::bidirectional::Bidirectional;
use super::stream::StreamPlan;
use crate::error::{ErrorCode, ProxyError};
use crate::route::Route;

/// Bodies in memory or on the disk wait from this length on for S3's `100 Continue`, too. Smaller ones are in the network's
/// buffers before a response could come, and an early response does not meet a body that is still being written.
const EXPECT_FROM: u64 = 64 * 1024;

/// A body that is ready to be sent.
#[derive(Debug)]
pub enum FramedBody {
    /// It is here as a whole, and can be sent again.
    Whole(WholeBody),
    /// It is passed on as it arrives, and can be sent once.
    Stream(StreamedBody),
    /// Its messages are signed while the response comes in; they can be sent once.
    Bidirectional(Bidirectional),
}

/// A body that is here as a whole.
#[derive(Debug)]
pub struct WholeBody {
    /// Its bytes.
    pub(crate) content: BodyContent,
    /// Their SHA-256.
    pub(crate) sha256: [u8; 32],
    /// Checksums that came behind it, which become headers.
    pub(crate) trailers: Vec<(HeaderName, HeaderValue)>,
    /// Bytes that came from the client for it.
    pub(crate) received: u64,
}

/// A body that is passed on as it arrives.
#[derive(Debug)]
pub struct StreamedBody {
    /// What arrives.
    pub(crate) upload: BodySlot,
    /// How it goes out.
    pub(crate) plan: StreamPlan,
    /// Bytes that go out; `None` where the length is not known.
    pub(crate) framed_length: Option<u64>,
    /// Whether it is held back until the service wants it: then it stays here while a connection turns out to be
    /// dead, or the head is rejected.
    pub(crate) continues: Option<ContinueHost>,
    /// What becomes of it on the client's side.
    pub(crate) fault: StreamStatus,
}

/// What signs a body behind the head's signature.
#[derive(Debug)]
pub(crate) enum BodySigner {
    /// Nothing: the head's signature covers what is signed of it.
    None,
    /// Chunk by chunk.
    Chunks(ChunkSigner),
    /// Message by message.
    Events(EventStreamSigner),
}

impl WholeBody {
    /// A body of these bytes that no client has sent.
    #[must_use]
    pub fn new(content: BodyContent, sha256: [u8; 32]) -> Self {
        Self {
            content,
            sha256,
            trailers: Vec::new(),
            received: 0,
        }
    }

    /// Writes into the head what it says about the body.
    pub(crate) fn describe(&self, head: &mut Parts) {
        for (name, value) in &self.trailers {
            head.headers.insert(name, value.clone());
        }
        set_length(head, self.content.length());
    }

    /// Its bytes in one piece; `None` where there are more than that.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::SpoolFailed`].
    pub(crate) async fn up_to(&self, limit: usize) -> Result<Option<Bytes>, ProxyError> {
        if self.content.length() > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Ok(None);
        }
        let bytes = self.content.whole().await;
        bytes
            .map(Some)
            .map_err(|error| ProxyError::new(ErrorCode::SpoolFailed).with_cause(error))
    }
}

impl StreamedBody {
    /// A body that arrives as `stream`, and has `framed_length` bytes on the wire where that is known.
    pub(crate) fn new(
        stream: UploadStream,
        plan: StreamPlan,
        framed_length: Option<u64>,
        continues: Option<ContinueHost>,
        fault: StreamStatus,
    ) -> Self {
        Self {
            upload: BodySlot::new(stream),
            plan,
            framed_length,
            continues,
            fault,
        }
    }
}

impl FramedBody {
    /// Writes into the head what it says about the body.
    pub(crate) fn describe(&self, head: &mut Parts, route: &Route) {
        match self {
            Self::Whole(whole) => whole.describe(head),
            Self::Stream(stream) => {
                if let StreamPlan::Chunked(layout) = &stream.plan {
                    layout.announce(&mut head.headers);
                    if route.endpoint().is_none() {
                        add_aws_chunked(&mut head.headers);
                    }
                }
                match stream.framed_length {
                    Some(length) => set_length(head, length),
                    None => drop(head.headers.remove(CONTENT_LENGTH)),
                }
            }
            // Signed messages are longer than what the client may have announced.
            Self::Bidirectional(_) => drop(head.headers.remove(CONTENT_LENGTH)),
        }
    }

    /// What the head's signature covers of the body.
    pub(crate) fn payload(&self, route: &Route) -> Payload {
        match self {
            Self::Whole(_) if route.traits.payload_must_be_unsigned => Payload::Unsigned,
            Self::Whole(whole) => match whole.content {
                BodyContent::Empty => Payload::Empty,
                BodyContent::Memory(_) | BodyContent::Spooled { .. } => Payload::Sha256(whole.sha256),
            },
            Self::Stream(stream) => stream.plan.payload(),
            Self::Bidirectional(_) => Payload::StreamingEvents,
        }
    }

    /// The stream in both directions, where it is one.
    pub(crate) fn bidirectional(&self) -> Option<&Bidirectional> {
        match self {
            Self::Whole(_) | Self::Stream(_) => None,
            Self::Bidirectional(messages) => Some(messages),
        }
    }

    /// By which an upload is distinguished from a stuck service.
    pub(crate) fn progress(&self) -> Progress {
        match self {
            Self::Whole(_) | Self::Stream(_) => Progress::new(),
            Self::Bidirectional(messages) => {
                messages.exchange().activity().touch();
                messages.exchange().activity().clone()
            }
        }
    }

    /// The whole body, where it is here.
    pub(crate) fn content(&self) -> Option<&BodyContent> {
        match self {
            Self::Whole(whole) => Some(&whole.content),
            Self::Stream(_) | Self::Bidirectional(_) => None,
        }
    }

    /// Whether the body can be sent, once more or after an attempt that nothing of it was taken for.
    pub(crate) fn is_replayable(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Stream(stream) => stream.continues.is_some() && stream.upload.is_full(),
            Self::Bidirectional(_) => false,
        }
    }

    /// Waits until nothing more has to be waited for from the client before the request is sent: for the first of a body
    /// that is passed on as it arrives. An upstream permit is taken after that, so that no client holds one with a head.
    ///
    /// `expects_continue` clients send nothing before the service wants it, where it is known to say so: its rejection by
    /// the head is worth more. They have to begin soon after that.
    ///
    /// # Errors
    ///
    /// The client is late, or its body broke off.
    pub(crate) async fn begun(&self, expects_continue: bool) -> Result<(), ProxyError> {
        let Self::Stream(stream) = self else { return Ok(()) };
        if expects_continue && stream.continues.is_some() {
            return Ok(());
        }
        let begun = stream.upload.begun().await;
        begun.map_err(|cause| {
            let kind = stream.fault.error().unwrap_or(BodyErrorKind::Incomplete);
            kind.because(cause).into()
        })
    }

    /// The body to send; `signer` is what the head's signature begins, where more of it is signed. `expected` is the host
    /// where it may send `100 Continue`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::BodyIncomplete`] where the messages of a bidirectional stream were sent already.
    pub(crate) fn outgoing(
        &self,
        signer: BodySigner,
        expected: Option<ContinueHost>,
        progress: Progress,
    ) -> Result<OutgoingBody, ProxyError> {
        match self {
            Self::Whole(whole) => {
                let gate = expected
                    .filter(|_| whole.content.length() >= EXPECT_FROM)
                    .map(ExpectContinue::new);
                Ok(whole.content.body(gate, progress))
            }
            Self::Stream(stream) => {
                let chunks = match &stream.plan {
                    StreamPlan::Plain(_) | StreamPlan::Open => None,
                    StreamPlan::Chunked(layout) => Some(ChunkFraming {
                        layout: *layout,
                        signer: match signer {
                            BodySigner::Chunks(signer) => Some(signer),
                            BodySigner::None | BodySigner::Events(_) => None,
                        },
                    }),
                };
                // It may have turned out since that the host does not know `Expect`.
                let gate = stream
                    .continues
                    .clone()
                    .filter(ContinueHost::is_likely)
                    .map(ExpectContinue::new);
                let (upload, length) = (stream.upload.clone(), stream.framed_length);
                Ok(OutgoingBody::once(upload, chunks, length, gate, progress))
            }
            Self::Bidirectional(messages) => match (messages.take_messages(), signer) {
                (Some(messages), BodySigner::Events(signer)) => Ok(OutgoingBody::events(messages, signer, progress)),
                _ => Err(ErrorCode::BodyIncomplete.into()),
            },
        }
    }

    /// Bytes of the body off the wire so far.
    pub(crate) fn received(&self) -> u64 {
        match self {
            Self::Whole(whole) => whole.received,
            Self::Stream(stream) => stream.fault.received(),
            Self::Bidirectional(messages) => messages.fault().received(),
        }
    }

    /// What went wrong on the client's side while its body was passed on.
    pub(crate) fn client_fault(&self) -> Option<ProxyError> {
        match self {
            Self::Whole(_) => None,
            Self::Stream(stream) => stream.fault.error().map(ProxyError::from),
            Self::Bidirectional(messages) => messages.fault().error().map(ProxyError::from),
        }
    }
}

/// Announces the length wherever a server may expect it: S3 rejects an upload without one, even an empty upload.
fn set_length(head: &mut Parts, length: u64) {
    let headers: &mut HeaderMap = &mut head.headers;
    let has_payload = matches!(head.method, Method::PUT | Method::POST | Method::PATCH);
    if length > 0 || has_payload {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    } else {
        headers.remove(CONTENT_LENGTH);
    }
}
