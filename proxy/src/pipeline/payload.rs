//! The body's framing and what the signature says about it: decided before signing, unchanged afterwards.

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
    BodyLimits, CHUNK, ClientStream, Collected, Content, Framing, OutgoingBody, Progress, SignedChunks, StreamFault,
    add_aws_chunked, announce_chunks, collect, framed_length,
};
use crate::config::{PayloadMode, Scheme};
use crate::error::{ErrorCode, ProxyError};
use crate::route::SignatureVersion;

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
        stream: Mutex<Option<ClientStream>>,
        length: u64,
        fault: StreamFault,
    },
}

impl Framed {
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
        let (stream, length) = match &self.body {
            Body::Whole { content, .. } => return Ok(content.body(progress)),
            Body::Stream { stream, length, .. } => (stream, *length),
        };
        let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = stream.ok_or(ErrorCode::Internal)?;
        match (self.payload, chunk_signer) {
            (Payload::StreamingSigned, Some(signer)) => {
                let framed = framed_length(length).ok_or(ErrorCode::BodyTooLarge)?;
                let chunks = SignedChunks::new(stream, length, signer);
                Ok(OutgoingBody::in_chunks(chunks, framed, progress))
            }
            (Payload::StreamingSigned, None) => Err(ErrorCode::Internal.into()),
            _ => Ok(OutgoingBody::from_client(stream, length, progress)),
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
    if let Some((length, payload)) = streamed(&ready, record.operation.as_deref()) {
        return pass_on(ready, body, length, payload);
    }
    let config = &ready.route.config;
    let limits = BodyLimits {
        memory: config.limits.memory_body,
        max: config.limits.max_body,
        idle: config.timeouts.body_idle,
        budget: &pipeline.memory,
        spool_dir: &pipeline.spool_dir,
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
    set_length(&mut ready.head, content.length());
    let payload = match content {
        Content::Empty => Payload::Empty,
        Content::Memory(_) | Content::Spooled { .. } => Payload::Sha256(sha256),
    };
    Ok(Framed {
        ready,
        payload,
        body: Body::Whole {
            content,
            received: record.bytes_in,
        },
    })
}

/// The body of known length as it arrives.
fn pass_on(mut ready: Ready, body: &mut Option<Incoming>, length: u64, payload: Payload) -> Result<Framed, ProxyError> {
    let config = &ready.route.config;
    let on_the_wire = match payload {
        Payload::StreamingSigned => framed_length(length),
        _ => Some(length),
    };
    let on_the_wire = on_the_wire.filter(|_| length <= config.limits.max_body);
    let on_the_wire = on_the_wire.ok_or(ErrorCode::BodyTooLarge)?;
    let fault = StreamFault::default();
    let incoming = body.take().ok_or(ErrorCode::Internal)?;
    let stream = ClientStream::new(incoming, config.timeouts.body_idle, fault.clone());
    if payload == Payload::StreamingSigned {
        announce_chunks(&mut ready.head.headers, length);
        if ready.route.endpoint().is_none() {
            add_aws_chunked(&mut ready.head.headers);
        }
    }
    set_length(&mut ready.head, on_the_wire);
    Ok(Framed {
        ready,
        payload,
        body: Body::Stream {
            stream: Mutex::new(Some(stream)),
            length,
            fault,
        },
    })
}

/// The length of a body that is passed on as it arrives, and how it is signed; `None` for one that is hashed first.
///
/// Unsigned needs TLS, which then protects the body, and a service that takes it. Chunks are signed by
/// version 4, for the two operations that take them. A body of one chunk would have to be here whole before its signature is known: hashed,
/// it can be sent again as well.
fn streamed(ready: &Ready, operation: Option<&str>) -> Option<(u64, Payload)> {
    let length = match ready.framing {
        Framing::Plain { length: Some(length) } if length > 0 && ready.is_ours_to_sign() => length,
        Framing::Plain { .. } | Framing::AwsChunked { .. } => return None,
    };
    let takes_chunks = ready.signature == SignatureVersion::V4 && matches!(operation, Some("PutObject" | "UploadPart"));
    let takes_unsigned = ready.route.scheme == Scheme::Https && ready.route.traits.unsigned_payload_allowed;
    let payload = match ready.route.config.payload {
        PayloadMode::Unsigned if takes_unsigned => Payload::Unsigned,
        PayloadMode::Auto if takes_unsigned && ready.asks_for_unsigned => Payload::Unsigned,
        PayloadMode::Streaming if takes_chunks && length > CHUNK => Payload::StreamingSigned,
        PayloadMode::Auto | PayloadMode::Signed | PayloadMode::Unsigned | PayloadMode::Streaming => return None,
    };
    Some((length, payload))
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
