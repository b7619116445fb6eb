//! An upload of unknown length as a multipart upload, made while it comes in.
//!
//! S3 takes no object whose length it is not told first. With `multipart = true` such a body is cut into parts, which
//! are small enough to be hashed in memory; a body that fits into one part stays a `PutObject`. A few parts are under
//! way at a time. Whatever goes wrong, or when the client leaves, the upload is aborted: the store keeps nothing.
//!
//! Source: Amazon S3, "Uploading and copying objects using multipart upload in Amazon S3".

mod plan;
mod upload;
mod xml;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use hyper::body::{Body as _, Incoming};

use super::Pipeline;
use super::payload::Framed;
use super::record::RequestRecord;
use super::steps::Ready;
use crate::body::{ClientStream, Framing, PartReader, StreamFault};
use crate::error::{ErrorCode, ProxyError};
use crate::share::ClientKey;
use upload::{Failure, Upload};
pub(super) use xml::{text as element_text, unescape};

/// What became of the first part.
pub(super) enum Begun {
    /// It was the whole body.
    Whole(Box<Framed>),
    /// The upload is over; this is its answer.
    Over(Response<Bytes>),
}

/// Whether the body is to go out in parts, if it has more than one.
pub(super) fn suits(ready: &Ready, operation: Option<&str>, body: Option<&Incoming>) -> bool {
    ready.route.config.multipart
        && ready.is_ours_to_sign()
        && !ready.is_decided_by_body
        && matches!(ready.framing, Framing::Plain { length: None })
        && operation == Some("PutObject")
        && body.is_some_and(|body| !body.is_end_stream())
        && plan::can_be_divided(&ready.head)
}

/// Takes the body: as a whole where it fits into one part, else as a multipart upload.
///
/// # Errors
///
/// As for any body, and for each of the upload's requests; an answer of the store that is none of success is no error.
pub(super) async fn take(
    pipeline: &Arc<Pipeline>,
    ready: Ready,
    body: &mut Option<Incoming>,
    record: &mut RequestRecord,
    client: &ClientKey,
) -> Result<Begun, ProxyError> {
    let config = &ready.route.config;
    let incoming = body.take().ok_or(ErrorCode::Internal)?;
    let fault = StreamFault::default();
    let stream = ClientStream::new(incoming, ready.patience(), fault.clone());
    let mut reader = PartReader::new(stream, fault, config.limits.max_body);
    let storage = pipeline.storage.of(client);
    let first = reader.part(config.part_size, memory(&ready), &storage).await;
    record.bytes_in = reader.received();
    let first = first?;
    if first.is_last {
        let framed = Framed::whole(ready, first.content, first.sha256, record.bytes_in);
        return Ok(Begun::Whole(Box::new(framed)));
    }
    let upload = Upload::new(Arc::clone(pipeline), ready, client.clone());
    let outcome = upload.run(&mut reader, first, &mut record.attempts).await;
    record.bytes_in = reader.received();
    match outcome {
        Ok(response) => Ok(Begun::Over(response)),
        Err(Failure::Refused(response)) => Ok(Begun::Over(*response)),
        Err(Failure::Failed(error)) => Err(error),
    }
}

/// Bytes of a part that may stay in memory; parts that have grown beyond it are spooled.
fn memory(ready: &Ready) -> u64 {
    ready.route.config.limits.memory_body.max(ready.route.config.part_size)
}
