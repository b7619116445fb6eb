//! A client's body while it is passed on: taken out of its own aws-chunked framing, where it comes in one.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use tokio::task::coop::poll_proceed;

use super::aws_chunked::AwsChunkedDecoder;
use super::checksum::ChecksumAlgorithm;
use super::client_stream::ClientStream;
use super::error::{BodyError, BoxError};
use super::framing::PayloadFraming;

/// The object's bytes as they come, its checksums verified.
#[derive(Debug)]
pub struct UploadStream {
    stream: ClientStream,
    decoding: Option<Box<ChunkedDecoding>>,
}

/// What is around the object's bytes.
#[derive(Debug)]
struct ChunkedDecoding {
    /// Until the end.
    decoder: Option<AwsChunkedDecoder>,
    /// Off the wire, but not decoded yet.
    unread: Bytes,
    /// The last piece is held back until the end was found right: whoever has announced its length upstream would
    /// complete the upload by it.
    held: Option<Bytes>,
    announced: Vec<HeaderName>,
    trailers: Vec<(HeaderName, HeaderValue)>,
}

impl UploadStream {
    /// The object in `stream`, which is framed in this way.
    pub fn new(stream: ClientStream, framing: PayloadFraming) -> Self {
        let decoding = match framing {
            PayloadFraming::Plain { .. } => None,
            PayloadFraming::AwsChunked { length, trailers } => Some(Box::new(ChunkedDecoding {
                announced: trailers.clone(),
                decoder: Some(AwsChunkedDecoder::new(length, trailers)),
                unread: Bytes::new(),
                held: None,
                trailers: Vec::new(),
            })),
        };
        Self { stream, decoding }
    }

    /// Ready once the first of it has come from the client, or its end. Nothing of it is taken.
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.stream.poll_begun(cx)
    }

    /// Whether the client has announced this checksum.
    pub(super) fn will_bring(&self, algorithm: ChecksumAlgorithm) -> bool {
        let decoding = self.decoding.as_ref();
        decoding.is_some_and(|decoding| decoding.announced.contains(&algorithm.header()))
    }

    /// The client's checksum, verified; only after the end.
    pub(super) fn trailer(&self, algorithm: ChecksumAlgorithm) -> Option<HeaderValue> {
        let trailers = &self.decoding.as_ref()?.trailers;
        let (_, value) = trailers.iter().find(|(name, _)| *name == algorithm.header())?;
        Some(value.clone())
    }

    /// The next piece; `None` once all of them came and nothing was wrong with them.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let Some(decoding) = &mut self.decoding else {
            return self.stream.poll_data(cx);
        };
        // A chunk may be a byte long, and other clients wait meanwhile.
        let budget = ready!(poll_proceed(cx));
        loop {
            let decoded = match &mut decoding.decoder {
                None => return Poll::Ready(decoding.held.take().map(Ok)),
                Some(decoder) => decoder.decode(&mut decoding.unread),
            };
            match decoded {
                Ok(Some(piece)) => {
                    if let Some(before) = decoding.held.replace(piece) {
                        budget.made_progress();
                        return Poll::Ready(Some(Ok(before)));
                    }
                    continue;
                }
                Ok(None) => {}
                Err(reason) => return Poll::Ready(Some(Err(self.stream.fail(reason)))),
            }
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => decoding.unread = data,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => match decoding.decoder.take().map(AwsChunkedDecoder::finish) {
                    Some(Ok(trailers)) => decoding.trailers = trailers,
                    Some(Err(reason)) => return Poll::Ready(Some(Err(self.stream.fail(reason)))),
                    None => {}
                },
            }
        }
    }

    /// Notes what went wrong; gives the error that breaks the request off.
    pub(super) fn fail(&self, error: impl Into<BodyError>) -> BoxError {
        self.stream.fail(error)
    }
}
