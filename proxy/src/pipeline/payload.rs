//! The body's framing and what the signature says about it: decided before signing, unchanged afterwards.

mod passage;

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use hyper::body::Incoming;
use signer::{ChunkSigner, Payload};

use super::Pipeline;
use super::answer::Talk;
use super::record::RequestRecord;
use super::steps::Ready;
use crate::body::{
    BodyErrorKind, BodyLimits, Chunks, ClientStream, Collected, Content, Continues, Conversation, EventStream, Gate,
    OutgoingBody, Progress, Sealer, Shelf, StreamFault, UploadStream, add_aws_chunked, collect,
};
use crate::error::{ErrorCode, ProxyError};
use crate::retry::Repeatable;
use crate::share::ClientKey;
use crate::upstream::Attempt;
use passage::Passage;

/// A client that was told to continue, or sent its head without waiting for that, sends the first of its body at once. Where
/// it does not, it may hold an upstream permit by now.
const FIRST_PIECE: Duration = Duration::from_secs(30);

/// Bodies in memory or on the disk wait from this length on for S3's `100 Continue`, too. Smaller ones are in the network's
/// buffers before a response could come, and an early response does not meet a body that is still being written.
const EXPECT_FROM: u64 = 64 * 1024;

/// A request that lacks nothing but its signature.
#[derive(Debug)]
pub(super) struct Framed {
    pub(super) ready: Ready,
    pub(super) payload: Payload,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// Can be sent again.
    Whole { content: Content, received: u64 },
    /// Can be sent once.
    Stream {
        upload: Shelf,
        passage: Passage,
        /// `None` where the length is not known.
        framed_length: Option<u64>,
        /// Whether it is held back until the service wants it: then it stays here while a connection turns out to be
        /// dead, or the head is refused.
        continues: Option<Continues>,
        fault: StreamFault,
    },
    /// Flows on while it is answered; can be sent once.
    Conversation {
        messages: Shelf<EventStream>,
        conversation: Conversation,
        fault: StreamFault,
    },
}

/// What signs a body behind the head's signature.
#[derive(Debug)]
pub(super) enum BodySigner {
    None,
    Chunks(ChunkSigner),
    Events(Sealer),
}

impl Framed {
    /// A request with a whole body, of which `received` bytes came from the client.
    pub(super) fn whole(mut ready: Ready, content: Content, sha256: [u8; 32], received: u64) -> Self {
        set_length(&mut ready.head, content.length());
        let payload = match content {
            _ if ready.route.traits.payload_must_be_unsigned => Payload::Unsigned,
            Content::Empty => Payload::Empty,
            Content::Memory(_) | Content::Spooled { .. } => Payload::Sha256(sha256),
        };
        Self {
            ready,
            payload,
            body: Body::Whole { content, received },
        }
    }

    /// A request whose messages flow while it is answered.
    pub(super) fn conversation(ready: Ready, messages: EventStream, fault: StreamFault) -> Self {
        Self {
            ready,
            payload: Payload::StreamingEvents,
            body: Body::Conversation {
                conversation: messages.conversation.clone(),
                messages: Shelf::new(messages),
                fault,
            },
        }
    }

    /// The other direction, where the request flows on while it is answered.
    pub(super) fn talk(&self) -> Option<Talk> {
        match &self.body {
            Body::Whole { .. } | Body::Stream { .. } => None,
            Body::Conversation {
                conversation, fault, ..
            } => Some(Talk::new(conversation.clone(), fault.clone())),
        }
    }

    /// Which connection it needs at first.
    pub(super) fn first_attempt(&self) -> Attempt {
        match &self.body {
            Body::Conversation { .. } => Attempt::OnFreshHttp2,
            _ if self.is_replayable() => Attempt::First,
            // What a load test does not sign is not held either, but is compared with what goes out on pooled connections.
            _ if !self.ready.route.config.signs => Attempt::First,
            // Cannot be sent again, so it must not meet a pooled connection that has died.
            Body::Whole { .. } | Body::Stream { .. } => Attempt::OnFreshConnection,
        }
    }

    /// By which an upload is told from a stuck service.
    pub(super) fn progress(&self) -> Progress {
        match &self.body {
            Body::Whole { .. } | Body::Stream { .. } => Progress::new(),
            Body::Conversation { conversation, .. } => {
                conversation.activity().touch();
                conversation.activity().clone()
            }
        }
    }

