//! Reading assets.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use auth_model::{AccessKeyId, AssetReference, Credentials, KeyAssets, Secret, SecretAccessKey, SessionToken};
use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use crate::environment::Environment;
use crate::error::AssetError;
use crate::file::{self, FileProblem, FileText, MAX_FILE_BYTES};

/// Reads credential assets. Cheap to clone; clones share what has been warned about.
#[derive(Clone, Debug)]
pub struct Assets {
    environment: Arc<dyn Environment>,
    warned: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Assets {
    /// Reads `env:` assets from this environment.
    #[must_use]
    pub fn new(environment: impl Environment) -> Self {
        Self {
            environment: Arc::new(environment),
            warned: Arc::default(),
        }
    }

    /// Reads one asset, now: nothing is cached.
    ///
    /// # Errors
    ///
    /// [`AssetError`] where there is no such text; it names the asset and shows nothing of its value.
    pub async fn read(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        match asset {
            AssetReference::Literal(secret) => Ok(secret.clone()),
            AssetReference::Env { variable } => self.variable(asset, variable),
            AssetReference::File { path, pointer } => {
                let text = self.file(asset, path).await?;
                match pointer {
                    None => finish(asset, &text),
                    Some(pointer) => finish(asset, &at_pointer(asset, &text, pointer)?),
                }
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
        let id = self.read(&keys.access_key_id).await?;
        let id = AccessKeyId::parse(id.expose()).map_err(|source| AssetError::AccessKeyId {
            asset: keys.access_key_id.to_string(),
            source,
        })?;
        let secret = self.read(&keys.secret_access_key).await?;
        let secret = SecretAccessKey::parse(secret).map_err(|source| AssetError::SecretAccessKey {
            asset: keys.secret_access_key.to_string(),
            source,
        })?;
        let credentials = Credentials::new(id, secret);
        let Some(asset) = &keys.session_token else {
            return Ok(credentials);
        };
        let token = SessionToken::parse(self.read(asset).await?).map_err(|source| AssetError::SessionToken {
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
        finish(asset, &Zeroizing::new(text))
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

/// Takes off what editors and shells add around a secret.
fn finish(asset: &AssetReference, text: &str) -> Result<Secret, AssetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(AssetError::Empty {
            asset: asset.to_string(),
        });
    }
    Ok(Secret::new(text))
}

fn at_pointer(asset: &AssetReference, text: &str, pointer: &str) -> Result<Zeroizing<String>, AssetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // serde_json's own message may quote the text: only the place is kept.
    let mut json: Value = serde_json::from_str(text).map_err(|error| AssetError::NotJson {
        asset: asset.to_string(),
        line: error.line(),
        column: error.column(),
    })?;
    let found = match json.pointer_mut(pointer) {
        Some(Value::String(found)) => Ok(Zeroizing::new(std::mem::take(found))),
        Some(_) => Err(AssetError::NotAString {
            asset: asset.to_string(),
        }),
        None => Err(AssetError::NothingAtPointer {
            asset: asset.to_string(),
        }),
    };
    wipe(&mut json);
    found
}

/// Wipes the file's other texts too: they may be secrets of somebody else.
fn wipe(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
