//! What the AWS SDKs' default chain reads on this machine. Whoever loads a configuration gives the function that finds it.

use std::path::PathBuf;

use super::environment::Environment;

/// What the default chain reads and runs, by what the variables and AWS's profile files contain now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChainFiles {
    /// Files that it reads; not all of them need to exist.
    pub files: Vec<PathBuf>,
    /// Folders in which it stores what it has refreshed.
    pub folders: Vec<PathBuf>,
    /// The profile whose `credential_process` it runs.
    pub runs_program_of: Option<String>,
}

/// Finds [`ChainFiles`]: those of this profile, or of the whole chain. Called only where `process.landlock = true`.
pub type FindChainFiles = fn(profile: Option<&str>, environment: &Environment) -> ChainFiles;

impl ChainFiles {
    /// Finds none: a [`FindChainFiles`] for configurations that no process is limited by.
    #[must_use]
    pub fn none(_profile: Option<&str>, _environment: &Environment) -> Self {
        Self::default()
    }
}
