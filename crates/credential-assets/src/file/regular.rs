//! Reads a regular file. Blocking: the caller moves it off the async threads.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::{Zeroize as _, Zeroizing};

use crate::denied::DeniedFile;

/// The most that is read of a file, in bytes: far above any key or token, far below any mistake.
pub const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What is wrong with a file, without its name.
#[derive(Debug)]
pub(super) enum FileProblem {
    Io(io::ErrorKind),
    /// The system does not let this process.
    Denied(DeniedFile),
    NotAFile,
    TooLarge,
    NotUtf8,
}

/// A file's text and whether everybody on the machine may read it too.
#[derive(Debug)]
pub(super) struct FileText {
    pub(super) text: Zeroizing<String>,
    pub(super) readable_by_others: bool,
}

/// Reads a regular file as text.
pub(super) fn read(path: &Path) -> Result<FileText, FileProblem> {
    // Looked at before opening: opening a pipe that nobody writes to would block for ever.
    let metadata = std::fs::metadata(path).map_err(|error| denied(&error, None))?;
    if !metadata.is_file() {
        return Err(FileProblem::NotAFile);
    }
    // One byte more than the limit shows that there is more, and the full capacity at once keeps
    // the vector from leaving copies of the secret behind as it grows.
    let most = MAX_FILE_BYTES + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(most).unwrap_or(usize::MAX)));
    File::open(path)
        .map_err(|error| denied(&error, Some(&metadata)))?
        .take(most)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(FileProblem::TooLarge);
    }
    let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        error.into_bytes().zeroize();
        FileProblem::NotUtf8
    })?;
    Ok(FileText {
        text: Zeroizing::new(text),
        readable_by_others: is_readable_by_others(&metadata),
    })
}

fn denied(error: &io::Error, metadata: Option<&Metadata>) -> FileProblem {
    match error.kind() {
        io::ErrorKind::PermissionDenied => FileProblem::Denied(DeniedFile::new(metadata)),
        other => FileProblem::Io(other),
    }
}

/// Group access is left alone: Kubernetes mounts secrets that way on purpose.
fn is_readable_by_others(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o004 != 0
}

impl From<io::Error> for FileProblem {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}
