//! What the process denies others about itself: its memory; what it denies itself: files that it does not need; how many
//! files it may have open, and for what; and what it reports to the service manager that started it.

mod landlock;
mod service_manager;
mod system_files;

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

pub use landlock::LandlockError;
pub(crate) use landlock::restrict;
// Until all users name the crate.
pub(crate) use resource_limits::{DescriptorLimit, Descriptors};
pub(crate) use service_manager::{ServiceManager, ServiceState};
pub(crate) use system_files::system_files;

/// The process cannot be protected.
#[derive(Debug, thiserror::Error)]
#[error("the memory of this process cannot be protected ({step})")]
pub struct HardenError {
    step: &'static str,
    #[source]
    source: Errno,
}

/// Keeps secrets in memory from others: no core is written, and other processes of the same user can neither attach nor read
/// `/proc/PID/mem` or `/proc/PID/environ`. Only who has `CAP_SYS_PTRACE` can.
///
/// # Errors
///
/// [`HardenError`] where the system does not let it.
pub fn harden() -> Result<(), HardenError> {
    let failed = |step| move |source| HardenError { step, source };
    // Alone it keeps from cores too, also from those that the kernel pipes into a program, whatever the limit is.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed("PR_SET_DUMPABLE"))?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    match setrlimit(Resource::Core, none) {
        // A filter of system calls may keep limits from being changed. The unit below deploy/ sets this one itself.
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(failed("RLIMIT_CORE")(error)),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn no_core_is_written_and_nobody_attaches() {
        harden().unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    }
}
