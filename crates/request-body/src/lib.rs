//! The body of a request, from the client to the service: read, stored, framed and signed.
//!
//! [`collect()`] reads a client's body to its end while hashing it: up to a limit in memory, beyond it in an
//! unlinked temporary file. What comes out is a [`Collected`] body of known length and hash that can be
//! sent any number of times. Where a body need not be hashed first it is passed on as it arrives instead, as it is
//! ([`UploadStream`]), in chunks with signatures, a checksum, or both ([`Chunks`]), or message by message
//! ([`EventStream`]). Memory is bounded for each body and, by [`Storage`], for all together.

mod aws_chunked;
mod checksum;
mod chunk_layout;
mod chunked_upload;
mod client_stream;
mod collect;
mod conversation;
mod error;
mod event_message;
mod event_upload;
mod framing;
mod gate;
mod outgoing;
mod part_reader;
mod patience;
mod signed_chunk;
mod sink;
mod spool;
mod storage;
mod upload_stream;

pub use checksum::{ChecksumAlgorithm, has_checksum};
pub use chunk_layout::{ChunkLayout, Seal};
pub use client_stream::{ClientStream, StreamFault};
pub use collect::{BodyLimits, Collected, collect};
pub use conversation::{Answering, Conversation, EndsAsSaid};
pub use error::{AwsChunkedError, AwsChunkedHeadError, BodyError, BodyErrorKind, BoxError, EventStreamError};
pub use event_message::{Gatherer, Message};
pub use event_upload::{EventStream, Sealer};
pub use framing::{EVENTS, Framing, add_aws_chunked};
pub use gate::{Continues, ExpectContinue, Gate};
pub use outgoing::{Chunks, Content, InMemory, OutgoingBody, Progress};
pub use part_reader::{Part, PartReader};
pub use patience::{Late, Patience};
pub use storage::{ClientStorage, Storage};
pub use upload_stream::{Shelf, UploadStream};
