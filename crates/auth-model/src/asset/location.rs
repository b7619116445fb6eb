//! What follows a reference's scheme.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::secret::Secret;

/// A place that a scheme reads a secret from.
///
/// `Display` and `Debug` show what the scheme lets be seen. Before [`AssetSchemes::check`] that is nothing: what looks
/// like a reference may be a secret with a colon in it.
///
/// [`AssetSchemes::check`]: super::AssetSchemes::check
#[derive(Clone)]
pub struct AssetLocation(Arc<LocationParts>);

#[derive(Clone)]
struct LocationParts {
    scheme: String,
    text: Secret,
    /// Where relative paths begin; `None` is the working directory.
    folder: Option<PathBuf>,
    /// `None` before it is checked.
    shown: Option<String>,
}

impl AssetLocation {
    /// A location that nobody has checked yet.
    #[must_use]
    pub fn new(scheme: impl Into<String>, text: &str) -> Self {
        Self(Arc::new(LocationParts {
            scheme: scheme.into(),
            text: Secret::new(text),
            folder: None,
            shown: None,
        }))
    }

    /// The scheme, without its colon.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.0.scheme
    }

    /// What follows the colon, as it was written.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.text.expose()
    }

    /// This path of the location; a relative one begins at the folder of the file it was written in.
    #[must_use]
    pub fn resolve(&self, path: &str) -> PathBuf {
        match &self.0.folder {
            Some(folder) => folder.join(path),
            None => PathBuf::from(path),
        }
    }

    pub(super) fn relative_to(&self, folder: &Path) -> Self {
        Self(Arc::new(LocationParts {
            folder: Some(folder.to_owned()),
            ..LocationParts::clone(&self.0)
        }))
    }

    pub(super) fn shown_as(&self, shown: String) -> Self {
        Self(Arc::new(LocationParts {
            shown: Some(shown),
            ..LocationParts::clone(&self.0)
        }))
    }
}

impl PartialEq for AssetLocation {
    fn eq(&self, other: &Self) -> bool {
        // How it is shown follows from the rest.
        let (one, other) = (&self.0, &other.0);
        one.scheme == other.scheme && one.folder == other.folder && one.text == other.text
    }
}

impl Eq for AssetLocation {}

impl fmt::Display for AssetLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.shown.as_deref().unwrap_or("(unchecked reference)"))
    }
}

impl fmt::Debug for AssetLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssetLocation({self})")
    }
}
