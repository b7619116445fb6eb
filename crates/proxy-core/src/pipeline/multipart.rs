//! An upload of unknown length as a multipart upload, made while it comes in.
//!
//! S3 takes no object whose length it does not get first. With `multipart = true` such a body is cut into parts, which
//! are small enough to be hashed in memory; a body that fits into one part stays a `PutObject`. A few parts are in flight
//! at a time. Whatever goes wrong, or when the client leaves, the upload is aborted: the store keeps nothing.
//!
//! Source: Amazon S3, "Uploading and copying objects using multipart upload in Amazon S3".

mod upload;
mod xml;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body::Body;
use proxy_config::ConnectionConfig;
use request_body::{ClientStream, PartReader, StreamStatus};
use resource_limits::ClientKey;

use super::client_body::ClientBody;
use super::limits::SharedLimits;
use super::record::RequestRecord;
use super::runtime::ConnectionRuntime;
use crate::authorize::{Authorized, AuthorizedHead};
use crate::error::{Cause, ProxyError};
use crate::plan::{FramedBody, WholeBody};
use upload::{Failure, Upload};

pub(super) use xml::{text as element_text, unescape};

/// What became of the first part.
pub(super) enum FirstPart {
    /// It was the whole body.
    Whole(Box<Authorized>),
    /// The upload is over; this is the response to it.
    Uploaded(Response<Bytes>),
}

/// Takes the body: as a whole where it fits into one part, else as a multipart upload.
///
/// # Errors
///
/// As for any body, and for each of the upload's requests; a response of the store that is none of success is no error.
pub(super) async fn take<B>(
    runtime: &Arc<ConnectionRuntime>,
    limits: &SharedLimits,
    request: AuthorizedHead,
    body: &mut ClientBody<B>,
    record: &mut RequestRecord,
    client: &ClientKey,
) -> Result<FirstPart, ProxyError>
where
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + Unpin + 'static,
{
    let config = &runtime.route.config;
    let fault = StreamStatus::default();
    let stream = ClientStream::new(body.take(), request.request().read_timeout(), fault.clone());
    let mut reader = PartReader::new(stream, fault, config.limits.max_body);
    let storage = limits.storage_of(client);
    let first = reader.part(config.part_size, part_memory(config), &storage).await;
    record.bytes_in = reader.received();
    let first = first?;
    if first.is_last {
        let body = WholeBody {
            content: first.content,
            sha256: first.sha256,
            trailers: Vec::new(),
            received: record.bytes_in,
        };
        let authorized = request.with_body(FramedBody::Whole(body));
        return Ok(FirstPart::Whole(Box::new(authorized)));
    }
    let upload = Upload::new(Arc::clone(runtime), limits.clone(), request, client.clone());
    let outcome = upload.run(&mut reader, first, &mut record.attempts).await;
    record.bytes_in = reader.received();
    match outcome {
        Ok(response) => Ok(FirstPart::Uploaded(response)),
        Err(Failure::Rejected(response)) => Ok(FirstPart::Uploaded(*response)),
        Err(Failure::Failed(error)) => Err(error),
    }
}

/// Bytes of a part that may stay in memory; parts that have grown beyond it are spooled.
fn part_memory(config: &ConnectionConfig) -> u64 {
    config.limits.memory_body.max(config.part_size)
}