    /// The head that is signed.
    pub(super) fn head(&self) -> &Parts {
        &self.ready.head
    }

    /// The whole body's length; 0 where it is passed on as it comes.
    pub(super) fn length(&self) -> u64 {
        match &self.body {
            Body::Whole { content, .. } => content.length(),
            Body::Stream { .. } | Body::Conversation { .. } => 0,
        }
    }

    /// The whole body; `None` where it is passed on as it comes, or has more bytes than that.
    pub(super) async fn whole_body(&self, limit: usize) -> Result<Option<Bytes>, ProxyError> {
        match &self.body {
            Body::Whole { content, .. } if content.length() <= u64::try_from(limit).unwrap_or(u64::MAX) => {
                let bytes = content.whole().await;
                bytes
                    .map(Some)
                    .map_err(|error| ProxyError::new(ErrorCode::SpoolFailed).with_cause(error))
            }
            Body::Whole { .. } | Body::Stream { .. } | Body::Conversation { .. } => Ok(None),
        }
    }

    /// Whether the body can be sent, once more or after an attempt that nothing of it was taken for.
    pub(super) fn is_replayable(&self) -> bool {
        match &self.body {
            Body::Whole { .. } => true,
            Body::Stream { upload, continues, .. } => continues.is_some() && upload.is_full(),
            Body::Conversation { .. } => false,
        }
    }

    /// What the retry rule looks at.
    pub(super) fn repeatable(&self) -> Repeatable<'_> {
        let content = match &self.body {
            Body::Whole { content, .. } => Some(content),
            Body::Stream { .. } | Body::Conversation { .. } => None,
        };
        Repeatable {
            protocol: self.ready.route.traits.protocol,
            head: &self.ready.head,
            body: content.and_then(Content::as_slice),
            pieces: content.and_then(Content::pieces),
        }
    }

    /// Waits until nothing more has to be waited for from the client before the request is sent: for the first of a body
    /// that is passed on as it arrives. An upstream permit is taken after that, so that no client holds one with a head.
    ///
    /// `expects_continue` clients send nothing before the service wants it, where it is known to say so: their refusal by
    /// the head is worth more. They have to begin soon after that.
    ///
    /// # Errors
    ///
    /// The client is late, or its body broke off.
    pub(super) async fn begun(&self, expects_continue: bool) -> Result<(), ProxyError> {
        let Body::Stream {
            upload,
            continues,
            fault,
            ..
        } = &self.body
        else {
            return Ok(());
        };
        if expects_continue && continues.is_some() {
            return Ok(());
        }
        let begun = upload.begun().await;
        begun.map_err(|cause| {
            let kind = fault.error().unwrap_or(BodyErrorKind::Incomplete);
            kind.because(cause).into()
        })
    }

    /// The body to send; `signer` is what the head's signature begins, where more of it is signed. `expected` is the host
    /// where it may send `100 Continue`.
    pub(super) fn body(
        &self,
        signer: BodySigner,
        expected: Option<Continues>,
        progress: &Progress,
    ) -> Result<OutgoingBody, ProxyError> {
        let progress = progress.clone();
        let (upload, passage, framed_length, continues) = match &self.body {
            Body::Whole { content, .. } => {
                let gate = expected.filter(|_| content.length() >= EXPECT_FROM).map(Gate::new);
                return Ok(content.body(gate, progress));
            }
            Body::Stream {
                upload,
                passage,
                framed_length,
                continues,
                ..
            } => (upload, passage, *framed_length, continues),
            Body::Conversation { messages, .. } => {
                let (Some(messages), BodySigner::Events(sealer)) = (messages.take(), signer) else {
                    return Err(ErrorCode::Internal.into());
                };
                return Ok(OutgoingBody::events(messages, sealer, progress));
            }
        };
        if !upload.is_full() {
            return Err(ErrorCode::Internal.into());
        }
        let chunks = match passage {
            Passage::Plain(_) | Passage::Open => None,
            Passage::Chunked(layout) => Some(Chunks {
                layout: *layout,
                signer: match signer {
                    BodySigner::Chunks(signer) => Some(signer),
                    BodySigner::None | BodySigner::Events(_) => None,
                },
            }),
        };
        // It may have turned out since that the host does not know `Expect`.
        let gate = continues.clone().filter(Continues::is_likely).map(Gate::new);
        Ok(OutgoingBody::once(
            upload.clone(),
            chunks,
            framed_length,
            gate,
            progress,
        ))
    }

    /// Bytes of the body off the wire so far.
    pub(super) fn received(&self) -> u64 {
        match &self.body {
            Body::Whole { received, .. } => *received,
            Body::Stream { fault, .. } | Body::Conversation { fault, .. } => fault.received(),
        }
    }

    /// What went wrong on the client's side while its body was passed on.
    pub(super) fn client_fault(&self) -> Option<ProxyError> {
        match &self.body {
            Body::Whole { .. } => None,
            Body::Stream { fault, .. } | Body::Conversation { fault, .. } => fault.error().map(ProxyError::from),
        }
    }
}

