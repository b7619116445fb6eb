//! The key/value engines, version 1 and 2.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::http::StatusCode;
use auth_model::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Fields;
use super::kv_scheme::VaultSecret;
use super::problem::VaultProblem;
use super::session::Sessions;

/// What is not escaped in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Reads secrets of key/value engines.
#[derive(Debug)]
pub(super) struct KeyValue {
    sessions: Arc<Sessions>,
    /// By path: which engine it belongs to does not change but by an operator's hand.
    engines: Mutex<HashMap<String, Engine>>,
}

/// An engine and its mount, with a slash at the end.
#[derive(Clone, Debug)]
enum Engine {
    Version1,
    Version2 { mount: String },
}

impl KeyValue {
    pub(super) fn new(sessions: Arc<Sessions>) -> Self {
        Self {
            sessions,
            engines: Mutex::default(),
        }
    }

    /// The fields of a secret.
    pub(super) async fn read(&self, secret: &VaultSecret) -> Result<Fields, VaultProblem> {
        let engine = self.engine(secret.path()).await?;
        let (path, fields_at) = match (&engine, secret.version()) {
            (Engine::Version1, None) => (encoded(secret.path()), "/data"),
            (Engine::Version1, Some(_)) => return Err(VaultProblem::NotVersioned),
            (Engine::Version2 { mount }, version) => {
                let below = secret.path().strip_prefix(mount).ok_or(VaultProblem::Missing)?;
                let query = version.map(|version| format!("?version={version}")).unwrap_or_default();
                let path = format!("{}data/{}{query}", encoded(mount), encoded(below));
                (path, "/data/data")
            }
        };
        let response = self.sessions.get(&path).await?.0.success();
        if response.is_err() {
            // The engine may have been replaced or upgraded.
            self.engines().remove(secret.path());
        }
        let mut response = response?;
        match response.json.pointer_mut(fields_at) {
            Some(Value::Object(fields)) => Ok(take(fields).into_iter().map(field).collect()),
            // A version that was deleted has only its metadata.
            Some(Value::Null) => Err(VaultProblem::Missing),
            _ => Err(response.unreadable()),
        }
    }

    /// Which engine a path belongs to: requested as `vault kv get` does, which every token that may read the path may.
    async fn engine(&self, path: &str) -> Result<Engine, VaultProblem> {
        if let Some(engine) = self.engines().get(path) {
            return Ok(engine.clone());
        }
        let (response, _) = self
            .sessions
            .get(&format!("sys/internal/ui/mounts/{}", encoded(path)))
            .await?;
        let engine = if response.status == StatusCode::NOT_FOUND {
            // A server from before there was a version 2.
            Engine::Version1
        } else {
            let response = response.success()?;
            let text = |pointer| response.json.pointer(pointer).and_then(Value::as_str);
            match (text("/data/type"), text("/data/options/version"), text("/data/path")) {
                (Some("kv"), Some("2"), Some(mount)) => Engine::Version2 {
                    mount: mount.to_owned(),
                },
                (Some("kv" | "generic" | "cubbyhole"), _, _) => Engine::Version1,
                (Some(_), _, _) => return Err(VaultProblem::NotKeyValue),
                (None, _, _) => return Err(response.unreadable()),
            }
        };
        self.engines().insert(path.to_owned(), engine.clone());
        Ok(engine)
    }

    fn engines(&self) -> MutexGuard<'_, HashMap<String, Engine>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path as it is written in a URL.
pub(super) fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PLAIN).to_string()
}

fn field((name, value): (String, Value)) -> (String, Option<Secret>) {
    match value {
        Value::String(text) => (name, Some(Secret::new(text))),
        mut other => {
            crate::value::wipe(&mut other);
            (name, None)
        }
    }
}
