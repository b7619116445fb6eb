//! Signatures for the chunks of a body, each over the one before it.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use crate::canonical::CredentialScope;
use crate::error::SignError;
use crate::hash::{Hex, Signature, sha256};
use crate::headers::{Line, write_lines};
use crate::key::SigningKey;
use crate::payload::EMPTY_SHA256_HEX;
use crate::sign::SigningScope;
use crate::time::AmzTime;

/// Signs the chunks of one body in their order, from the signature of its head on.
///
/// Source: Amazon S3, "Signature calculations for the authorization header: transferring a payload in multiple chunks".
#[derive(Clone)]
pub struct ChunkSigner {
    key: Arc<SigningKey>,
    /// Time and scope, a line each: the same in every string to sign.
    time_and_scope: String,
    previous: Signature,
}

impl ChunkSigner {
    pub(crate) fn new(key: Arc<SigningKey>, time: &AmzTime, scope: &SigningScope, seed: Signature) -> Self {
        let mut time_and_scope = time.date_time().to_owned();
        time_and_scope.push('\n');
        CredentialScope::version_4(time, scope).write_scope(&mut time_and_scope);
        Self {
            key,
            time_and_scope,
            previous: seed,
        }
    }

    /// The signature of the next chunk. The last chunk of a body is an empty one.
    pub fn sign_chunk(&mut self, data: &[u8]) -> Signature {
        self.sign_chunk_hash(&sha256(data))
    }

    /// As [`sign_chunk`](Self::sign_chunk), for a chunk whose SHA-256 is known.
    pub fn sign_chunk_hash(&mut self, hash: &[u8; 32]) -> Signature {
        let hash = Hex::of(hash);
        self.advance("AWS4-HMAC-SHA256-PAYLOAD", &[EMPTY_SHA256_HEX, hash.as_str()])
    }

    /// The signature of the trailer, after that of the empty chunk: `x-amz-trailer-signature`.
    ///
    /// Signed are all the headers given, sorted by name.
    ///
    /// # Errors
    ///
    /// [`SignError::UnsignableHeader`]; the chain of signatures is where it was.
    pub fn sign_trailer(&mut self, trailer: &HeaderMap) -> Result<Signature, SignError> {
        let mut lines: Vec<_> = trailer.iter().map(|(name, value)| Line::Given(name, value)).collect();
        lines.sort_by_key(Line::name);
        let mut text = String::new();
        write_lines(&mut text, &lines)?;
        let hash = Hex::of(&sha256(text.as_bytes()));
        Ok(self.advance("AWS4-HMAC-SHA256-TRAILER", &[hash.as_str()]))
    }

    fn advance(&mut self, algorithm: &str, hashes: &[&str]) -> Signature {
        let mut text = String::with_capacity(320);
        for line in [algorithm, &self.time_and_scope, self.previous.as_str()] {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&hashes.join("\n"));
        self.previous = self.key.sign(text.as_bytes());
        self.previous
    }
}

impl fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSigner").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
