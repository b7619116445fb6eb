//! Access keys: the fixed users' and those that STS has issued.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use auth_model::Secret;

use crate::event::KeyKind;
use crate::principals::{FakeRole, FakeUser, Rights, USERS};
use crate::random;

/// Sessions remembered; past it the one that expires first is forgotten.
const MAX_SESSIONS: usize = 4096;

/// Who owns an access key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Principal {
    /// ARN of the user or the role session.
    pub(crate) arn: String,
    /// 12 digits.
    pub(crate) account: &'static str,
    /// As `GetCallerIdentity` tells it.
    pub(crate) user_id: String,
    pub(crate) rights: Rights,
    /// Whether this is a role session: assuming a role from it is role chaining.
    pub(crate) is_role_session: bool,
}

impl Principal {
    fn user(user: &FakeUser) -> Self {
        Self {
            arn: user.arn.to_owned(),
            account: user.account,
            user_id: user.user_id.to_owned(),
            rights: user.rights,
            is_role_session: false,
        }
    }

    /// The session called `session` of `role`. As at AWS its ARN is without the role's path.
    pub(crate) fn role_session(role: &FakeRole, session: &str) -> Self {
        Self {
            arn: format!("arn:aws:sts::{}:assumed-role/{}/{session}", role.account, role.name),
            account: role.account,
            user_id: format!("{}:{session}", role.role_id),
            rights: role.rights,
            is_role_session: true,
        }
    }
}

/// An access key with all that verifying needs.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) secret: Secret,
    pub(crate) principal: Principal,
    pub(crate) session: Option<Session>,
}

/// What makes a key temporary.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: Secret,
    pub(crate) expires_at: SystemTime,
}

impl Key {
    pub(crate) fn kind(&self) -> KeyKind {
        if self.session.is_some() {
            KeyKind::Temporary
        } else {
            KeyKind::LongTerm
        }
    }
}

/// A temporary key as it goes to its owner.
pub(crate) struct IssuedKey {
    pub(crate) access_key_id: String,
    pub(crate) secret: Secret,
    pub(crate) token: Secret,
    pub(crate) expires_at: SystemTime,
}

/// All access keys.
#[derive(Default)]
pub(crate) struct KeyStore {
    sessions: Mutex<HashMap<String, Key>>,
}

impl KeyStore {
    pub(crate) fn find(&self, access_key_id: &str) -> Option<Key> {
        if let Some(user) = USERS.iter().find(|user| user.access_key_id == access_key_id) {
            return Some(Key {
                secret: Secret::new(user.secret_access_key),
                principal: Principal::user(user),
                session: None,
            });
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(access_key_id).cloned()
    }

    /// Issues a temporary key to `principal` that lives for `lifetime` from `now` on.
    pub(crate) fn issue(&self, principal: Principal, now: SystemTime, lifetime: Duration) -> IssuedKey {
        let issued = IssuedKey {
            access_key_id: random::unique_id("ASIA"),
            secret: Secret::new(random::secret()),
            token: Secret::new(random::token()),
            expires_at: now + lifetime,
        };
        let key = Key {
            secret: issued.secret.clone(),
            principal,
            session: Some(Session {
                token: issued.token.clone(),
                expires_at: issued.expires_at,
            }),
        };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MAX_SESSIONS {
            // Expired keys stay until then, so that they are reported as expired and not as unknown.
            let first_to_go = sessions
                .iter()
                .min_by_key(|(_, key)| key.session.as_ref().map(|session| session.expires_at))
                .map(|(id, _)| id.clone());
            if let Some(id) = first_to_go {
                sessions.remove(&id);
            }
        }
        sessions.insert(issued.access_key_id.clone(), key);
        issued
    }
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principals::REPORT_READER;

    #[test]
    fn the_store_stays_bounded_and_forgets_the_session_that_ends_first() {
        let store = KeyStore::default();
        let session = Principal::role_session(&REPORT_READER, "s");
        let issue = |seconds| store.issue(session.clone(), SystemTime::UNIX_EPOCH, Duration::from_secs(seconds));
        let first_to_end = issue(1);
        let long = issue(10_000);
        for seconds in 0..MAX_SESSIONS as u64 {
            issue(100 + seconds);
        }
        assert!(store.find(&first_to_end.access_key_id).is_none());
        assert!(store.find(&long.access_key_id).is_some());
        assert_eq!(store.sessions.lock().unwrap().len(), MAX_SESSIONS);
    }
}
