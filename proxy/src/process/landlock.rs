//! Landlock: which files the process can open from some moment on. The kernel keeps to it, whatever becomes of our code.

use std::io;
use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, PathFdError, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, make_bitflags,
};
use proxy_config::{FileAccess, FileLimits, FilePlace};

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

/// From now on nothing else can be opened, and no program started, by this thread and those that it starts. There
/// must be no other yet. Nothing takes that back.
///
/// # Errors
///
/// [`LandlockError`]; then nothing is limited.
pub(crate) fn restrict(limits: &FileLimits) -> Result<(), LandlockError> {
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
    for FilePlace { path, access } in limits.places() {
        let place = PathFd::new(path).map_err(|source| LandlockError::Place {
            path: path.clone(),
            source,
        })?;
        let rule = PathBeneath::new(place, rights(*access));
        rules = rules.add_rule(rule).map_err(LandlockError::Rules)?;
    }
    let status = rules.restrict_self().map_err(LandlockError::Rules)?;
    debug_assert_ne!(status.ruleset, RulesetStatus::NotEnforced, "it was required above");
    Ok(())
}

fn rights(access: FileAccess) -> BitFlags<AccessFs> {
    match access {
        FileAccess::Read => AccessFs::ReadFile.into(),
        FileAccess::List => AccessFs::ReadFile | AccessFs::ReadDir,
        FileAccess::Write => make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate | MakeReg | RemoveFile}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_run_already_would_not_be_limited() {
        // The test's own thread is not the only one.
        let error = restrict(&FileLimits::default()).unwrap_err();
        assert!(matches!(error, LandlockError::Threads(2..)), "{error}");
    }
}
