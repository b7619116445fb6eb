//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use super::key_path::KeyPath;

/// Where something was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// In the file, at this line and column, both from 1.
    File { file: PathBuf, line: usize, column: usize },
    /// In this environment variable.
    Variable(String),
    /// In this flag, with its dashes.
    Flag(&'static str),
    /// Nowhere: it is missing or built in.
    Nowhere,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{}:{line}:{column}", file.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Nowhere => f.write_str("configuration"),
        }
    }
}

/// One thing that is wrong: where it was written, the key, and what is allowed. Never the value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    origin: Origin,
    key: KeyPath,
    message: String,
}

impl Problem {
    pub(super) fn new(origin: Origin, key: KeyPath, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { origin, key, message }
    }

    pub(super) fn path(&self) -> &KeyPath {
        &self.key
    }

    /// Whether nothing is known about where it was written.
    pub(super) fn is_nowhere(&self) -> bool {
        self.origin == Origin::Nowhere
    }

    /// The order in which problems are shown.
    pub(super) fn rank(&self) -> (u8, usize, usize) {
        match &self.origin {
            Origin::File { line, column, .. } => (0, *line, *column),
            Origin::Variable(_) => (1, 0, 0),
            Origin::Flag(_) => (2, 0, 0),
            Origin::Nowhere => (3, 0, 0),
        }
    }

    /// The dotted path of the key, such as `connections.reports.region`; empty for the file as a whole.
    #[must_use]
    pub fn key(&self) -> String {
        self.key.to_string()
    }

    /// Where it was written: `file:line:column`, `variable NAME`, `flag --NAME`, or `configuration` for
    /// what was written nowhere.
    #[must_use]
    pub fn place(&self) -> String {
        self.origin.to_string()
    }

    /// What is wrong and what is allowed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if self.key != KeyPath::default() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// The configuration cannot be used: every [`Problem`] that was found, one a line.
#[derive(Clone, Eq, PartialEq)]
pub struct ConfigError {
    problems: Vec<Problem>,
    files: Vec<PathBuf>,
}

impl ConfigError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            files: Vec::new(),
        }
    }

    /// Says which files the configuration consists of.
    pub(super) fn with_files(self, files: Vec<PathBuf>) -> Self {
        Self { files, ..self }
    }

    /// Every problem: those of the file by line, then variables, flags and what is missing.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The files that were read, or were to be: where one changes, the configuration may be usable.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

impl fmt::Debug for ConfigError {
    /// Without the files: what was written for a path may be a secret in the wrong place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigError")
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
