//! A record on disk: always whole, seldom more than a second old.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use policy_gen::record::{Needed, RecordError, RecordSet, Seen};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// A need that was never seen before is on the disk after this long: a crash loses no more.
const NEW_ENTRY: Duration = Duration::from_secs(1);

/// Counts and times of what is known already are on the disk after this long.
const COUNTS: Duration = Duration::from_secs(30);

/// Ten times the largest record: what is longer was never one.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A record cannot be gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// The file is there and cannot be read, or its folder is not.
    #[error("the record {} cannot be used", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else. It is not overwritten.
    #[error("{} is no record of requests; name another file, or remove it", path.display())]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: RecordError,
    },
}

/// One record, in memory and in its file.
#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
    state: Mutex<State>,
    /// Held while the file is replaced, by whoever does: else an older text could take the place of a newer one.
    replacing: Mutex<()>,
    /// Something has changed.
    changed: Notify,
    /// Something has changed that is worth more hurry.
    grown: Notify,
}

#[derive(Debug)]
struct State {
    set: RecordSet,
    is_changed: bool,
    /// Whether the last attempt to write failed: told once, not every time.
    has_failed: bool,
}

impl Book {
    /// Opens the record, or begins one, and keeps its file up to date from now on.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, BookError> {
        let unreadable = |source| BookError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let set = match read(path).map_err(unreadable)? {
            None => RecordSet::default(),
            Some(text) => RecordSet::parse(&text).map_err(|source| BookError::NoRecord {
                path: path.to_owned(),
                source,
            })?,
        };
        let book = Arc::new(Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                set,
                is_changed: false,
                has_failed: false,
            }),
            replacing: Mutex::new(()),
            changed: Notify::new(),
            grown: Notify::new(),
        });
        // Without a runtime there are no requests either.
        if let Ok(runtime) = Handle::try_current() {
            let weak = Arc::downgrade(&book);
            runtime.spawn(async move {
                loop {
                    let Some(book) = weak.upgrade() else { return };
                    // So that a book nobody needs any more is let go between two looks.
                    if timeout(COUNTS, book.changed.notified()).await.is_err() {
                        continue;
                    }
                    if timeout(COUNTS, book.grown.notified()).await.is_ok() {
                        sleep(NEW_ENTRY).await;
                    }
                    // Fails where the runtime ends; then whoever ends it writes.
                    drop(tokio::task::spawn_blocking(move || book.write()).await);
                }
            });
        }
        Ok(book)
    }

    /// Adds what a request needed.
    pub(super) fn note(&self, needs: Vec<Needed>, at: u64, status: Option<u16>) {
        let has_grown = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let before = state.set.len();
            for needed in needs {
                state.set.observe(needed, Seen::once(at, status));
            }
            state.is_changed = true;
            state.set.len() > before
        };
        self.changed.notify_one();
        if has_grown {
            self.grown.notify_one();
        }
    }

    /// Writes the file where there is something new: a new file takes the old one's place, so that there always is a
    /// whole one. Blocks.
    pub(super) fn write(&self) {
        let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::take(&mut state.is_changed) {
                return;
            }
            state.set.to_json()
        };
        let outcome = replace(&self.path, text.as_bytes());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let had_failed = std::mem::replace(&mut state.has_failed, outcome.is_err());
        if let Err(error) = outcome {
            state.is_changed = true;
            if !had_failed {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(path = %self.path.display(), error, "a record cannot be written; it is tried again");
            }
        } else if had_failed {
            tracing::info!(path = %self.path.display(), "a record is written again");
        }
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        self.write();
    }
}

/// The text of the file; `None` where there is none yet, but could be.
fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Ok(file) if file.len() > MAX_FILE => Err(io::Error::other("it is longer than any record")),
        Ok(_) => fs::read_to_string(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A folder that is not there, or in which nothing may be written, should be known at the start.
            tempfile::NamedTempFile::new_in(folder(path)).map(|_| None)
        }
        Err(error) => Err(error),
    }
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
