//! Requests that flow while they are answered: operations that stream in both directions at once.
//!
//! Each message of the client goes on in a signed envelope as soon as it is whole, and the answer comes back as it comes;
//! neither waits for the other. That takes HTTP/2 on both sides.

use http::{Version, header};
use hyper::body::Incoming;

use super::payload::Framed;
use super::steps::{AskedPayload, Ready};
use crate::body::{ClientStream, Conversation, EndsAsSaid, EventStream, Patience, StreamFault};
use crate::error::{ErrorCode, ProxyError};
use crate::share::Grant;

/// Whether the request is one: by its operation, or because its client has signed it as one.
///
/// # Errors
///
/// [`ErrorCode::Http2Required`] where it is, and came by HTTP/1.
pub(super) fn is_one(ready: &Ready, operation: Option<&str>) -> Result<bool, ProxyError> {
    let is_bedrock = operation == Some("InvokeModelWithBidirectionalStream");
    let traits = &ready.route.traits;
    let is_said =
        ready.asked_payload == AskedPayload::Events && !traits.is_s3_family && !traits.payload_must_be_unsigned;
    if !ready.is_ours_to_sign() || !(is_bedrock || is_said) {
        return Ok(false);
    }
    if ready.head.version == Version::HTTP_2 {
        Ok(true)
    } else {
        Err(ErrorCode::Http2Required.into())
    }
}

/// Takes the request's messages as they come.
///
/// What a message takes while it comes is added to `memory`.
pub(super) fn take(
    mut ready: Ready,
    body: &mut Option<Incoming>,
    memory: Grant,
) -> Result<(Framed, StreamFault), ProxyError> {
    // Envelopes make it longer than what the client may have announced.
    ready.head.headers.remove(header::CONTENT_LENGTH);
    let config = &ready.route.config;
    let conversation = Conversation::new();
    let patience = Patience::new(config.timeouts.body_idle).beside(conversation.activity().clone());
    let incoming = EndsAsSaid::new(body.take().ok_or(ErrorCode::Internal)?);
    let fault = StreamFault::default();
    let messages = EventStream {
        stream: ClientStream::new(incoming, patience, fault.clone()),
        conversation,
        memory,
        max: config.limits.max_body,
    };
    Ok((Framed::conversation(ready, messages, fault.clone()), fault))
}
