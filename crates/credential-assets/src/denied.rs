//! Why a file may not be read: whose it is, who this process is, and what helps. Nothing of its content.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use rustix::process::{getegid, geteuid, getgroups};

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o7777;

/// A file that the system does not let this process read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeniedFile {
    /// `None` where not even the file's owner can be seen.
    file: Option<FileOwner>,
    reader: ReadingProcess,
    /// Whether the file's group is one of this process's.
    is_of_group: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct FileOwner {
    mode: u32,
    user: u32,
    group: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct ReadingProcess {
    user: u32,
    group: u32,
}

impl DeniedFile {
    /// A file of which this is known, for this process.
    pub(crate) fn new(metadata: Option<&Metadata>) -> Self {
        let file = metadata.map(|metadata| FileOwner {
            mode: metadata.mode() & PERMISSIONS,
            user: metadata.uid(),
            group: metadata.gid(),
        });
        let reader = ReadingProcess {
            user: geteuid().as_raw(),
            group: getegid().as_raw(),
        };
        let others = getgroups().unwrap_or_default();
        let is_of_group = file
            .is_some_and(|file| file.group == reader.group || others.iter().any(|group| group.as_raw() == file.group));
        Self {
            file,
            reader,
            is_of_group,
        }
    }

    /// Whether the file's mode is not what keeps this process from it.
    fn is_allowed_by(&self, file: FileOwner) -> bool {
        let bit = if file.user == self.reader.user {
            0o400
        } else if self.is_of_group {
            0o040
        } else {
            0o004
        };
        file.mode & bit != 0
    }
}

impl fmt::Display for DeniedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReadingProcess { user, group } = self.reader;
        let Some(file) = self.file else {
            return write!(
                f,
                "user {user} of group {group}, which this process is, may not enter one of the folders above it"
            );
        };
        write!(
            f,
            "it has mode {:04o}, user {} and group {}, and this process is user {user} of group {group}: ",
            file.mode, file.user, file.group
        )?;
        if self.is_allowed_by(file) {
            f.write_str("the mode would let it, so process.landlock or a security module of the system does not")
        } else if file.user == user {
            f.write_str("let its user read it (chmod u+r)")
        } else {
            write!(
                f,
                "make it this user's (chown {user}), or let its group read it (chgrp {group}, mode 0440)"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: Option<(u32, u32, u32)>, is_of_group: bool, want: &str) {
        let denied = DeniedFile {
            file: file.map(|(mode, user, group)| FileOwner { mode, user, group }),
            reader: ReadingProcess {
                user: 65_532,
                group: 65_532,
            },
            is_of_group,
        };
        assert_eq!(denied.to_string(), want);
    }

    #[test]
    fn what_helps_is_for_the_process_that_cannot_read() {
        check(
            Some((0o600, 1000, 1000)),
            false,
            "it has mode 0600, user 1000 and group 1000, and this process is user 65532 of group 65532: make it this user's \
             (chown 65532), or let its group read it (chgrp 65532, mode 0440)",
        );
        check(
            Some((0o000, 65_532, 0)),
            false,
            "it has mode 0000, user 65532 and group 0, and this process is user 65532 of group 65532: let its user read it \
             (chmod u+r)",
        );
        check(
            None,
            false,
            "user 65532 of group 65532, which this process is, may not enter one of the folders above it",
        );
        let by_module = "the mode would let it, so process.landlock or a security module of the system does not";
        check(
            Some((0o440, 0, 7)),
            true,
            &format!(
                "it has mode 0440, user 0 and group 7, and this process is user 65532 of group 65532: {by_module}"
            ),
        );
    }
}
