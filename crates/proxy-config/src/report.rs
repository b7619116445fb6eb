//! What is found while the raw configuration is read: problems, notices, and the files that it needs.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use super::chain_files::FindChainFiles;
use super::environment::Environment;
use super::file_limits::{FilePlace, LimitsInForce};
use super::key_path::KeyPath;
use super::problem::Problem;
use super::sources::Sources;

/// Where problems are noted.
pub(super) struct Report<'a> {
    pub(super) sources: &'a Sources,
    pub(super) problems: RefCell<Vec<Problem>>,
    /// What is no problem: see [`Config::notices`](super::Config::notices).
    pub(super) notices: RefCell<Vec<String>>,
    /// Files whose content is part of the configuration, besides the one that names them.
    pub(super) files: RefCell<Vec<PathBuf>>,
    pub(super) environment: &'a Environment,
    pub(super) find_chain_files: FindChainFiles,
    /// What the process is limited to that loads it.
    pub(super) limits: LimitsInForce<'a>,
    /// Whether it is or will be limited to the places that are noted.
    pub(super) limits_files: Cell<bool>,
    pub(super) places: RefCell<Vec<FilePlace>>,
}

impl Report<'_> {
    /// Notes a problem of the key.
    pub(super) fn reject(&self, key: &KeyPath, message: impl Into<String>) {
        let problem = Problem::new(self.sources.locate(key), key.clone(), message);
        self.problems.borrow_mut().push(problem);
    }

    /// Notes what is valid, and still worth a second look.
    pub(super) fn notice(&self, key: &KeyPath, message: &str) {
        self.notices.borrow_mut().push(format!("{key}: {message}"));
    }

    /// Notes that the content of this file is part of the configuration.
    pub(super) fn depends_on(&self, file: &Path) {
        self.files.borrow_mut().push(file.to_owned());
    }

    /// Whether a problem of the key, or of something below it, is known already.
    pub(super) fn knows(&self, key: &KeyPath) -> bool {
        self.problems
            .borrow()
            .iter()
            .any(|problem| problem.path().is_within(key))
    }
}
