//! A client's body while it is passed on: taken out of its own aws-chunked framing, where it comes in one.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use tokio::task::coop::poll_proceed;

use super::aws_chunked::Decoder;
use super::checksum::ChecksumAlgorithm;
use super::client_stream::ClientStream;
use super::error::{BodyError, BoxError};
use super::framing::Framing;

/// The object's bytes as they come, its checksums verified.
#[derive(Debug)]
pub struct UploadStream {
    stream: ClientStream,
    wrapping: Option<Box<Wrapping>>,
}

/// What is around the object's bytes.
#[derive(Debug)]
struct Wrapping {
    /// Until the end.
    decoder: Option<Decoder>,
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
    pub fn new(stream: ClientStream, framing: Framing) -> Self {
        let wrapping = match framing {
            Framing::Plain { .. } => None,
            Framing::AwsChunked { length, trailers } => Some(Box::new(Wrapping {
                announced: trailers.clone(),
                decoder: Some(Decoder::new(length, trailers)),
                unread: Bytes::new(),
                held: None,
                trailers: Vec::new(),
            })),
        };
        Self { stream, wrapping }
    }

    /// Ready once the first of it has come from the client, or its end. Nothing of it is taken.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.stream.poll_begun(cx)
    }

    /// Whether the client has announced this checksum.
    pub(super) fn will_bring(&self, algorithm: ChecksumAlgorithm) -> bool {
        let wrapping = self.wrapping.as_ref();
        wrapping.is_some_and(|wrapping| wrapping.announced.contains(&algorithm.header()))
    }

    /// The client's checksum, verified; only after the end.
    pub(super) fn trailer(&self, algorithm: ChecksumAlgorithm) -> Option<HeaderValue> {
        let trailers = &self.wrapping.as_ref()?.trailers;
        let (_, value) = trailers.iter().find(|(name, _)| *name == algorithm.header())?;
        Some(value.clone())
    }

    /// The next piece; `None` once all of them came and nothing was wrong with them.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let Some(wrapping) = &mut self.wrapping else {
            return self.stream.poll_data(cx);
        };
        // A chunk may be a byte long, and other clients wait meanwhile.
        let budget = ready!(poll_proceed(cx));
        loop {
            let decoded = match &mut wrapping.decoder {
                None => return Poll::Ready(wrapping.held.take().map(Ok)),
                Some(decoder) => decoder.decode(&mut wrapping.unread),
            };
            match decoded {
                Ok(Some(piece)) => {
                    if let Some(before) = wrapping.held.replace(piece) {
                        budget.made_progress();
                        return Poll::Ready(Some(Ok(before)));
                    }
                    continue;
                }
                Ok(None) => {}
                Err(reason) => return Poll::Ready(Some(Err(self.stream.fail(reason)))),
            }
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => wrapping.unread = data,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => match wrapping.decoder.take().map(Decoder::finish) {
                    Some(Ok(trailers)) => wrapping.trailers = trailers,
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

/// A body until somebody takes it: it can be sent once. Clones are the same shelf.
#[derive(Debug)]
pub struct Shelf<T = UploadStream>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shelf<T> {
    /// A shelf with this body on it.
    pub fn new(body: T) -> Self {
        Self(Arc::new(Mutex::new(Some(body))))
    }

    /// Whether the body is still there.
    pub fn is_full(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The body, for the first who asks.
    pub fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Shelf {
    /// Waits until the first of the body has come, or its end; the body stays on the shelf. At once where it was taken.
    ///
    /// # Errors
    ///
    /// The client is late, or its body broke off.
    pub async fn begun(&self) -> Result<(), BoxError> {
        let poll = |cx: &mut Context<'_>| match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stream) => stream.poll_begun(cx),
            None => Poll::Ready(Ok(())),
        };
        poll_fn(poll).await
    }
}
