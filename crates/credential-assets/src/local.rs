//! Assets that this machine keeps itself: variables, files, what programs print.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_model::{AssetReference, CommandLine, Secret, StoredSecret, VaultSecret};
use zeroize::Zeroizing;

use crate::command::{self, CommandProblem, CommandSettings};
use crate::environment::Environment;
use crate::error::AssetError;
use crate::file::{self, FileProblem, FileText, MAX_FILE_BYTES};
use crate::shelf::Shelf;
use crate::value;
use crate::vault::Fields;

/// Reads what needs nobody else. Clones share what was read and what has been warned about.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    environment: Arc<dyn Environment>,
    warned: Arc<Mutex<HashSet<PathBuf>>>,
    commands: Arc<Commands>,
}

#[derive(Debug)]
struct Commands {
    timeout: Duration,
    /// Variables that programs get besides those that all get.
    variables: Vec<String>,
    outputs: Shelf<CommandLine, Zeroizing<String>, CommandProblem>,
}

/// What has been read for one access key: parts of the same source are of the same reading, so that they fit together
/// even while the source changes.
#[derive(Default)]
pub(crate) struct Round {
    files: HashMap<PathBuf, Arc<Zeroizing<String>>>,
    outputs: HashMap<CommandLine, Arc<Zeroizing<String>>>,
    pub(crate) vault: HashMap<VaultSecret, Arc<Fields>>,
    pub(crate) stored: HashMap<StoredSecret, Arc<Secret>>,
}

impl Local {
    pub(crate) fn new(environment: impl Environment) -> Self {
        Self {
            environment: Arc::new(environment),
            warned: Arc::default(),
            commands: Commands::new(CommandSettings::default()),
        }
    }

    pub(crate) fn with_commands(self, settings: CommandSettings) -> Self {
        Self {
            commands: Commands::new(settings),
            ..self
        }
    }

    /// Has a program run anew the next time.
    pub(crate) fn forget(&self, command: &CommandLine) {
        self.commands.outputs.forget(command);
    }

    pub(crate) fn stale_for(&self, command: &CommandLine) -> Option<Duration> {
        self.commands.outputs.stale_for(command)
    }

    pub(crate) async fn read(&self, round: &mut Round, asset: &AssetReference) -> Result<Secret, AssetError> {
        match asset {
            AssetReference::Literal(secret) => Ok(secret.clone()),
            AssetReference::Env { variable } => self.variable(asset, variable),
            AssetReference::File { path, pointer } => {
                let text = match round.files.get(path) {
                    Some(text) => Arc::clone(text),
                    None => Arc::new(self.file(asset, path).await?),
                };
                round.files.insert(path.clone(), Arc::clone(&text));
                value::select(asset, &text, pointer.as_deref())
            }
            AssetReference::Exec { command, pointer } => {
                let text = match round.outputs.get(command) {
                    Some(text) => Arc::clone(text),
                    None => self.commands.output(&*self.environment, asset, command).await?,
                };
                round.outputs.insert(command.clone(), Arc::clone(&text));
                value::select(asset, &text, pointer.as_deref())
            }
            _ => Err(AssetError::Unsupported {
                asset: asset.to_string(),
            }),
        }
    }

    fn variable(&self, asset: &AssetReference, name: &str) -> Result<Secret, AssetError> {
        let value = self.environment.variable(name).ok_or_else(|| AssetError::Missing {
            asset: asset.to_string(),
        })?;
        let text = value.into_string().map_err(|_| AssetError::NotUtf8 {
            asset: asset.to_string(),
        })?;
        value::finish(asset, &Zeroizing::new(text))
    }

    async fn file(&self, asset: &AssetReference, path: &Path) -> Result<Zeroizing<String>, AssetError> {
        let owned = path.to_owned();
        let read = tokio::task::spawn_blocking(move || file::read(&owned)).await;
        let FileText {
            text,
            readable_by_others,
        } = read
            .unwrap_or(Err(FileProblem::Io(io::ErrorKind::Interrupted)))
            .map_err(|problem| named(asset, &problem))?;
        if readable_by_others && self.is_first_warning(path) {
            tracing::warn!(%asset, "this file is readable by every user of the machine");
        }
        Ok(text)
    }

    /// Whether this file has been read, and every user of the machine may.
    pub(crate) fn has_warned_of(&self, path: &Path) -> bool {
        self.warned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(path)
    }

    fn is_first_warning(&self, path: &Path) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert(path.to_owned())
    }
}

impl Commands {
    fn new(settings: CommandSettings) -> Arc<Self> {
        Arc::new(Self {
            timeout: settings.timeout,
            variables: settings.environment,
            outputs: Shelf::new(settings.cache),
        })
    }

    async fn output(
        &self,
        environment: &dyn Environment,
        asset: &AssetReference,
        command: &CommandLine,
    ) -> Result<Arc<Zeroizing<String>>, AssetError> {
        let variables = command::variables(environment, &self.variables);
        let run = command::run(command, self.timeout, variables);
        let output = self.outputs.get(command, run).await;
        output.map_err(|problem| AssetError::Command {
            asset: asset.to_string(),
            problem,
        })
    }
}

fn named(asset: &AssetReference, problem: &FileProblem) -> AssetError {
    let asset = asset.to_string();
    match problem {
        FileProblem::Io(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => AssetError::Missing { asset },
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
