//! A body on disk: written and hashed, then read, always off the async threads.
//!
//! The file has no name from the start (or loses it at once), so nobody else can open it and nothing is left
//! behind, whatever ends the process.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;

use aws_lc_rs::digest::Context;
use bytes::{Bytes, BytesMut};
use resource_limits::Grant;
use tokio::task::JoinHandle;

use super::error::{BodyError, BodyErrorKind};
use super::storage::{ClientStorage, units};

/// Written at a time. While one batch is hashed and written, the next one arrives: two of them in memory, which are part of
/// the room for bodies.
const BATCH: usize = 128 * 1024;

/// Written at a time where there is no such room: each piece goes to the disk as it comes, unless it is very short.
const LEAST_BATCH: usize = 1024;

/// Read at a time; as above, but in no budget: as many requests as there are upstream permits hold two each.
const BLOCK: usize = 32 * 1024;

/// A file under way to hold a body.
pub(super) struct SpoolWriter {
    disk: SpoolState,
    batch: BytesMut,
    /// Written as soon as it has so many bytes.
    batch_size: usize,
    /// Of the memory for bodies, for the batches.
    memory: Option<Grant>,
    share: Grant,
}

/// A complete body.
pub(super) struct Spooled {
    pub(super) file: File,
    pub(super) hasher: Context,
}

enum SpoolState {
    Idle(Spooled),
    Busy(JoinHandle<io::Result<Spooled>>),
    Failed,
}

impl SpoolWriter {
    /// Makes a file that begins with `head`, which `hasher` has seen already.
    pub(super) async fn create(storage: &ClientStorage, head: Vec<Bytes>, hasher: Context) -> Result<Self, BodyError> {
        let dir = storage.spool_dir().to_owned();
        let mut share = storage.disk_to_grow();
        grow(&mut share, head.iter().map(Bytes::len).sum())?;
        let descriptors = storage.descriptors().clone();
        let write = move || {
            let mut file = tempfile::tempfile_in(dir)?;
            if descriptors.is_of_reserve(&file) {
                // The error that the system returns when it has no more.
                return Err(io::Error::from(rustix::io::Errno::MFILE));
            }
            for segment in head {
                file.write_all(&segment)?;
            }
            Ok(Spooled { file, hasher })
        };
        // Waited for: a directory that cannot be written to should fail before more is read.
        let spooled = run(write).await.map_err(failed)?;
        let memory = storage.memory(2 * BATCH);
        Ok(Self {
            disk: SpoolState::Idle(spooled),
            batch: BytesMut::new(),
            batch_size: if memory.is_some() { BATCH } else { LEAST_BATCH },
            memory,
            share,
        })
    }

    /// Takes the next piece.
    pub(super) async fn push(&mut self, mut data: &[u8]) -> Result<(), BodyError> {
        while !data.is_empty() {
            let room = BATCH.saturating_sub(self.batch.len());
            let (now, later) = data.split_at(room.min(data.len()));
            if self.memory.is_some() {
                self.batch.reserve(room);
            }
            self.batch.extend_from_slice(now);
            data = later;
            if self.batch.len() >= self.batch_size {
                self.flush().await?;
            }
        }
        if self.memory.is_none() {
            // Nothing of it stays in memory while the client takes its time.
            self.disk.idle().await?;
        }
        Ok(())
    }

    /// Ends the file.
    pub(super) async fn finish(mut self) -> Result<(Spooled, Grant), BodyError> {
        self.flush().await?;
        Ok((self.disk.wait().await?, self.share))
    }

    async fn flush(&mut self) -> Result<(), BodyError> {
        grow(&mut self.share, self.batch.len())?;
        let mut spooled = self.disk.wait().await?;
        let batch = std::mem::take(&mut self.batch);
        self.disk = SpoolState::Busy(tokio::task::spawn_blocking(move || {
            spooled.hasher.update(&batch);
            spooled.file.write_all(&batch)?;
            Ok(spooled)
        }));
        Ok(())
    }
}

impl SpoolState {
    /// Waits until nobody writes to the file any more.
    async fn idle(&mut self) -> Result<(), BodyError> {
        *self = Self::Idle(self.wait().await?);
        Ok(())
    }

    /// The file, once nobody writes to it any more.
    async fn wait(&mut self) -> Result<Spooled, BodyError> {
        match std::mem::replace(self, Self::Failed) {
            Self::Idle(spooled) => Ok(spooled),
            Self::Busy(handle) => join(handle).await.map_err(failed),
            Self::Failed => Err(BodyErrorKind::SpoolFailed.into()),
        }
    }
}

/// Reads the next block of a file that holds `end` bytes, from `offset`.
pub(super) fn read_block(file: &File, offset: u64, end: u64) -> io::Result<Bytes> {
    let left = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut block = vec![0; left.min(BLOCK)];
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + u64::try_from(filled).unwrap_or(u64::MAX)) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Bytes::from(block))
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    join(tokio::task::spawn_blocking(work)).await
}

async fn join<T>(handle: JoinHandle<io::Result<T>>) -> io::Result<T> {
    handle.await.map_err(io::Error::other)?
}

/// Takes disk for so many bytes more of one body.
fn grow(share: &mut Grant, bytes: usize) -> Result<(), BodyError> {
    let Err(exhausted) = share.grow(units(bytes)) else {
        return Ok(());
    };
    Err(if share.never_grows(units(bytes)) {
        BodyErrorKind::LargerThanSpool.into()
    } else {
        BodyErrorKind::SpoolExhausted(exhausted).into()
    })
}

fn failed(error: io::Error) -> BodyError {
    let is_full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    let kind = if is_full {
        BodyErrorKind::SpoolFull
    } else {
        BodyErrorKind::SpoolFailed
    };
    kind.because(error)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::SHA256;

    use super::*;
    use crate::storage::tests::room;

    /// A file that 20,000 bytes were written to.
    async fn written(storage: &ClientStorage) -> SpoolWriter {
        let mut writer = SpoolWriter::create(storage, Vec::new(), Context::new(&SHA256))
            .await
            .unwrap();
        writer.push(&vec![7; 20_000]).await.unwrap();
        writer
    }

    #[tokio::test]
    async fn batches_are_part_of_the_memory_for_bodies() {
        let storage = room(3 * BATCH as u64, 1 << 20, std::env::temp_dir());
        let writer = written(&storage).await;
        assert_eq!(writer.batch.len(), 20_000);
        assert!(storage.memory(2 * BATCH).is_none());
        drop(writer);
        assert!(storage.memory(2 * BATCH).is_some());
    }

    #[tokio::test]
    async fn without_memory_for_bodies_nothing_waits_in_it() {
        let writer = written(&room(0, 1 << 20, std::env::temp_dir())).await;
        assert_eq!(writer.batch.capacity(), 0);
        let SpoolState::Idle(spooled) = &writer.disk else {
            panic!("it is still written to");
        };
        assert_eq!(spooled.file.metadata().unwrap().len(), 20_000);
    }

    #[test]
    fn a_full_disk_has_a_kind_of_its_own() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert_eq!(failed(kind.into()).kind(), BodyErrorKind::SpoolFull);
        }
        assert_eq!(
            failed(io::ErrorKind::PermissionDenied.into()).kind(),
            BodyErrorKind::SpoolFailed
        );
    }

    #[test]
    fn a_file_shorter_than_it_was_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        assert_eq!(read_block(&file, 1, 3).unwrap(), "bc");
        assert!(read_block(&file, 0, 4).is_err());
    }
}
