//! Notices that a file of the configuration has another content.
//!
//! By looking once a second, not by inotify. What has to be noticed is the content behind a name: Kubernetes swaps a
//! symbolic link two folders up when a `ConfigMap` changes, editors write a new file and rename it, and mounts of
//! networks and virtual machines send no events at all. A watch of the kernel would have to sit on every folder on the
//! path, be set again after each swap, and be backed by looking all the same; the crates for it would be the larger part
//! of this module's cost. A look is one `stat` for each of a few files.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{Context, SHA256};
use tokio::time::sleep;
use zeroize::Zeroizing;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is looked at of a file: beyond this, its beginning.
const MOST_BYTES: u64 = 16 << 20;

/// What is read of it at once.
const BLOCK: usize = 16 << 10;

/// The files of a configuration, as they were when it was loaded.
#[derive(Debug)]
pub(super) struct FileWatch {
    loaded: Vec<Look>,
}

/// A file at one moment.
#[derive(Clone, Debug)]
struct Look {
    path: PathBuf,
    /// `None` where there is no such file.
    stamp: Option<Stamp>,
    content: Option<Content>,
}

type Content = [u8; 32];

/// What changes when a file is written to or replaced.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    identity: (u64, u64),
    changed: (i64, i64),
}

impl FileWatch {
    /// As the files are now.
    pub(super) async fn of(files: Vec<PathBuf>) -> Self {
        let mut loaded = Vec::new();
        for path in files {
            loaded.push(look(path, None).await);
        }
        Self { loaded }
    }

    /// Waits until a file has another content than when the configuration was loaded, and has kept it from one look to
    /// the next: a file that is just being written is left alone.
    pub(super) async fn changed(&self) {
        let mut before = self.loaded.clone();
        loop {
            sleep(INTERVAL).await;
            let now = again(&before).await;
            let has_changed = contents(&now) != contents(&self.loaded);
            if has_changed && contents(&now) == contents(&before) {
                return;
            }
            before = now;
        }
    }

    /// As the same files are now; before the configuration is loaded, so that no change in between is missed.
    pub(super) async fn now(&self) -> Self {
        Self {
            loaded: again(&self.loaded).await,
        }
    }

    /// The files of the configuration that was loaded since. Those that are known are taken as they were.
    pub(super) async fn follow(self, files: &[PathBuf]) -> Self {
        let mut loaded = Vec::new();
        for path in files {
            let known = self.loaded.iter().find(|look| look.path == *path);
            loaded.push(match known {
                Some(known) => known.clone(),
                None => look(path.clone(), None).await,
            });
        }
        Self { loaded }
    }

    /// The same besides those that are followed.
    pub(super) async fn follow_also(self, files: &[PathBuf]) -> Self {
        let mut all: Vec<_> = self.loaded.iter().map(|look| look.path.clone()).collect();
        let others: Vec<_> = files.iter().filter(|path| !all.contains(path)).cloned().collect();
        all.extend(others);
        self.follow(&all).await
    }
}

fn contents(looks: &[Look]) -> Vec<Option<Content>> {
    looks.iter().map(|look| look.content).collect()
}

async fn again(before: &[Look]) -> Vec<Look> {
    let mut looks = Vec::new();
    for known in before {
        looks.push(look(known.path.clone(), Some(known)).await);
    }
    looks
}

/// Reads the file only where its stamp is another.
async fn look(path: PathBuf, known: Option<&Look>) -> Look {
    let stamp = tokio::fs::metadata(&path).await.ok().map(|metadata| stamp(&metadata));
    let known = known.filter(|known| stamp.is_some() && known.stamp == stamp);
    let content = match (known, &stamp) {
        (Some(known), _) => known.content,
        (None, Some(_)) => read(&path).await.ok(),
        (None, None) => None,
    };
    Look { path, stamp, content }
}

async fn read(path: &Path) -> io::Result<Content> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || content(&path))
        .await
        .map_err(io::Error::other)?
}

/// Block by block, and not by tokio's files, which keep a copy: secrets may stand there.
fn content(path: &Path) -> io::Result<Content> {
    let mut file = File::open(path)?.take(MOST_BYTES);
    let mut hash = Context::new(&SHA256);
    let mut block = Zeroizing::new([0; BLOCK]);
    loop {
        let length = match file.read(block.as_mut_slice()) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(block.get(..length).unwrap_or_default());
    }
    let mut content = Content::default();
    content.copy_from_slice(hash.finish().as_ref());
    Ok(content)
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp {
        length: metadata.len(),
        modified: metadata.modified().ok(),
        identity: (metadata.dev(), metadata.ino()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[cfg(test)]
mod tests;
