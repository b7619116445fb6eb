//! The files that the AWS SDKs' default chain reads on this machine, for the configuration to leave them within reach.

use proxy_config::{ChainFiles, Environment};
use sts_client::{AmbientFiles, ambient_files};

/// Those of this profile, or of the whole chain.
pub(crate) fn chain_files(profile: Option<&str>, environment: &Environment) -> ChainFiles {
    let AmbientFiles {
        files,
        folders,
        runs_program_of,
    } = ambient_files(profile, |name| environment.get(name).map(str::to_owned));
    ChainFiles {
        files,
        folders,
        runs_program_of,
    }
}
