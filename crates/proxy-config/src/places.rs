//! The files that the configuration names, as places of `process.landlock`.

use std::path::{Path, PathBuf};

use super::file_limits::{FileAccess, FilePlace, LimitsInForce};
use super::key_path::KeyPath;
use super::report::Report;

/// What a key needs of a file or folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    /// The file is read, and read again when another one has taken its place.
    Read,
    /// The file is written, and another one put in its place.
    Replace,
    /// Files come and go in the folder.
    Folder,
}

/// Why no program can be run.
pub(super) const NO_PROGRAMS: &str = "runs a program, which process.landlock = true does not let the proxy do: store the secret elsewhere, or set it to false";

/// Why a file cannot be within reach later.
const TOP: &str = "is in the top folder, below which everything is: process.landlock = true limits the proxy to the folders \
                   of the files that the configuration names, so give them one of their own";
const OUTSIDE: &str = "is outside of the folders that process.landlock = true left within reach when the program started: \
                       put it into one of them, or restart";

/// Why a change of the key takes no effect at a reload.
const SWITCHED: &str = "takes a restart: the limits are set once when the program starts, and never taken back";

impl Report<'_> {
    /// Learns whether files are limited, and whether that can still be decided.
    pub(super) fn limit_files(&self, is_wanted: bool) {
        let is_in_force = match self.limits {
            LimitsInForce::Open => is_wanted,
            LimitsInForce::None => false,
            LimitsInForce::To(_) => true,
        };
        if is_wanted != is_in_force {
            self.reject(&KeyPath::of("process.landlock"), SWITCHED);
        }
        self.limits_files.set(is_in_force);
    }

    /// Notes what the key needs. `false` where that would be out of reach, which is a problem of the key then.
    pub(super) fn needs(&self, key: &KeyPath, path: &Path, need: Need) -> bool {
        if !self.limits_files.get() {
            return true;
        }
        match self.places(path, need) {
            Ok(places) => {
                self.places.borrow_mut().extend(places);
                true
            }
            Err(why) => {
                self.reject(key, why);
                false
            }
        }
    }

    /// The same of a file that need not be there, nor its folder.
    pub(super) fn may_need(&self, key: &KeyPath, path: &Path) -> bool {
        !folder_of(path).exists() || self.needs(key, path, Need::Read)
    }

    fn places(&self, path: &Path, need: Need) -> Result<Vec<FilePlace>, String> {
        let (folder, access) = match need {
            Need::Read => (folder_of(path), FileAccess::Read),
            Need::Replace => (folder_of(path), FileAccess::Write),
            Need::Folder => (path.to_owned(), FileAccess::Write),
        };
        // Not by its name: what was meant to be a path may be a secret.
        let named = folder.canonicalize().map_err(|error| {
            format!("is in a folder that cannot be found, and process.landlock = true needs it at the start: {error}")
        })?;
        // What it leads to now. Files that come later have to be in the same folders.
        let target = path.canonicalize().ok().filter(|_| need == Need::Read);
        let target = target.as_deref().map(folder_of).filter(|folder| *folder != named);
        let places: Vec<_> = [Some(named), target]
            .into_iter()
            .flatten()
            .map(|path| FilePlace { path, access })
            .collect();
        if places.iter().any(|place| place.path.parent().is_none()) {
            return Err(TOP.to_owned());
        }
        match self.limits {
            LimitsInForce::To(limits) if !places.iter().all(|place| limits.allow(place)) => Err(OUTSIDE.to_owned()),
            _ => Ok(places),
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .unwrap_or_else(|| Path::new(if path.is_absolute() { "/" } else { "." }))
        .to_owned()
}
