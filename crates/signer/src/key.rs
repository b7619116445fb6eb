//! Signing keys: derived once a day per scope and secret, kept, wiped.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use auth_model::Credentials;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

use crate::hash::Signature;
use crate::scope::SigningScope;

/// How many keys are kept: one per connection and day; beyond a thousand connections deriving again is the lesser cost.
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
        Signature::of(&self.mac(string_to_sign))
    }

    /// The signature in bytes.
    pub(crate) fn mac(&self, string_to_sign: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        mac_into(&self.0, string_to_sign, &mut tag);
        tag
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
/// They are found by their [`KeyFingerprint`], a fingerprint of everything they are derived from, the secret included: a rotated
/// secret never meets its predecessor's key, and no secret is kept.
#[derive(Debug)]
pub(crate) struct KeyCache<K> {
    fingerprints: RandomState,
    keys: RwLock<KeysOfDay<K>>,
}

#[derive(Debug)]
struct KeysOfDay<K> {
    date: String,
    /// A tree: the few keys of most processes are found by a few comparisons, without hashing the fingerprint again.
    by_origin: BTreeMap<KeyFingerprint, Arc<K>>,
}

/// 128 bits of the standard library's keyed hash, whose key is drawn at random for each cache.
///
/// A cryptographic hash would cost a tenth of a whole signature. Nobody outside can aim at a collision, chance brings one
/// in 2^109 processes of a thousand keys, and it would only make signatures that AWS rejects.
pub(crate) type KeyFingerprint = [u64; 2];

impl<K> Default for KeyCache<K> {
    fn default() -> Self {
        Self {
            fingerprints: RandomState::new(),
            keys: RwLock::new(KeysOfDay {
                date: String::new(),
                by_origin: BTreeMap::new(),
            }),
        }
    }
}

impl KeyCache<SigningKey> {
    pub(crate) fn signing_key(&self, credentials: &Credentials, date: &str, scope: &SigningScope) -> Arc<SigningKey> {
        let secret = credentials.secret_access_key.expose();
        let origin = self.origin(&[
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
    /// The fingerprint of all parts; it keeps `("a", "bc")` and `("ab", "c")` apart.
    pub(crate) fn origin(&self, parts: &[&str]) -> KeyFingerprint {
        let mut state = self.fingerprints.build_hasher();
        parts.hash(&mut state);
        // The state is of 256 bits: read again, a byte later, it gives 64 more.
        let first = state.finish();
        state.write_u8(0);
        [first, state.finish()]
    }

    pub(crate) fn find(&self, origin: &KeyFingerprint) -> Option<Arc<K>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.by_origin.get(origin).cloned()
    }

    /// Keys of another day go first: nobody needs them again. Then, were there ever too many, all of them.
    ///
    /// Deriving happens outside of the lock: two threads may both do it, which costs microseconds.
    pub(crate) fn keep(&self, origin: KeyFingerprint, date: &str, key: Arc<K>) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
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

#[cfg(test)]
mod tests;
