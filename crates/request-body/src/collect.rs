//! Reading a client's body to its end.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body::Body;
use tokio::task::consume_budget;

use super::aws_chunked::AwsChunkedDecoder;
use super::client_stream::poll_data;
use super::error::{BodyError, BodyErrorKind, BoxError};
use super::framing::PayloadFraming;
use super::outgoing::BodyContent;
use super::read_timeout::ReadTimeout;
use super::sink::Sink;
use super::storage::ClientStorage;

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits<'a> {
    /// Bytes stored in memory; a longer body goes to the disk.
    pub memory: u64,
    /// Bytes at all.
    pub max: u64,
    /// The client's room.
    pub storage: &'a ClientStorage,
}

/// A whole body.
#[derive(Debug)]
pub struct CollectedBody {
    /// The bytes, decoded.
    pub content: BodyContent,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// Headers that came in the body's trailer: checksums of an aws-chunked body.
    pub trailers: Vec<(HeaderName, HeaderValue)>,
}

/// Reads a body to its end, hashing it. `received` counts the bytes off the wire, whatever happens.
///
/// Polling the body is what makes hyper send `100 Continue`: whoever calls this has decided to take it.
///
/// # Errors
///
/// [`BodyErrorKind::TooLarge`] before the first byte where the announced length says so; the others as they happen.
pub async fn collect<B>(
    mut body: B,
    framing: PayloadFraming,
    limits: BodyLimits<'_>,
    mut timeout: ReadTimeout,
    received: &mut u64,
) -> Result<CollectedBody, BodyError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    if framing.announced_length().is_some_and(|length| length > limits.max) {
        return Err(BodyErrorKind::TooLarge { max: limits.max }.into());
    }
    let mut decoder = match framing {
        PayloadFraming::Plain { .. } => None,
        PayloadFraming::AwsChunked { length, trailers } => Some(AwsChunkedDecoder::new(length, trailers)),
    };
    let mut sink = Sink::new(limits.memory, limits.storage);
    while let Some(data) = poll_fn(|cx| poll_data(Pin::new(&mut body), &mut timeout, cx)).await {
        let mut data = data?;
        *received = received.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        match &mut decoder {
            None => keep(&mut sink, &data, limits.max).await?,
            Some(decoder) => {
                while let Some(data) = decoder.decode(&mut data)? {
                    keep(&mut sink, &data, limits.max).await?;
                    // A chunk may be a byte long, and other clients wait meanwhile.
                    consume_budget().await;
                }
            }
        }
    }
    let trailers = match decoder {
        Some(decoder) => decoder.finish()?,
        None => Vec::new(),
    };
    let (content, sha256) = sink.finish().await?;
    Ok(CollectedBody {
        content,
        sha256,
        trailers,
    })
}

async fn keep(sink: &mut Sink<'_>, data: &[u8], max: u64) -> Result<(), BodyError> {
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    if sink.length().saturating_add(length) > max {
        return Err(BodyErrorKind::TooLarge { max }.into());
    }
    sink.push(data).await
}

#[cfg(test)]
mod tests;
