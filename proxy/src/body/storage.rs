//! What the bodies of all requests together may take of memory and disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The room for bodies. Cheap to clone, and clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    memory: Arc<Semaphore>,
    disk: Arc<Disk>,
    spool_dir: PathBuf,
    /// The bytes in memory and on disk that there are in all.
    sizes: (u64, u64),
}

#[derive(Debug)]
struct Disk {
    left: AtomicU64,
}

impl Storage {
    /// Room for so many bytes in memory, rounded down to whole KiB, and on disk, in this folder.
    pub(crate) fn new(memory: u64, disk: u64, spool_dir: PathBuf) -> Self {
        let kib = usize::try_from(memory / 1024).unwrap_or(usize::MAX);
        Self {
            memory: Arc::new(Semaphore::new(kib.min(Semaphore::MAX_PERMITS))),
            disk: Arc::new(Disk {
                left: AtomicU64::new(disk),
            }),
            spool_dir,
            sizes: (memory, disk),
        }
    }

    /// The room of these sizes in this folder: this one, where it is so already. Another one is beside it as long as
    /// requests still use this one.
    pub(crate) fn resized(&self, memory: u64, disk: u64, spool_dir: PathBuf) -> Self {
        if self.sizes == (memory, disk) && self.spool_dir == spool_dir {
            self.clone()
        } else {
            Self::new(memory, disk, spool_dir)
        }
    }

    /// Takes memory, if there is enough: a body that finds none goes to the disk.
    pub(super) fn memory(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).ok()?;
        Arc::clone(&self.memory).try_acquire_many_owned(kib).ok()
    }

    /// A share of the disk for one body, with nothing in it yet.
    pub(super) fn disk(&self) -> DiskShare {
        DiskShare {
            disk: Arc::clone(&self.disk),
            taken: 0,
        }
    }

    /// Where spooled bodies go.
    pub(super) fn spool_dir(&self) -> &Path {
        &self.spool_dir
    }
}

/// A body's share of the disk, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct DiskShare {
    disk: Arc<Disk>,
    taken: u64,
}

impl DiskShare {
    /// Takes more; false, with nothing taken, where there is not enough.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let Ok(bytes) = u64::try_from(bytes) else { return false };
        let took = self
            .disk
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        if took.is_ok() {
            self.taken += bytes;
        }
        took.is_ok()
    }
}

impl Drop for DiskShare {
    fn drop(&mut self) {
        self.disk.left.fetch_add(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_shared_and_given_back() {
        let storage = Storage::new(0, 100, PathBuf::new());
        let mut one = storage.disk();
        assert!(one.grow(60));
        let mut other = storage.disk();
        assert!(!other.grow(41));
        assert!(other.grow(40));
        drop(one);
        assert!(other.grow(60));
        assert!(!other.grow(1));
    }

    #[test]
    fn memory_is_taken_in_kib_and_given_back() {
        let storage = Storage::new(3 * 1024 + 1023, 0, PathBuf::new());
        let held = storage.memory(2049).unwrap();
        assert!(storage.memory(1).is_none());
        drop(held);
        assert!(storage.memory(3072).is_some());
    }
}
