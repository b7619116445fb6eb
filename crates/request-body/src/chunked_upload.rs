//! A body framed as aws-chunked while it passes.
//!
//! One signed chunk is held at a time, since its signature comes before it; nothing more is read before it was taken.
//! Unsigned chunks are not held at all: their data passes as it comes. Neither is copied. The empty chunk, without which no server
//! stores the object, is made once the client's body has ended where it should.

use std::task::{Context, Poll, ready};
use std::vec;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use signer::{ChunkSigner, Signature};

use super::checksum::{Checksum, ChecksumAlgorithm};
use super::chunk_layout::{ChunkLayout, SIGNATURE_MARK, TRAILER_SIGNATURE_MARK};
use super::error::{BodyErrorKind, BoxError};
use super::signed_chunk::SignedChunk;
use super::upload_stream::UploadStream;

/// A client's body in chunks.
#[derive(Debug)]
pub(crate) struct ChunkedUpload {
    stream: UploadStream,
    /// Bytes of the body that are in no chunk yet, those of the one being filled included.
    left: u64,
    /// Bytes in a chunk.
    size: u64,
    /// Taken from the client, but in no chunk yet.
    unread: Bytes,
    chunks: ChunkState,
    /// Whether a chunk was begun, so that its line end comes before the next one.
    has_begun: bool,
    trailer: Option<TrailerChecksum>,
    is_over: bool,
}

#[derive(Debug)]
enum ChunkState {
    Signed {
        signer: ChunkSigner,
        filling: Box<SignedChunk>,
        /// What is left of a chunk whose first line was handed on.
        ready: vec::IntoIter<Bytes>,
    },
    Unsigned {
        /// Data that the current chunk lacks.
        missing: u64,
    },
}

/// Where the checksum at the end comes from.
#[derive(Debug)]
enum TrailerChecksum {
    /// Computed from the data.
    Computed(ChecksumAlgorithm, Box<Checksum>),
    /// The client's own, which was verified.
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
                TrailerChecksum::Kept(algorithm)
            } else {
                TrailerChecksum::Computed(algorithm, Box::new(Checksum::new(algorithm)))
            }
        });
        let chunks = match signer {
            Some(signer) => ChunkState::Signed {
                signer,
                filling: Box::new(SignedChunk::new()),
                ready: Vec::new().into_iter(),
            },
            None => ChunkState::Unsigned { missing: 0 },
        };
        Some(Self {
            stream,
            left: layout.length,
            size: layout.chunk,
            unread: Bytes::new(),
            chunks,
            has_begun: false,
            trailer,
            is_over: false,
        })
    }

    /// The next piece of the framed body. After an error there is none: the chunk that completes the body never comes.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let ChunkState::Signed { ready, .. } = &mut self.chunks
            && let Some(data) = ready.next()
        {
            return Poll::Ready(Some(Ok(data)));
        }
        let piece = ready!(self.poll_piece(cx));
        self.is_over |= piece.is_err();
        Poll::Ready(Some(piece))
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, BoxError>> {
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
            ChunkState::Signed { signer, filling, ready } => {
                // At most a chunk, so it fits.
                let size = usize::try_from(wanted).ok()?;
                let missing = size.saturating_sub(filling.length());
                let piece = self.unread.split_to(missing.min(self.unread.len()));
                compute(&mut self.trailer, &piece);
                filling.push(piece);
                if filling.length() < size {
                    return None;
                }
                let (signature, data) = filling.sign(signer);
                let line = signed_line(self.has_begun, wanted, &signature);
                *ready = data.into_iter();
                self.has_begun = true;
                self.left = self.left.saturating_sub(wanted);
                Some(Bytes::from(line))
            }
            ChunkState::Unsigned { missing } => {
                if *missing == 0 {
                    let end_of_last = end_of_last(self.has_begun);
                    *missing = wanted;
                    self.has_begun = true;
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
    fn end(&mut self) -> Result<Bytes, BoxError> {
        let trailer = match self.trailer.take() {
            None => None,
            Some(TrailerChecksum::Computed(algorithm, checksum)) => {
                Some((algorithm, HeaderValue::try_from(checksum.finish())?))
            }
            Some(TrailerChecksum::Kept(algorithm)) => {
                let value = self.stream.trailer(algorithm);
                Some((algorithm, value.ok_or("the client's checksum is missing")?))
            }
        };
        let mut text = match &mut self.chunks {
            ChunkState::Signed { signer, .. } => signed_line(self.has_begun, 0, &signer.sign_chunk(&[])),
            ChunkState::Unsigned { .. } => format!("{}0\r\n", end_of_last(self.has_begun)),
        };
        if let Some((algorithm, value)) = trailer {
            let name = algorithm.header();
            for part in [name.as_str(), ":", value.to_str()?, "\r\n"] {
                text.push_str(part);
            }
            if let ChunkState::Signed { signer, .. } = &mut self.chunks {
                let signature = signer.sign_trailer(&HeaderMap::from_iter([(name, value)]))?;
                for part in [TRAILER_SIGNATURE_MARK, signature.as_str(), "\r\n"] {
                    text.push_str(part);
                }
            }
        }
        text.push_str("\r\n");
        Ok(Bytes::from(text))
    }

    fn fail(&self, what: &'static str) -> BoxError {
        self.stream.fail(BodyErrorKind::Incomplete.because(what))
    }
}

fn compute(trailer: &mut Option<TrailerChecksum>, data: &[u8]) {
    if let Some(TrailerChecksum::Computed(_, checksum)) = trailer {
        checksum.update(data);
    }
}

/// What the chunk before still lacks.
fn end_of_last(has_begun: bool) -> &'static str {
    if has_begun { "\r\n" } else { "" }
}

fn signed_line(has_begun: bool, length: u64, signature: &Signature) -> String {
    format!(
        "{}{length:x}{SIGNATURE_MARK}{}\r\n",
        end_of_last(has_begun),
        signature.as_str()
    )
}

fn length_of(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
