//! The body of a request, from the client to the service: read, stored, framed and signed.
//!
//! [`collect()`] reads a client's body to its end while hashing it: up to a limit in memory, beyond it in an
//! unlinked temporary file. What comes out is a [`CollectedBody`] of known length and hash that can be
//! sent any number of times. Where a body need not be hashed first it is passed on as it arrives instead, as it is
//! ([`UploadStream`]), in chunks with signatures, a checksum, or both ([`ChunkFraming`]), or message by message
//! ([`EventStream`]). Memory is bounded for each body and, by [`BodyStorage`], for all together.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Full};
//! use request_body::{BodyLimits, BodyStorage, PayloadFraming, Progress, ReadTimeout, collect};
//! use resource_limits::{ClientKey, DescriptorLimit, ListenerRole, PoolSize};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let storage = BodyStorage::empty(std::env::temp_dir(), &DescriptorLimit::none());
//! let size = PoolSize { total: 1 << 20, reserve_percent: 10 };
//! storage.resize(size, size);
//! let client = ClientKey::new(ListenerRole::Shared, [127, 0, 0, 1].into());
//! let limits = BodyLimits { memory: 1024, max: 4096, storage: &storage.of(&client) };
//!
//! let framing = PayloadFraming::AwsChunked { length: Some(5), trailers: Vec::new() };
//! let body = Full::new(Bytes::from_static(b"5\r\nhello\r\n0\r\n\r\n"));
//! let timeout = ReadTimeout::new(Duration::from_secs(60));
//! let collected = collect(body, framing, limits, timeout, &mut 0).await?;
//! // It is decoded, and can be sent more than once.
//! for _ in 0..2 {
//!     let sent = collected.content.body(None, Progress::new()).collect().await?;
//!     assert_eq!(sent.to_bytes(), "hello");
//! }
//! # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//! # }).map_err(|error| error.to_string())?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod aws_chunked;
mod bidirectional;
mod body_slot;
mod checksum;
mod chunk_layout;
mod chunked_upload;
mod client_stream;
mod collect;
mod continue_hosts;
mod error;
mod event_message;
mod event_upload;
mod expect_continue;
mod explicit_end;
mod framing;
mod outgoing;
mod part_reader;
mod progress;
mod read_timeout;
mod signed_chunk;
mod sink;
mod spool;
mod storage;
mod upload_stream;

pub use bidirectional::{BidirectionalStream, OpenResponse};
pub use body_slot::BodySlot;
pub use checksum::{ChecksumAlgorithm, has_checksum};
pub use chunk_layout::{ChunkIntegrity, ChunkLayout};
pub use client_stream::{ClientStream, StreamStatus};
pub use collect::{BodyLimits, CollectedBody, collect};
pub use continue_hosts::{ContinueHost, ContinueHosts};
pub use error::{AwsChunkedError, AwsChunkedHeadError, BodyError, BodyErrorKind, BoxError, EventStreamError};
pub use event_message::{EventMessage, EventReader};
pub use event_upload::{EventStream, EventStreamSigner};
pub use expect_continue::ExpectContinue;
pub use explicit_end::ExplicitEnd;
pub use framing::{EVENTS, PayloadFraming, add_aws_chunked};
pub use outgoing::{BodyContent, ChunkFraming, MemoryContent, OutgoingBody};
pub use part_reader::{BodyPart, PartReader};
pub use progress::Progress;
pub use read_timeout::{ReadTimedOut, ReadTimeout};
pub use storage::{BodyStorage, ClientStorage};
pub use upload_stream::UploadStream;
