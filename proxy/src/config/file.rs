//! The TOML file: its text, and where each key stands in it.

use std::path::{Path, PathBuf};

use toml_edit::{ImDocument, Item};

use super::key_path::KeyPath;
use super::problem::{Origin, Problem};

/// A configuration beyond this is a mistake, such as a log file; it also bounds the work of reading it.
const MAX_FILE_BYTES: usize = 4 << 20;

/// A TOML file that was read and parsed.
#[derive(Debug)]
pub(super) struct TomlFile {
    name: PathBuf,
    document: ImDocument<String>,
}

impl TomlFile {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let problem = |message: String| Problem::new(Origin::Nowhere, KeyPath::default(), message);
        let bytes = std::fs::read(path)
            .map_err(|error| problem(format!("the file {} cannot be read: {error}", path.display())))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| problem(format!("the file {} is not UTF-8, as TOML must be", path.display())))?;
        Self::parse(path, &text)
    }

    /// Parses a text that stands in a file of this name.
    pub(super) fn parse(name: &Path, text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_FILE_BYTES {
            let message = format!("the file {} is larger than 4 MiB", name.display());
            return Err(Problem::new(Origin::Nowhere, KeyPath::default(), message));
        }
        let document = ImDocument::parse(text.to_owned()).map_err(|error| {
            // The error's own text quotes the line, which may hold a secret: only its message is used.
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let origin = position(name, text, error.span().map_or(0, |span| span.start));
            Problem::new(origin, KeyPath::default(), format!("not TOML: {message}"))
        })?;
        Ok(Self {
            name: name.to_owned(),
            document,
        })
    }

    /// The file's text.
    pub(super) fn text(&self) -> &str {
        self.document.raw()
    }

    /// Its name.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// The folder that relative paths in the file begin at.
    pub(super) fn folder(&self) -> &Path {
        self.name.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Where the key was written; `None` where it was not.
    pub(super) fn locate(&self, key: &KeyPath) -> Option<Origin> {
        let start = self.find(key)?;
        Some(position(&self.name, self.text(), start))
    }

    /// The names in this table, as written.
    pub(super) fn names_in(&self, table: &str) -> Vec<&str> {
        let item = self.document.as_table().get(table);
        item.and_then(Item::as_table_like)
            .map(|table| table.iter().map(|(name, _)| name).collect())
            .unwrap_or_default()
    }

    /// The offset of the key, where the file has it.
    fn find(&self, key: &KeyPath) -> Option<usize> {
        let mut item = self.document.as_item();
        let mut start = 0;
        for name in key.names() {
            let (key, child) = item.as_table_like()?.get_key_value(name)?;
            start = key.span().map_or(start, |span| span.start);
            item = child;
        }
        Some(start)
    }
}

/// The line and column of a byte.
fn position(name: &Path, text: &str, offset: usize) -> Origin {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let in_line = before.get(line_start..).unwrap_or_default();
    Origin::File {
        file: name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: in_line.chars().count() + 1,
    }
}
