//! Which files the process is limited to, as plain statements: the program turns them into rules of the kernel.

use std::path::{Path, PathBuf};

/// What may be done with the files below a folder, or with one file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileAccess {
    /// Files are read.
    Read,
    /// Files are read, and folders listed.
    List,
    /// Files are read, written, created and removed.
    Write,
}

impl FileAccess {
    fn includes(self, other: Self) -> bool {
        self == other || other == Self::Read
    }
}

/// A folder with all below it, or one file, and what may be done there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FilePlace {
    /// Without symbolic links.
    pub path: PathBuf,
    /// What may be done there.
    pub access: FileAccess,
}

/// All places that stay within reach of a process that is limited.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FileLimits {
    places: Vec<FilePlace>,
}

impl FileLimits {
    /// The limits that leave these places; one that another includes is left out.
    #[must_use]
    pub fn new(places: impl IntoIterator<Item = FilePlace>) -> Self {
        let mut limits = Self::default();
        for place in places {
            if !limits.allow(&place) {
                limits.places.push(place);
            }
        }
        limits
    }

    /// Whether all that the place is for can be done there.
    #[must_use]
    pub fn allow(&self, place: &FilePlace) -> bool {
        let mut known = self.places.iter();
        known.any(|known| place.path.starts_with(&known.path) && known.access.includes(place.access))
    }

    /// The places.
    pub fn places(&self) -> impl Iterator<Item = &FilePlace> {
        self.places.iter()
    }

    /// Their paths.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| place.path.as_path())
    }
}

/// What the process that loads the configuration is limited to.
#[derive(Clone, Copy, Debug)]
pub(super) enum LimitsInForce<'a> {
    /// Nothing yet: it begins with this configuration.
    Open,
    /// Nothing, and it runs: limits can no longer be set.
    None,
    /// These places.
    To(&'a FileLimits),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, access: FileAccess) -> FilePlace {
        FilePlace {
            path: path.into(),
            access,
        }
    }

    #[test]
    fn a_place_is_allowed_where_it_is_below_one_for_at_least_as_much() {
        let limits = FileLimits::new([
            place("/etc/proxy", FileAccess::Read),
            place("/spool", FileAccess::Write),
            place("/spool/below", FileAccess::Read),
            place("/certs", FileAccess::List),
        ]);
        assert_eq!(limits.places().count(), 3);
        for (path, access) in [
            ("/etc/proxy", FileAccess::Read),
            ("/etc/proxy/a/b", FileAccess::Read),
            ("/spool/x", FileAccess::Write),
            ("/spool/below", FileAccess::Write),
            ("/certs/a", FileAccess::Read),
        ] {
            assert!(limits.allow(&place(path, access)), "{path}");
        }
        for (path, access) in [
            ("/etc", FileAccess::Read),
            ("/etc/proxy2", FileAccess::Read),
            ("/etc/proxy", FileAccess::Write),
            ("/etc/proxy", FileAccess::List),
            ("/", FileAccess::Read),
        ] {
            assert!(!limits.allow(&place(path, access)), "{path}");
        }
    }
}
