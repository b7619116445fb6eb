//! Requests that stream in both directions at once.
//!
//! Each message of the client is signed and sent as soon as it is whole, and the response comes back as it comes; neither waits
//! for the other. That takes HTTP/2 on both sides.

use http::Version;
use request_body::{BidirectionalStream, BodySlot, EventStream, StreamStatus};

use crate::error::{ErrorCode, ProxyError};
use crate::normalize::{Normalized, RequestedPayload, SignatureOwner};

/// The messages of a bidirectional stream.
#[derive(Debug)]
pub struct Bidirectional {
    messages: BodySlot<EventStream>,
    exchange: BidirectionalStream,
    fault: StreamStatus,
}

impl Bidirectional {
    /// The messages, and what becomes of them on the client's side.
    pub(crate) fn new(messages: EventStream, fault: StreamStatus) -> Self {
        Self {
            exchange: messages.exchange.clone(),
            messages: BodySlot::new(messages),
            fault,
        }
    }

    /// The messages; `None` where they were sent already.
    pub(crate) fn take_messages(&self) -> Option<EventStream> {
        self.messages.take()
    }

    /// What both directions know of each other.
    pub(crate) fn exchange(&self) -> &BidirectionalStream {
        &self.exchange
    }

    /// What becomes of the messages on the client's side.
    pub(crate) fn fault(&self) -> &StreamStatus {
        &self.fault
    }
}

/// Whether the request is one: by its operation, or because its client has signed it as one.
///
/// # Errors
///
/// [`ErrorCode::Http2Required`] where it is, and came by HTTP/1.
pub(super) fn is_requested(request: &Normalized, operation: Option<&str>) -> Result<bool, ProxyError> {
    let is_bedrock = operation == Some("InvokeModelWithBidirectionalStream");
    let traits = &request.route().traits;
    let is_signed_as_one = request.requested_payload() == RequestedPayload::Events
        && !traits.is_s3_family
        && !traits.payload_must_be_unsigned;
    let is_ours_to_sign = request.signature() != SignatureOwner::Client;
    if !is_ours_to_sign || !(is_bedrock || is_signed_as_one) {
        return Ok(false);
    }
    if request.head().version == Version::HTTP_2 {
        Ok(true)
    } else {
        Err(ErrorCode::Http2Required.into())
    }
}
