//! A signed chunk that is being filled.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Bytes, BytesMut};
use signer::{ChunkSigner, Signature};

/// Shorter pieces are copied together: each that is held on its own keeps the memory it was read into.
const LEAST_OWN_PIECE: usize = 4 * 1024;

/// The data of a chunk, in the memory that it was read into. All of it is held, since its signature stands before it.
pub(super) struct SignedChunk {
    pieces: Vec<Bytes>,
    /// The end of the data, where that came in short pieces.
    short: BytesMut,
    length: usize,
    hash: Context,
}

impl SignedChunk {
    /// A chunk without data.
    pub(super) fn new() -> Self {
        Self {
            pieces: Vec::new(),
            short: BytesMut::new(),
            length: 0,
            hash: Context::new(&SHA256),
        }
    }

    /// Bytes of data.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Data behind what is there.
    pub(super) fn push(&mut self, piece: Bytes) {
        self.hash.update(&piece);
        self.length = self.length.saturating_add(piece.len());
        if piece.len() < LEAST_OWN_PIECE {
            self.short.extend_from_slice(&piece);
        } else {
            self.keep_short();
            self.pieces.push(piece);
        }
    }

    /// The signature, and the data in the order in which it came. A chunk without data is left.
    pub(super) fn sign(&mut self, signer: &mut ChunkSigner) -> (Signature, Vec<Bytes>) {
        self.keep_short();
        self.length = 0;
        let hash = std::mem::replace(&mut self.hash, Context::new(&SHA256)).finish();
        let mut sha256 = [0; 32];
        // As long as every SHA-256.
        sha256.copy_from_slice(hash.as_ref());
        (signer.sign_chunk_hash(&sha256), std::mem::take(&mut self.pieces))
    }

    fn keep_short(&mut self) {
        if !self.short.is_empty() {
            self.pieces.push(self.short.split().freeze());
        }
    }
}

impl fmt::Debug for SignedChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedChunk")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
