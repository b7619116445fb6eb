//! The body of a request, from the client to the service.
//!
//! [`collect()`] reads a client's body to its end while hashing it: up to a limit in memory, beyond it in an
//! unlinked temporary file. What comes out is a [`Collected`] body of known length and hash that can be
//! sent any number of times. Where a body need not be hashed first it is passed on as it arrives instead, as it is
//! ([`ClientStream`]) or with a signature for each chunk ([`SignedChunks`]). Memory is bounded for each body and, by [`MemoryBudget`], for all together.

mod aws_chunked;
mod client_stream;
mod collect;
mod framing;
mod idle;
mod outgoing;
mod signed_chunks;
mod sink;
mod spool;

pub(crate) use client_stream::{ClientStream, StreamFault};
pub(crate) use collect::{BodyLimits, Collected, collect};
pub(crate) use framing::{Framing, add_aws_chunked, announce_chunks};
pub(crate) use idle::IdleTimer;
pub(crate) use outgoing::{Content, OutgoingBody, Progress};
pub(crate) use signed_chunks::{CHUNK, SignedChunks, framed_length};
pub(crate) use sink::MemoryBudget;