/// Takes the body as the connection wants it signed.
pub(super) async fn frame(
    mut ready: Ready,
    body: &mut Option<Incoming>,
    pipeline: &Pipeline,
    record: &mut RequestRecord,
    client: &ClientKey,
) -> Result<Framed, ProxyError> {
    if let Some(passage) = passage::choose(&ready, record.operation.as_deref()) {
        let continues = pipeline
            .lanes
            .get(ready.route.name())
            .and_then(|lane| lane.upstream.continues(&ready.head.uri));
        return pass_on(ready, body, passage, continues);
    }
    let config = &ready.route.config;
    let limits = BodyLimits {
        memory: config.limits.memory_body,
        max: config.limits.max_body,
        storage: &pipeline.storage.of(client),
    };
    let incoming = body.as_mut().ok_or(ErrorCode::Internal)?;
    let framing = ready.framing.clone();
    let collected = collect(incoming, framing, limits, ready.patience(), &mut record.bytes_in).await?;
    let Collected {
        content,
        sha256,
        trailers,
    } = collected;
    for (name, value) in trailers {
        ready.head.headers.insert(name, value);
    }
    if record.operation.is_none() && ready.may_name_operation_in_body() {
        record.operation = operation_in(&content);
    }
    if let Content::Spooled { length, .. } = content {
        pipeline.spooled.add(length);
    }
    Ok(Framed::whole(ready, content, sha256, record.bytes_in))
}

/// The body as it arrives.
fn pass_on(
    mut ready: Ready,
    body: &mut Option<Incoming>,
    passage: Passage,
    continues: Option<Continues>,
) -> Result<Framed, ProxyError> {
    let config = &ready.route.config;
    let max = config.limits.max_body;
    let framed_length = passage.framed_length(max)?;
    let fault = StreamFault::default();
    let incoming = body.take().ok_or(ErrorCode::Internal)?;
    let stream = ClientStream::new(incoming, ready.patience(), fault.clone())
        .with_first_within(FIRST_PIECE.min(config.timeouts.body_idle))
        .with_most(framed_length.map_or(max, |_| u64::MAX));
    let stream = UploadStream::new(stream, ready.framing.clone());
    if let Passage::Chunked(layout) = &passage {
        layout.announce(&mut ready.head.headers);
        if ready.route.endpoint().is_none() {
            add_aws_chunked(&mut ready.head.headers);
        }
    }
    match framed_length {
        Some(length) => set_length(&mut ready.head, length),
        None => drop(ready.head.headers.remove(CONTENT_LENGTH)),
    }
    Ok(Framed {
        ready,
        payload: passage.payload(),
        body: Body::Stream {
            upload: Shelf::new(stream),
            passage,
            framed_length,
            continues,
            fault,
        },
    })
}

/// Says the length wherever a server may expect it: S3 refuses an upload without one, even an empty upload.
fn set_length(head: &mut Parts, length: u64) {
    let headers: &mut HeaderMap = &mut head.headers;
    let has_payload = matches!(head.method, Method::PUT | Method::POST | Method::PATCH);
    if length > 0 || has_payload {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    } else {
        headers.remove(CONTENT_LENGTH);
    }
}

fn operation_in(content: &Content) -> Option<String> {
    let form = std::str::from_utf8(content.as_slice()?).ok()?;
    policy_gen::operation::from_action(form).map(Into::into)
}
