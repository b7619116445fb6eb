//! Reading assets.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_model::{
    AccessKeyId, AssetReference, CommandLine, Credentials, KeyAssets, Secret, SecretAccessKey, SessionToken,
};
use zeroize::Zeroizing;

use crate::command::{self, CommandProblem, CommandSettings};
use crate::environment::Environment;
use crate::error::AssetError;
use crate::file::{self, FileProblem, FileText, MAX_FILE_BYTES};
use crate::shelf::Shelf;
use crate::value;

/// Reads credential assets. Cheap to clone; clones share what was read and what has been warned about.
///
/// Needs a tokio runtime with time and I/O when it is used, not when it is made.
#[derive(Clone, Debug)]
pub struct Assets {
    environment: Arc<dyn Environment>,
    warned: Arc<Mutex<HashSet<PathBuf>>>,
    commands: Arc<Commands>,
}

#[derive(Debug)]
struct Commands {
    timeout: Duration,
    outputs: Shelf<CommandLine, Zeroizing<String>, CommandProblem>,
}

/// What has been read for one access key: parts of the same source are of the same reading, so that they fit together
/// even while the source changes.
#[derive(Default)]
struct Round {
    files: HashMap<PathBuf, Arc<Zeroizing<String>>>,
    outputs: HashMap<CommandLine, Arc<Zeroizing<String>>>,
}

impl Assets {
    /// Reads `env:` assets from this environment and runs programs by the default settings.
    #[must_use]
    pub fn new(environment: impl Environment) -> Self {
        Self {
            environment: Arc::new(environment),
            warned: Arc::default(),
            commands: Commands::new(CommandSettings::default()),
        }
    }

    /// Runs the programs of `exec:` assets by these settings.
    #[must_use]
    pub fn with_commands(mut self, settings: CommandSettings) -> Self {
        self.commands = Commands::new(settings);
        self
    }

    /// Reads one asset. Files and variables are read now; see the crate's page for what is cached.
    ///
    /// # Errors
    ///
    /// [`AssetError`] where there is no such text; it names the asset and shows nothing of its value.
    pub async fn read(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        self.read_in(&mut Round::default(), asset).await
    }

    /// Reads one asset from where it is kept, past what is cached: for what is good once.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn read_anew(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        self.forget(asset);
        self.read(asset).await
    }

    /// Has the assets of this key read anew the next time: AWS refused what they gave.
    pub fn invalidate(&self, keys: &KeyAssets) {
        for asset in parts(keys) {
            self.forget(asset);
        }
    }

    fn forget(&self, asset: &AssetReference) {
        if let AssetReference::Exec { command, .. } = asset {
            self.commands.outputs.forget(command);
        }
    }

    async fn read_in(&self, round: &mut Round, asset: &AssetReference) -> Result<Secret, AssetError> {
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
                    None => self.commands.output(asset, command).await?,
                };
                round.outputs.insert(command.clone(), Arc::clone(&text));
                value::select(asset, &text, pointer.as_deref())
            }
            _ => Err(AssetError::Unsupported {
                asset: asset.to_string(),
            }),
        }
    }

    /// Reads the parts of an access key and checks them. The set has no expiry.
    ///
    /// # Errors
    ///
    /// [`AssetError`] of the first part that cannot be read or used.
    pub async fn keys(&self, keys: &KeyAssets) -> Result<Credentials, AssetError> {
        let round = &mut Round::default();
        let id = self.read_in(round, &keys.access_key_id).await?;
        let id = AccessKeyId::parse(id.expose()).map_err(|source| AssetError::AccessKeyId {
            asset: keys.access_key_id.to_string(),
            source,
        })?;
        let secret = self.read_in(round, &keys.secret_access_key).await?;
        let secret = SecretAccessKey::parse(secret).map_err(|source| AssetError::SecretAccessKey {
            asset: keys.secret_access_key.to_string(),
            source,
        })?;
        let credentials = Credentials::new(id, secret);
        let Some(asset) = &keys.session_token else {
            return Ok(credentials);
        };
        let token = self.read_in(round, asset).await?;
        let token = SessionToken::parse(token).map_err(|source| AssetError::SessionToken {
            asset: asset.to_string(),
            source,
        })?;
        Ok(credentials.with_session_token(token))
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

    fn is_first_warning(&self, path: &Path) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert(path.to_owned())
    }
}

impl Commands {
    fn new(settings: CommandSettings) -> Arc<Self> {
        Arc::new(Self {
            timeout: settings.timeout,
            outputs: Shelf::new(settings.cache),
        })
    }

    async fn output(
        &self,
        asset: &AssetReference,
        command: &CommandLine,
    ) -> Result<Arc<Zeroizing<String>>, AssetError> {
        let run = command::run(command, self.timeout);
        let output = self.outputs.get(command, run).await;
        output.map_err(|problem| AssetError::Command {
            asset: asset.to_string(),
            problem,
        })
    }
}

fn parts(keys: &KeyAssets) -> impl Iterator<Item = &AssetReference> {
    let always = [&keys.access_key_id, &keys.secret_access_key];
    always.into_iter().chain(&keys.session_token)
}

fn named(asset: &AssetReference, problem: &FileProblem) -> AssetError {
    let asset = asset.to_string();
    match problem {
        FileProblem::Io(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => AssetError::Missing { asset },
        FileProblem::Io(reason) => AssetError::Unreadable { asset, reason: *reason },
        FileProblem::NotAFile => AssetError::NotAFile { asset },
        FileProblem::TooLarge => AssetError::TooLarge {
            asset,
            limit: MAX_FILE_BYTES,
        },
        FileProblem::NotUtf8 => AssetError::NotUtf8 { asset },
    }
}

#[cfg(test)]
mod tests;
