//! The keys that the service knows: those of the configuration, and sessions that it issued.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::plan::Connection;

/// The long-term keys of `tests/load/soaking.py`.
pub(super) const PLAIN: &str = "AKIASOAKPLAIN0000001";
pub(super) const SOURCE: &str = "AKIASOAKSOURCE000001";
const ROTATED: [&str; 2] = ["AKIASOAKROTATED00001", "AKIASOAKROTATED00002"];

/// Sessions that ended longer ago are forgotten.
const KEPT: Duration = Duration::from_secs(600);

/// A key that can sign.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) secret: String,
    pub(super) token: Option<String>,
    /// When it ends by itself.
    pub(super) expires_at: Option<SystemTime>,
    /// Whether the service has ended it before.
    pub(super) is_revoked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    sessions: Mutex<HashMap<String, Key>>,
}

impl Keys {
    pub(super) fn find(&self, id: &str) -> Option<Key> {
        let is_long_term = id == PLAIN || id == SOURCE || ROTATED.contains(&id);
        if is_long_term {
            return Some(Key {
                secret: secret(id),
                token: None,
                expires_at: None,
                is_revoked: false,
            });
        }
        self.sessions().get(id).cloned()
    }

    /// A session of this number, and its key id.
    pub(super) fn issue(&self, number: u64, now: SystemTime, lifetime: Duration) -> (String, Key) {
        let id = format!("ASIASOAK{number:012}");
        let key = Key {
            secret: secret(&id),
            token: Some(format!("soak-token/{number}+{}=", "x".repeat(400))),
            expires_at: Some(now + lifetime),
            is_revoked: false,
        };
        let mut sessions = self.sessions();
        sessions.retain(|_, key| key.expires_at.is_none_or(|end| end + KEPT > now));
        sessions.insert(id.clone(), key.clone());
        (id, key)
    }

    #[cfg(test)]
    pub(super) fn add(&self, id: &str, key: Key) {
        self.sessions().insert(id.to_owned(), key);
    }

    /// Ends all sessions there are.
    pub(super) fn revoke(&self) {
        for key in self.sessions().values_mut() {
            key.is_revoked = true;
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Key>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether requests of the connection may be signed by this key.
pub(super) fn may_sign(connection: Connection, id: &str) -> bool {
    match connection {
        Connection::Role => id.starts_with("ASIA"),
        Connection::Rotated => ROTATED.contains(&id),
        _ => id == PLAIN,
    }
}

fn secret(id: &str) -> String {
    format!("{id}/soak+secret/0123456789")
}
