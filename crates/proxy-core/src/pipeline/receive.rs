//! Taking a client's body as its plan has it.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use request_body::{
    BidirectionalStream, BodyContent, BodyLimits, ClientStream, CollectedBody, ContinueHost, EventStream, ExplicitEnd,
    ReadTimeout, StreamStatus, UploadStream, collect,
};
use resource_limits::{ClientKey, Grant};

use super::client_body::ClientBody;
use super::limits::SharedLimits;
use super::record::RequestRecord;
use crate::error::{Cause, ProxyError};
use crate::normalize::Normalized;
use crate::plan::{Bidirectional, StreamPlan, StreamedBody, WholeBody};

/// A client that got 100 Continue, or sent its head without waiting for that, sends the first of its body at once. Where
/// it does not, it may hold an upstream permit by now.
const FIRST_PIECE: Duration = Duration::from_secs(30);

/// Reads the body to its end, decoded and hashed.
///
/// # Errors
///
/// As [`collect`].
pub(super) async fn whole<B>(
    request: &Normalized,
    body: &mut ClientBody<B>,
    limits: &SharedLimits,
    record: &mut RequestRecord,
    client: &ClientKey,
) -> Result<WholeBody, ProxyError>
where
    B: Body<Data = Bytes, Error: Into<Cause>> + Unpin,
{
    let config = &request.route().config;
    let body_limits = BodyLimits {
        memory: config.limits.memory_body,
        max: config.limits.max_body,
        storage: &limits.storage_of(client),
    };
    let framing = request.framing().clone();
    let collected = collect(body, framing, body_limits, request.read_timeout(), &mut record.bytes_in).await?;
    let CollectedBody {
        content,
        sha256,
        trailers,
    } = collected;
    if record.operation.is_none() && request.may_name_operation_in_body() {
        record.operation = operation_in(&content);
    }
    limits.note_spooled(&content);
    Ok(WholeBody {
        content,
        sha256,
        trailers,
        received: record.bytes_in,
    })
}

/// The body as it arrives. `continues` is there where the service may say when it wants it.
///
/// # Errors
///
/// [`ErrorCode::BodyTooLarge`](crate::error::ErrorCode::BodyTooLarge).
pub(super) fn stream<B>(
    request: &Normalized,
    body: &mut ClientBody<B>,
    plan: StreamPlan,
    continues: Option<ContinueHost>,
) -> Result<StreamedBody, ProxyError>
where
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
{
    let config = &request.route().config;
    let max = config.limits.max_body;
    let framed_length = plan.framed_length(max)?;
    let fault = StreamStatus::default();
    let stream = ClientStream::new(body.take(), request.read_timeout(), fault.clone())
        .with_first_within(FIRST_PIECE.min(config.timeouts.body_idle))
        .with_most(framed_length.map_or(max, |_| u64::MAX));
    let stream = UploadStream::new(stream, request.framing().clone());
    Ok(StreamedBody::new(stream, plan, framed_length, continues, fault))
}

/// The messages of a bidirectional stream as they come. What a message takes while it comes is added to `memory`.
pub(super) fn messages<B>(request: &Normalized, body: &mut ClientBody<B>, memory: Grant) -> Bidirectional
where
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
{
    let config = &request.route().config;
    let exchange = BidirectionalStream::new();
    let timeout = ReadTimeout::new(config.timeouts.body_idle).extended_by(exchange.activity().clone());
    let incoming = ExplicitEnd::new(body.take());
    let fault = StreamStatus::default();
    let messages = EventStream {
        stream: ClientStream::new(incoming, timeout, fault.clone()),
        exchange,
        memory,
        max: config.limits.max_body,
    };
    Bidirectional::new(messages, fault)
}

fn operation_in(content: &BodyContent) -> Option<String> {
    let form = std::str::from_utf8(content.as_slice()?).ok()?;
    policy_gen::operation::from_action(form).map(Into::into)
}
