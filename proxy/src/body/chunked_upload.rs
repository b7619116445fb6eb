//! A body framed as aws-chunked while it passes.
//!
//! One signed chunk is held at a time, since its signature stands before it; nothing more is read before it was taken.
//! Unsigned chunks are not held at all: their data passes as it comes. The empty chunk, without which no server
//! stores the object, is made once the client's body has ended where it should.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use signer::ChunkSigner;

use super::checksum::{Checksum, ChecksumAlgorithm};
use super::chunk_layout::{ChunkLayout, SIGNATURE_MARK, TRAILER_SIGNATURE_MARK};
use super::upload_stream::UploadStream;
use crate::error::{Cause, ErrorCode};

/// A client's body on its way, in chunks.
#[derive(Debug)]
pub(crate) struct ChunkedUpload {
    stream: UploadStream,
    /// Bytes of the body that are in no chunk yet, those of the one being filled included.
    left: u64,
    /// Bytes in a chunk.
    size: u64,
    /// Taken from the client, but in no chunk yet.
    unread: Bytes,
    chunks: Chunks,
    trailer: Option<Trailer>,
    is_over: bool,
}

#[derive(Debug)]
enum Chunks {
    Signed {
        signer: ChunkSigner,
        /// The chunk being filled.
        filling: BytesMut,
        /// A chunk whose first line was handed on.
        sealed: Option<Bytes>,
    },
    Unsigned {
        /// Data that the current chunk lacks.
        missing: u64,
        /// Whether a chunk was begun, so that its line end comes before the next one.
        has_begun: bool,
    },
}

/// Where the checksum at the end comes from.
#[derive(Debug)]
enum Trailer {
    /// Computed on the way.
    Computed(ChecksumAlgorithm, Box<Checksum>),
    /// The client's own, which was verified on the way.
    Kept(ChecksumAlgorithm),
}

impl ChunkedUpload {
    /// Frames `stream`, which must bring exactly as many bytes as the layout has. A checksum that the client brings is
    /// kept, any other is computed. `None` where there are signatures to be made and no `signer`, or the reverse.
    pub(super) fn new(stream: UploadStream, layout: &ChunkLayout, signer: Option<ChunkSigner>) -> Option<Self> {
        if layout.is_signed() != signer.is_some() {
            return None;
        }
        let trailer = layout.trailer().map(|algorithm| {
            if stream.will_bring(algorithm) {
                Trailer::Kept(algorithm)
            } else {
                Trailer::Computed(algorithm, Box::new(Checksum::new(algorithm)))
            }
        });
        let chunks = match signer {
            Some(signer) => Chunks::Signed {
                signer,
                filling: BytesMut::new(),
                sealed: None,
            },
            None => Chunks::Unsigned {
                missing: 0,
                has_begun: false,
            },
        };
        Some(Self {
            stream,
            left: layout.length,
            size: layout.chunk,
            unread: Bytes::new(),
            chunks,
            trailer,
            is_over: false,
        })
    }

    /// The next piece of the framed body. After an error there is none: the chunk that completes the body never comes.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cause>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Chunks::Signed { sealed, .. } = &mut self.chunks
            && let Some(data) = sealed.take()
        {
            return Poll::Ready(Some(Ok(data)));
        }
        let piece = ready!(self.poll_piece(cx));
        self.is_over |= piece.is_err();
        Poll::Ready(Some(piece))
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Cause>> {
        loop {
            if self.unread.is_empty() {
                self.unread = match ready!(self.stream.poll_data(cx)) {
                    Some(Ok(data)) => data,
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    None if self.left == 0 => {
                        self.is_over = true;
                        return Poll::Ready(self.end());
                    }
                    None => return Poll::Ready(Err(self.fail("the body ended before its announced length"))),
                };
                continue;
            }
            if self.left == 0 {
                return Poll::Ready(Err(self.fail("the body went on after its announced length")));
            }
            if let Some(piece) = self.advance() {
                return Poll::Ready(Ok(piece));
            }
        }
    }

    /// Moves what was read into the current chunk; gives what of it can go out.
    fn advance(&mut self) -> Option<Bytes> {
        let wanted = self.left.min(self.size);
        match &mut self.chunks {
            Chunks::Signed {
                signer,
                filling,
                sealed,
            } => {
                // At most a chunk, so it fits.
                let size = usize::try_from(wanted).ok()?;
                if filling.is_empty() {
                    filling.reserve(size + 2);
                }
                let missing = size.saturating_sub(filling.len());
                let piece = self.unread.split_to(missing.min(self.unread.len()));
                compute(&mut self.trailer, &piece);
                filling.extend_from_slice(&piece);
                if filling.len() < size {
                    return None;
                }
                let mut chunk = std::mem::take(filling);
                let line = signed_line(signer, &chunk);
                self.left = self.left.saturating_sub(wanted);
                chunk.extend_from_slice(b"\r\n");
                *sealed = Some(chunk.freeze());
                Some(Bytes::from(line))
            }
            Chunks::Unsigned { missing, has_begun } => {
                if *missing == 0 {
                    let end_of_last = if *has_begun { "\r\n" } else { "" };
                    *missing = wanted;
                    *has_begun = true;
                    return Some(Bytes::from(format!("{end_of_last}{wanted:x}\r\n")));
                }
                let taken =
                    usize::try_from(*missing).map_or(self.unread.len(), |missing| missing.min(self.unread.len()));
                let piece = self.unread.split_to(taken);
                compute(&mut self.trailer, &piece);
                *missing = missing.saturating_sub(length_of(&piece));
                self.left = self.left.saturating_sub(length_of(&piece));
                Some(piece)
            }
        }
    }

    /// The empty chunk, the trailer, and the line end after all.
    fn end(&mut self) -> Result<Bytes, Cause> {
        let trailer = match self.trailer.take() {
            None => None,
            Some(Trailer::Computed(algorithm, checksum)) => {
                Some((algorithm, HeaderValue::try_from(checksum.finish())?))
            }
            Some(Trailer::Kept(algorithm)) => {
                let value = self.stream.trailer(algorithm);
                Some((algorithm, value.ok_or("the client's checksum is missing")?))
            }
        };
        let mut text = match &mut self.chunks {
            Chunks::Signed { signer, .. } => signed_line(signer, &[]),
            Chunks::Unsigned { has_begun: true, .. } => "\r\n0\r\n".to_owned(),
            Chunks::Unsigned { has_begun: false, .. } => "0\r\n".to_owned(),
        };
        if let Some((algorithm, value)) = trailer {
            let name = algorithm.header();
            for part in [name.as_str(), ":", value.to_str()?, "\r\n"] {
                text.push_str(part);
            }
            if let Chunks::Signed { signer, .. } = &mut self.chunks {
                let signature = signer.sign_trailer(&HeaderMap::from_iter([(name, value)]))?;
                for part in [TRAILER_SIGNATURE_MARK, signature.as_str(), "\r\n"] {
                    text.push_str(part);
                }
            }
        }
        text.push_str("\r\n");
        Ok(Bytes::from(text))
    }

    fn fail(&self, what: &'static str) -> Cause {
        self.stream.fail(ErrorCode::BodyIncomplete, what)
    }
}

fn compute(trailer: &mut Option<Trailer>, data: &[u8]) {
    if let Some(Trailer::Computed(_, checksum)) = trailer {
        checksum.update(data);
    }
}

fn signed_line(signer: &mut ChunkSigner, chunk: &[u8]) -> String {
    let signature = signer.sign_chunk(chunk);
    format!("{:x}{SIGNATURE_MARK}{}\r\n", chunk.len(), signature.as_str())
}

fn length_of(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
