//! A body framed as aws-chunked while it passes, each chunk with a signature of its own.
//!
//! `HEX;chunk-signature=SIGNATURE CRLF data CRLF` for each chunk, an empty one at the end. One chunk is held at a
//! time, since its signature stands before it; nothing more is read before it was taken. The empty chunk, without
//! which no server stores the object, is made once the client's body has ended where it should.
//!
//! Source: Amazon S3, "Signature calculations for the Authorization header: transferring a payload in multiple chunks".

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use signer::ChunkSigner;

use super::client_stream::ClientStream;
use crate::error::{Cause, ErrorCode};

/// Bytes of the body in a chunk. S3 takes 8 KiB and more; framing is a thousandth of this, and a thousand uploads
/// under way hold 64 MiB.
pub(crate) const CHUNK: u64 = 64 * 1024;

/// Between a chunk's size and its signature.
const SIGNATURE_MARK: &str = ";chunk-signature=";

/// Digits of a signature.
const SIGNATURE_LENGTH: u64 = 64;

/// How long a body of so many bytes is once it is framed; `None` where that fits into no number.
pub(crate) fn framed_length(length: u64) -> Option<u64> {
    let whole = (length / CHUNK).checked_mul(framed_chunk_length(CHUNK))?;
    let rest = match length % CHUNK {
        0 => 0,
        rest => framed_chunk_length(rest),
    };
    whole.checked_add(rest)?.checked_add(framed_chunk_length(0))
}

/// For at most [`CHUNK`] bytes.
fn framed_chunk_length(size: u64) -> u64 {
    let digits = u64::from(size.checked_ilog(16).unwrap_or(0)) + 1;
    let mark = u64::try_from(SIGNATURE_MARK.len()).unwrap_or(u64::MAX);
    digits + mark + SIGNATURE_LENGTH + 2 + size + 2
}

/// A client's body on its way, in signed chunks.
#[derive(Debug)]
pub(crate) struct SignedChunks {
    stream: ClientStream,
    signer: ChunkSigner,
    /// Bytes of the body that are in no chunk yet, those of the one being filled included.
    left: u64,
    /// Taken from the client, but in no chunk yet.
    unread: Bytes,
    /// The chunk being filled.
    filling: BytesMut,
    /// A chunk whose first line was handed on.
    signed: Option<Bytes>,
    is_over: bool,
}

impl SignedChunks {
    /// Frames `stream`, which must bring exactly `length` bytes.
    pub(crate) fn new(stream: ClientStream, length: u64, signer: ChunkSigner) -> Self {
        Self {
            stream,
            signer,
            left: length,
            unread: Bytes::new(),
            filling: BytesMut::new(),
            signed: None,
            is_over: false,
        }
    }

    /// The next piece of the framed body. After an error there is none: the chunk that completes the body never comes.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cause>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(data) = self.signed.take() {
            return Poll::Ready(Some(Ok(data)));
        }
        let piece = ready!(self.poll_chunk(cx));
        self.is_over |= piece.is_err();
        Poll::Ready(Some(piece))
    }

    /// The first line of the next chunk, or the whole last one.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Cause>> {
        loop {
            if self.unread.is_empty() {
                self.unread = match ready!(self.stream.poll_data(cx)) {
                    Some(Ok(data)) => data,
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    None if self.left == 0 => {
                        self.is_over = true;
                        return Poll::Ready(Ok(self.first_line(&[], "\r\n\r\n")));
                    }
                    None => return Poll::Ready(Err(self.fail("the body ended before its announced length"))),
                };
                continue;
            }
            if self.left == 0 {
                return Poll::Ready(Err(self.fail("the body went on after its announced length")));
            }
            if let Some(chunk) = self.fill() {
                let line = self.first_line(&chunk, "\r\n");
                self.left = self.left.saturating_sub(length_of(&chunk));
                let mut chunk = chunk;
                chunk.extend_from_slice(b"\r\n");
                self.signed = Some(chunk.freeze());
                return Poll::Ready(Ok(line));
            }
        }
    }

    /// Moves bytes into the chunk being filled; gives it once it is full.
    fn fill(&mut self) -> Option<BytesMut> {
        // At most a chunk, so it fits.
        let size = usize::try_from(self.left.min(CHUNK)).ok()?;
        if self.filling.is_empty() {
            self.filling.reserve(size + 2);
        }
        let missing = size.saturating_sub(self.filling.len());
        let piece = self.unread.split_to(missing.min(self.unread.len()));
        self.filling.extend_from_slice(&piece);
        (self.filling.len() == size).then(|| std::mem::take(&mut self.filling))
    }

    fn first_line(&mut self, chunk: &[u8], end: &str) -> Bytes {
        let signature = self.signer.sign_chunk(chunk);
        Bytes::from(format!("{:x}{SIGNATURE_MARK}{}{end}", chunk.len(), signature.as_str()))
    }

    fn fail(&self, what: &'static str) -> Cause {
        self.stream.fail(ErrorCode::BodyIncomplete, what)
    }
}

fn length_of(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
