//! Signing keys: derived once a day per scope and secret, kept, wiped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use auth_model::Credentials;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

use crate::hash::{Hex, Signature, sha256};
use crate::sign::SigningScope;

/// How many keys are kept: one per connection and day; beyond a thousand connections deriving anew is the lesser cost.
const MAX_KEYS: usize = 1024;

/// A derived key. `Debug` shows nothing of it; aws-lc wipes the memory on drop.
pub(crate) struct SigningKey(hmac::Key);

impl SigningKey {
    /// Source: AWS Signature Version 4, "Derive a signing key": four HMACs in a row.
    fn derive(secret: &str, date: &str, scope: &SigningScope) -> Self {
        let mut first = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.as_bytes());
        let mut key = hmac::Key::new(HMAC_SHA256, &first);
        for step in [date, scope.region.as_str(), scope.name.as_str(), "aws4_request"] {
            let mut tag = Zeroizing::new([0; 32]);
            mac_into(&key, step.as_bytes(), &mut tag);
            key = hmac::Key::new(HMAC_SHA256, tag.as_slice());
        }
        Self(key)
    }

    pub(crate) fn sign(&self, string_to_sign: &[u8]) -> Signature {
        let mut tag = [0; 32];
        mac_into(&self.0, string_to_sign, &mut tag);
        Signature(Hex::of(&tag))
    }
}

#[expect(
    clippy::expect_used,
    reason = "the buffer has the length of the tag, all that can be wrong"
)]
pub(crate) fn mac_into(key: &hmac::Key, data: &[u8], tag: &mut [u8; 32]) {
    hmac::sign_to_buffer(key, data, tag).expect("32 bytes hold an HMAC-SHA256 tag");
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(<redacted>)")
    }
}

/// The keys that were derived lately.
///
/// They are found by one SHA-256 over everything they are derived from, the secret included: a rotated secret never
/// meets its predecessor's key, and no secret is kept.
#[derive(Debug)]
pub(crate) struct KeyCache<K>(RwLock<Keys<K>>);

#[derive(Debug)]
struct Keys<K> {
    date: String,
    by_origin: HashMap<[u8; 32], Arc<K>>,
}

impl<K> Default for KeyCache<K> {
    fn default() -> Self {
        Self(RwLock::new(Keys {
            date: String::new(),
            by_origin: HashMap::new(),
        }))
    }
}

impl KeyCache<SigningKey> {
    pub(crate) fn signing_key(&self, credentials: &Credentials, date: &str, scope: &SigningScope) -> Arc<SigningKey> {
        let secret = credentials.secret_access_key.expose();
        let origin = origin(&[
            credentials.access_key_id.as_str(),
            date,
            scope.region.as_str(),
            scope.name.as_str(),
            secret,
        ]);
        self.find(&origin).unwrap_or_else(|| {
            let key = Arc::new(SigningKey::derive(secret, date, scope));
            self.keep(origin, date, Arc::clone(&key));
            key
        })
    }
}

impl<K> KeyCache<K> {
    pub(crate) fn find(&self, origin: &[u8; 32]) -> Option<Arc<K>> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.by_origin.get(origin).cloned()
    }

    /// Keys of another day go first: nobody asks for them again. Then, were there ever too many, all of them.
    ///
    /// Deriving happens outside of the lock: two threads may both do it, which costs microseconds.
    pub(crate) fn keep(&self, origin: [u8; 32], date: &str, key: Arc<K>) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.date != date {
            date.clone_into(&mut keys.date);
            keys.by_origin.clear();
        }
        if keys.by_origin.len() >= MAX_KEYS {
            keys.by_origin.clear();
        }
        keys.by_origin.insert(origin, key);
    }
}

/// One fingerprint of all parts; lengths keep `("a", "bc")` and `("ab", "c")` apart.
pub(crate) fn origin(parts: &[&str]) -> [u8; 32] {
    let length = parts.iter().map(|part| part.len() + 8).sum();
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        text.extend_from_slice(&part.len().to_le_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    sha256(&text)
}

#[cfg(test)]
mod tests;
