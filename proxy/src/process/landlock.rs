//! Landlock: which files the process can open from some moment on. The kernel keeps to it, whatever becomes of our code.

use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, PathFdError, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, make_bitflags,
};

/// What is needed at least: reading, writing, creating and removing are limited. Linux 5.13.
const LEAST: ABI = ABI::V1;

/// What is limited besides where the kernel can: links between folders, truncation, requests to devices. Later versions
/// limit sockets, which resolvers of the system need. Linux 6.10.
const BEST: ABI = ABI::V5;

/// The files cannot be limited. Each text names the key that demands it.
#[derive(Debug, thiserror::Error)]
pub enum LandlockError {
    /// The kernel cannot, or it is switched off there.
    #[error(
        "process.landlock = true: this kernel limits no files, since it has no Landlock (Linux 5.13 and later have it, \
         where the boot parameter lsm= or a container's seccomp filter does not take it away); nothing is served"
    )]
    Missing(#[source] RulesetError),
    /// Something that is to stay within reach cannot be opened.
    #[error("process.landlock = true: {} cannot be opened", path.display())]
    Place {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: PathFdError,
    },
    /// The kernel has it and does not take the rules.
    #[error("process.landlock = true: the kernel does not take the limits")]
    Rules(#[source] RulesetError),
    /// Others run already, whom the limits would not hold.
    #[error("process.landlock = true: {0} threads run already, and only this one would be limited")]
    Threads(usize),
    /// It cannot be seen whether others run already.
    #[error("process.landlock = true: the threads of this process cannot be counted in /proc/self/task")]
    Count(#[source] io::Error),
}

/// What may be done with the files below a folder, or with one file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Files are read.
    Read,
    /// Files are read, and folders listed.
    List,
    /// Files are read, written, created and removed.
    Write,
}

impl Access {
    fn includes(self, other: Self) -> bool {
        self == other || other == Self::Read
    }

    fn rights(self) -> BitFlags<AccessFs> {
        match self {
            Self::Read => AccessFs::ReadFile.into(),
            Self::List => AccessFs::ReadFile | AccessFs::ReadDir,
            Self::Write => make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate | MakeReg | RemoveFile}),
        }
    }
}

/// A folder with all below it, or one file, and what may be done there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// Without symbolic links.
    pub(crate) path: PathBuf,
    pub(crate) access: Access,
}

/// All places that stay within reach.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct FileLimits {
    places: Vec<Place>,
}

impl FileLimits {
    pub(crate) fn new(places: impl IntoIterator<Item = Place>) -> Self {
        let mut limits = Self::default();
        for place in places {
            if !limits.allow(&place) {
                limits.places.push(place);
            }
        }
        limits
    }

    /// Whether all that the place is for can be done there.
    pub(crate) fn allow(&self, place: &Place) -> bool {
        let mut known = self.places.iter();
        known.any(|known| place.path.starts_with(&known.path) && known.access.includes(place.access))
    }

    /// The places.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| place.path.as_path())
    }

    /// From now on nothing else can be opened, and no program started, by this thread and those that it starts. There
    /// must be no other yet. Nothing takes that back.
    ///
    /// # Errors
    ///
    /// [`LandlockError`]; then nothing is limited.
    pub(crate) fn restrict(&self) -> Result<(), LandlockError> {
        let threads = std::fs::read_dir("/proc/self/task").map_err(LandlockError::Count)?;
        let threads = threads.count();
        if threads != 1 {
            return Err(LandlockError::Threads(threads));
        }
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))
            .map_err(LandlockError::Missing)?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(BEST));
        let mut rules = ruleset.and_then(Ruleset::create).map_err(LandlockError::Rules)?;
        for Place { path, access } in &self.places {
            let place = PathFd::new(path).map_err(|source| LandlockError::Place {
                path: path.clone(),
                source,
            })?;
            let rule = PathBeneath::new(place, access.rights());
            rules = rules.add_rule(rule).map_err(LandlockError::Rules)?;
        }
        let status = rules.restrict_self().map_err(LandlockError::Rules)?;
        debug_assert_ne!(status.ruleset, RulesetStatus::NotEnforced, "it was required above");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, access: Access) -> Place {
        Place {
            path: path.into(),
            access,
        }
    }

    #[test]
    fn a_place_is_allowed_where_it_is_below_one_for_at_least_as_much() {
        let limits = FileLimits::new([
            place("/etc/proxy", Access::Read),
            place("/spool", Access::Write),
            place("/spool/below", Access::Read),
            place("/certs", Access::List),
        ]);
        assert_eq!(limits.places().count(), 3);
        for (path, access) in [
            ("/etc/proxy", Access::Read),
            ("/etc/proxy/a/b", Access::Read),
            ("/spool/x", Access::Write),
            ("/spool/below", Access::Write),
            ("/certs/a", Access::Read),
        ] {
            assert!(limits.allow(&place(path, access)), "{path}");
        }
        for (path, access) in [
            ("/etc", Access::Read),
            ("/etc/proxy2", Access::Read),
            ("/etc/proxy", Access::Write),
            ("/etc/proxy", Access::List),
            ("/", Access::Read),
        ] {
            assert!(!limits.allow(&place(path, access)), "{path}");
        }
    }

    #[test]
    fn threads_that_run_already_would_not_be_limited() {
        // The test's own thread is not the only one.
        let error = FileLimits::default().restrict().unwrap_err();
        assert!(matches!(error, LandlockError::Threads(2..)), "{error}");
    }
}
