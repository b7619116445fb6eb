//! `file:PATH` and `file:PATH#/json/pointer`: a regular file, read each time.

mod regular;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_model::{AssetLocation, AssetOrigin, AssetScheme, AssetValue, InvalidLocation, Secret};
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::AssetError;
use crate::reading::AssetReading;
use crate::scheme::{AssetReader, Pending, ReadableScheme, SecretReader, split_pointer};
use crate::value;
use regular::{FileProblem, FileText};

pub use regular::MAX_FILE_BYTES;

const INVALID: InvalidLocation =
    InvalidLocation("file: needs a path, such as file:/run/secrets/key or file:/run/secrets/key.json#/secret");

const OPEN_TO_ALL: &str = "this file is readable by every user of the machine";

/// The scheme.
#[derive(Debug)]
pub(crate) struct FileScheme;

/// The file, and the pointer into its JSON.
fn parse(location: &AssetLocation) -> Result<(PathBuf, Option<&str>), InvalidLocation> {
    let (path, pointer) = split_pointer(location.expose()).ok_or(INVALID)?;
    if path.is_empty() || path.contains('\0') {
        return Err(INVALID);
    }
    Ok((location.resolve(path), pointer))
}

impl AssetScheme for FileScheme {
    fn name(&self) -> &'static str {
        "file"
    }

    fn example(&self) -> &'static str {
        "file:/run/secrets/key.json#/secret"
    }

    fn value(&self) -> AssetValue {
        AssetValue::Secret
    }

    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        parse(location).map(|(path, _)| AssetOrigin::File(path))
    }

    fn shown(&self, location: &AssetLocation) -> String {
        match parse(location) {
            Ok((path, None)) => format!("file:{}", path.display()),
            Ok((path, Some(pointer))) => format!("file:{}#{pointer}", path.display()),
            Err(_) => "file:".to_owned(),
        }
    }
}

impl ReadableScheme for FileScheme {
    fn reader(&self, _: &Arc<dyn Environment>) -> AssetReader {
        AssetReader::Secret(Arc::new(Files::default()))
    }
}

/// Reads files, and warns once of each that every user of the machine may read.
#[derive(Debug, Default)]
pub(crate) struct Files {
    open_to_all: Mutex<HashSet<PathBuf>>,
}

impl Files {
    /// A file's text; `asset` is how errors and the log name it.
    pub(crate) async fn text(&self, asset: &impl fmt::Display, path: &Path) -> Result<Zeroizing<String>, AssetError> {
        let owned = path.to_owned();
        let read = tokio::task::spawn_blocking(move || regular::read(&owned)).await;
        let FileText {
            text,
            readable_by_others,
        } = read
            .unwrap_or(Err(FileProblem::Io(io::ErrorKind::Interrupted)))
            .map_err(|problem| named(asset.to_string(), &problem))?;
        if readable_by_others && self.open_to_all().insert(path.to_owned()) {
            tracing::warn!(%asset, "{OPEN_TO_ALL}");
        }
        Ok(text)
    }

    fn open_to_all(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.open_to_all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretReader for Files {
    fn read<'a>(&'a self, location: &'a AssetLocation, reading: &'a mut AssetReading) -> Pending<'a, Secret> {
        Box::pin(async move {
            let (path, pointer) = parse(location)?;
            let text = match reading.get::<PathBuf, Zeroizing<String>>(&path) {
                Some(text) => text,
                None => Arc::new(self.text(location, &path).await?),
            };
            reading.insert(path, Arc::clone(&text));
            value::select(location, &text, pointer)
        })
    }

    fn forget(&self, _: &AssetLocation) {}

    fn stale_for(&self, _: &AssetLocation) -> Option<Duration> {
        None
    }

    fn warning(&self, location: &AssetLocation) -> Option<&'static str> {
        let (path, _) = parse(location).ok()?;
        self.open_to_all().contains(&path).then_some(OPEN_TO_ALL)
    }
}

fn named(asset: String, problem: &FileProblem) -> AssetError {
    match problem {
        FileProblem::Io(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => AssetError::Missing {
            asset,
            remedy: "create the file, or correct its path.",
        },
        FileProblem::Io(reason) => AssetError::Unreadable {
            asset,
            reason: *reason,
            denied: None,
        },
        FileProblem::Denied(denied) => AssetError::Unreadable {
            asset,
            reason: io::ErrorKind::PermissionDenied,
            denied: Some(*denied),
        },
        FileProblem::NotAFile => AssetError::NotAFile { asset },
        FileProblem::TooLarge => AssetError::TooLarge {
            asset,
            limit: MAX_FILE_BYTES,
        },
        FileProblem::NotUtf8 => AssetError::NotUtf8 { asset },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_begin_at_the_folder_of_the_configuration() {
        let schemes: auth_model::AssetSchemes = [&FileScheme as &dyn AssetScheme].into_iter().collect();
        let reference: auth_model::AssetReference = "file:my keys/a#/b".parse().unwrap();
        // A folder may have the sign of a pointer in its name.
        let (reference, origin) = schemes.check(reference.relative_to(Path::new("/etc#/x"))).unwrap();
        assert_eq!(origin, AssetOrigin::File("/etc#/x/my keys/a".into()));
        assert_eq!(reference.to_string(), "file:/etc#/x/my keys/a#/b");
    }

    #[test]
    fn what_is_no_path_is_invalid() {
        for text in ["", "#/a", "/a#b", "/a\0b"] {
            assert_eq!(parse(&AssetLocation::new("file", text)), Err(INVALID), "{text:?}");
        }
    }
}
