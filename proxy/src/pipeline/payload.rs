//! The body's framing and what the signature says about it: decided before signing, unchanged afterwards.

mod passage;

use std::sync::{Mutex, PoisonError};

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use hyper::body::Incoming;
use signer::{ChunkSigner, Payload};

use super::Pipeline;
use super::record::RequestRecord;
use super::steps::Ready;
use crate::body::{
    BodyLimits, ChunkedUpload, ClientStream, Collected, Content, OutgoingBody, Progress, StreamFault, UploadStream,
    add_aws_chunked, collect, too_large,
};
use crate::error::{ErrorCode, ProxyError};
use passage::Passage;

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
        stream: Mutex<Option<UploadStream>>,
        passage: Passage,
        framed_length: u64,
        fault: StreamFault,
    },
}

impl Framed {
    /// A request with a whole body, of which `received` bytes came from the client.
    pub(super) fn whole(mut ready: Ready, content: Content, sha256: [u8; 32], received: u64) -> Self {
        set_length(&mut ready.head, content.length());
        let payload = match content {
            Content::Empty => Payload::Empty,
            Content::Memory(_) | Content::Spooled { .. } => Payload::Sha256(sha256),
        };
        Self {
            ready,
            payload,
            body: Body::Whole { content, received },
        }
    }

    /// The head that is signed.
    pub(super) fn head(&self) -> &Parts {
        &self.ready.head
    }

    /// Whether the body can be sent again.
    pub(super) fn is_replayable(&self) -> bool {
        matches!(self.body, Body::Whole { .. })
    }

    /// The body to send; `chunk_signer` is what the head's signature begins, where the chunks are signed.
    pub(super) fn body(
        &self,
        chunk_signer: Option<ChunkSigner>,
        progress: &Progress,
    ) -> Result<OutgoingBody, ProxyError> {
        let progress = progress.clone();
        let (stream, passage, framed_length) = match &self.body {
            Body::Whole { content, .. } => return Ok(content.body(progress)),
            Body::Stream {
                stream,
                passage,
                framed_length,
                ..
            } => (stream, passage, *framed_length),
        };
        let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = stream.ok_or(ErrorCode::Internal)?;
        match passage {
            Passage::Plain(_) => Ok(OutgoingBody::from_client(stream, framed_length, progress)),
            Passage::Chunked(layout) => {
                let chunks = ChunkedUpload::new(stream, layout, chunk_signer).ok_or(ErrorCode::Internal)?;
                Ok(OutgoingBody::in_chunks(chunks, framed_length, progress))
            }
        }
    }

    /// Bytes of the body off the wire so far.
    pub(super) fn received(&self) -> u64 {
        match &self.body {
            Body::Whole { received, .. } => *received,
            Body::Stream { fault, .. } => fault.received(),
        }
    }

    /// What went wrong on the client's side while its body was passed on.
    pub(super) fn client_fault(&self) -> Option<ProxyError> {
        match &self.body {
            Body::Whole { .. } => None,
            Body::Stream { fault, .. } => fault.error(),
        }
    }
}

/// Takes the body as the connection wants it signed.
pub(super) async fn frame(
    mut ready: Ready,
    body: &mut Option<Incoming>,
    pipeline: &Pipeline,
    record: &mut RequestRecord,
) -> Result<Framed, ProxyError> {
    if let Some(passage) = passage::choose(&ready, record.operation.as_deref()) {
        return pass_on(ready, body, passage);
    }
    let config = &ready.route.config;
    let limits = BodyLimits {
        memory: config.limits.memory_body,
        max: config.limits.max_body,
        idle: config.timeouts.body_idle,
        storage: &pipeline.storage,
    };
    let incoming = body.as_mut().ok_or(ErrorCode::Internal)?;
    let collected = collect(incoming, ready.framing.clone(), limits, &mut record.bytes_in).await?;
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

/// The body of known length as it arrives.
fn pass_on(mut ready: Ready, body: &mut Option<Incoming>, passage: Passage) -> Result<Framed, ProxyError> {
    let config = &ready.route.config;
    let max = config.limits.max_body;
    let framed_length = passage.framed_length().filter(|_| passage.length() <= max);
    let framed_length = framed_length.ok_or_else(|| too_large(max))?;
    let fault = StreamFault::default();
    let incoming = body.take().ok_or(ErrorCode::Internal)?;
    let stream = ClientStream::new(incoming, config.timeouts.body_idle, fault.clone());
    let stream = UploadStream::new(stream, ready.framing.clone());
    if let Passage::Chunked(layout) = &passage {
        layout.announce(&mut ready.head.headers);
        if ready.route.endpoint().is_none() {
            add_aws_chunked(&mut ready.head.headers);
        }
    }
    set_length(&mut ready.head, framed_length);
    Ok(Framed {
        ready,
        payload: passage.payload(),
        body: Body::Stream {
            stream: Mutex::new(Some(stream)),
            passage,
            framed_length,
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
