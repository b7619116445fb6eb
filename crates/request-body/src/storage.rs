//! What the bodies of all requests together may take of memory and disk.

use resource_limits::{ClientKey, DescriptorLimit, Grant, Pool, PoolSize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The memory and disk for bodies. Cheap to clone, and clones share it.
#[derive(Clone, Debug)]
pub struct BodyStorage {
    /// Bytes.
    memory: Pool,
    /// Bytes.
    disk: Pool,
    spool_dir: Arc<Path>,
    descriptors: DescriptorLimit,
}

/// The room that one client may take of it.
#[derive(Clone, Debug)]
pub struct ClientStorage {
    all: BodyStorage,
    client: ClientKey,
}

impl BodyStorage {
    /// No room at all, and this folder.
    #[must_use]
    pub fn empty(spool_dir: PathBuf, descriptors: &DescriptorLimit) -> Self {
        Self {
            memory: Pool::new(PoolSize::NONE),
            disk: Pool::new(PoolSize::NONE),
            spool_dir: spool_dir.into(),
            descriptors: descriptors.clone(),
        }
    }

    /// From now on there is room for so many bytes in memory and on disk. Nobody loses any.
    pub fn resize(&self, memory: PoolSize, disk: PoolSize) {
        self.memory.resize(memory);
        self.disk.resize(disk);
    }

    /// The same room, with another folder for new bodies.
    #[must_use]
    pub fn in_folder(&self, spool_dir: PathBuf) -> Self {
        Self {
            spool_dir: spool_dir.into(),
            ..self.clone()
        }
    }

    /// Bytes of memory that bodies have, and may have.
    #[must_use]
    pub fn memory_pool(&self) -> &Pool {
        &self.memory
    }

    /// Bytes of disk that bodies have, and may have.
    #[must_use]
    pub fn disk_pool(&self) -> &Pool {
        &self.disk
    }

    /// The room for the bodies of one client.
    #[must_use]
    pub fn of(&self, client: &ClientKey) -> ClientStorage {
        ClientStorage {
            all: self.clone(),
            client: client.clone(),
        }
    }
}

impl ClientStorage {
    /// Takes memory, if the client may have it: a body that finds none goes to the disk.
    pub(super) fn memory(&self, bytes: usize) -> Option<Grant> {
        self.all.memory.try_take(&self.client, units(bytes)).ok()
    }

    /// A share of the disk for one body that has no bytes so far.
    pub(super) fn disk_to_grow(&self) -> Grant {
        self.all.disk.nothing(&self.client)
    }

    /// Which files may not be opened for bodies.
    pub(super) fn descriptors(&self) -> &DescriptorLimit {
        &self.all.descriptors
    }

    /// Where spooled bodies go.
    pub(super) fn spool_dir(&self) -> &Path {
        &self.all.spool_dir
    }
}

/// Bytes as units of a pool.
pub(super) fn units(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use resource_limits::{Exhausted, ListenerRole};
    use std::net::IpAddr;

    use super::*;

    impl ClientStorage {
        fn disk(&self, bytes: usize) -> Result<Grant, Exhausted> {
            self.all.disk.try_take(&self.client, units(bytes))
        }
    }

    /// The room for the bodies of the client at this address, without a reserve.
    pub(crate) fn room(memory: u64, disk: u64, spool_dir: PathBuf) -> ClientStorage {
        let size = |total| PoolSize {
            total,
            reserve_percent: 0,
        };
        let storage = BodyStorage::empty(spool_dir, &DescriptorLimit::none());
        storage.resize(size(memory), size(disk));
        storage.of(&client(1))
    }

    fn client(address: u8) -> ClientKey {
        ClientKey::new(ListenerRole::Shared, IpAddr::from([127, 0, 0, address]))
    }

    #[test]
    fn one_client_leaves_room_for_the_next() {
        let size = |total| PoolSize {
            total,
            reserve_percent: 10,
        };
        let all = BodyStorage::empty(PathBuf::new(), &DescriptorLimit::none());
        all.resize(size(100), size(100));
        let (one, other) = (all.of(&client(1)), all.of(&client(2)));
        let held = (one.memory(90).unwrap(), one.disk(90).unwrap());
        assert!(one.memory(1).is_none());
        assert_eq!(one.disk(1).unwrap_err(), Exhausted::OverShare);
        assert!(other.memory(5).is_some());
        assert!(other.disk(5).is_ok());
        drop(held);
        assert!(other.memory(90).is_some());
    }

    #[test]
    fn a_reload_changes_the_room_for_all() {
        let size = |total| PoolSize {
            total,
            reserve_percent: 0,
        };
        let before = BodyStorage::empty("/a".into(), &DescriptorLimit::none());
        before.resize(size(100), size(100));
        let held = before.of(&client(1)).disk(60).unwrap();
        let after = before.in_folder("/b".into());
        after.resize(size(100), size(50));
        let after = after.of(&client(2));
        assert_eq!(after.disk(1).unwrap_err(), Exhausted::Full);
        assert_eq!(after.spool_dir(), Path::new("/b"));
        drop(held);
        assert!(after.disk(50).is_ok());
    }
}
