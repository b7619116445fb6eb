//! The body's framing and what the signature says about it: decided before signing, unchanged afterwards.

use std::sync::{Mutex, PoisonError};

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use hyper::body::Incoming;
use signer::Payload;

use super::Pipeline;
use super::record::RequestRecord;
use super::steps::Ready;
use crate::body::{
    BodyLimits, ClientStream, Collected, Content, Framing, OutgoingBody, Progress, StreamFault, collect,
};
use crate::config::{PayloadMode, Scheme};
use crate::error::{ErrorCode, ProxyError};

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

    /// The body to send.
    pub(super) fn body(&self, progress: &Progress) -> Result<OutgoingBody, ProxyError> {
        match &self.body {
            Body::Whole { content, .. } => Ok(content.body(progress.clone())),
            Body::Stream { stream, length, .. } => {
                let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
                let stream = stream.ok_or(ErrorCode::Internal)?;
                Ok(OutgoingBody::from_client(stream, *length, progress.clone()))
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
    let config = &ready.route.config;
    if let Some(length) = streamed_length(&ready) {
        if length > config.limits.max_body {
            return Err(ErrorCode::BodyTooLarge.into());
        }
        let fault = StreamFault::default();
        let incoming = body.take().ok_or(ErrorCode::Internal)?;
        let stream = ClientStream::new(incoming, config.timeouts.body_idle, fault.clone());
        set_length(&mut ready.head, length);
        return Ok(Framed {
            ready,
            payload: Payload::Unsigned,
            body: Body::Stream {
                stream: Mutex::new(Some(stream)),
                length,
                fault,
            },
        });
    }
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

/// The length of a body that is passed on unhashed; `None` for one that is hashed.
///
/// Needs TLS, which then protects the body, a service that takes it, and a known length. `streaming` is signed by the
/// whole body's hash: every server takes that too.
fn streamed_length(ready: &Ready) -> Option<u64> {
    let is_wanted = match ready.route.config.payload {
        PayloadMode::Unsigned => true,
        PayloadMode::Auto => ready.asks_for_unsigned,
        PayloadMode::Signed | PayloadMode::Streaming => false,
    };
    let is_possible =
        ready.is_ours_to_sign() && ready.route.scheme == Scheme::Https && ready.route.traits.unsigned_payload_allowed;
    match ready.framing {
        Framing::Plain { length: Some(length) } if is_wanted && is_possible && length > 0 => Some(length),
        Framing::Plain { .. } | Framing::AwsChunked { .. } => None,
    }
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
