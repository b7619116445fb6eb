//! Where a body is stored while it is read: memory first, then the disk.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Bytes, BytesMut};
use resource_limits::Grant;

use super::error::BodyError;
use super::outgoing::BodyContent;
use super::spool::{SpoolWriter, Spooled};
use super::storage::{ClientStorage, units};

/// Memory is taken in pieces of this size: no piece is copied again as the body grows, and a client that sends
/// single bytes cannot make us keep more than it sent.
const SEGMENT: usize = 64 * 1024;

/// Takes a body piece by piece.
pub(super) struct Sink<'a> {
    memory_limit: u64,
    storage: &'a ClientStorage,
    length: u64,
    store: SinkStore,
}

enum SinkStore {
    Memory(MemoryStore),
    Disk(SpoolWriter),
}

struct MemoryStore {
    hasher: Context,
    full: Vec<Bytes>,
    current: BytesMut,
    share: Option<Grant>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(memory_limit: u64, storage: &'a ClientStorage) -> Self {
        Self {
            memory_limit,
            storage,
            length: 0,
            store: SinkStore::Memory(MemoryStore {
                hasher: Context::new(&SHA256),
                full: Vec::new(),
                current: BytesMut::new(),
                share: None,
            }),
        }
    }

    /// How many bytes it has taken.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next piece.
    pub(super) async fn push(&mut self, data: &[u8]) -> Result<(), BodyError> {
        self.length = self
            .length
            .saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        let fits = self.length <= self.memory_limit;
        if let SinkStore::Memory(memory) = &mut self.store {
            if fits && memory.push(data, self.storage) {
                return Ok(());
            }
            let writer = SpoolWriter::create(self.storage, memory.take_segments(), memory.hasher.clone()).await?;
            self.store = SinkStore::Disk(writer);
        }
        match &mut self.store {
            SinkStore::Disk(writer) => writer.push(data).await,
            SinkStore::Memory(_) => Ok(()),
        }
    }

    /// Ends the body: what it holds, and its SHA-256.
    pub(super) async fn finish(self) -> Result<(BodyContent, [u8; 32]), BodyError> {
        match self.store {
            SinkStore::Memory(mut memory) => {
                let segments = memory.take_segments();
                let content = if segments.is_empty() {
                    BodyContent::Empty
                } else {
                    BodyContent::memory(segments, memory.share)
                };
                Ok((content, finish_hash(memory.hasher)))
            }
            SinkStore::Disk(writer) => {
                let (Spooled { file, hasher }, share) = writer.finish().await?;
                Ok((BodyContent::spooled(file, self.length, share), finish_hash(hasher)))
            }
        }
    }
}

impl MemoryStore {
    /// Stores the data; false, with nothing stored, where the budget does not allow it.
    fn push(&mut self, mut data: &[u8], storage: &ClientStorage) -> bool {
        let room = self.current.capacity() - self.current.len();
        if data.len() > room {
            let wanted = data.len() - room;
            // Small bodies take what they need, others whole segments.
            let allocation = if self.full.is_empty() && self.current.is_empty() {
                wanted.min(SEGMENT)
            } else {
                SEGMENT
            };
            let bytes = wanted.div_ceil(allocation) * allocation;
            let is_granted = match &mut self.share {
                Some(share) => share.grow(units(bytes)).is_ok(),
                none => {
                    *none = storage.memory(bytes);
                    none.is_some()
                }
            };
            if !is_granted {
                return false;
            }
            self.hasher.update(data);
            while !data.is_empty() {
                let room = self.current.capacity() - self.current.len();
                if room == 0 {
                    let full = std::mem::replace(&mut self.current, BytesMut::with_capacity(allocation));
                    self.keep(full);
                    continue;
                }
                let (now, later) = data.split_at(room.min(data.len()));
                self.current.extend_from_slice(now);
                data = later;
            }
            return true;
        }
        self.hasher.update(data);
        self.current.extend_from_slice(data);
        true
    }

    fn keep(&mut self, segment: BytesMut) {
        if !segment.is_empty() {
            self.full.push(segment.freeze());
        }
    }

    fn take_segments(&mut self) -> Vec<Bytes> {
        let last = std::mem::take(&mut self.current);
        self.keep(last);
        std::mem::take(&mut self.full)
    }
}

fn finish_hash(hasher: Context) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(hasher.finish().as_ref());
    hash
}

impl std::fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
