//! Signatures for the chunks of a body, each over the one before it.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use crate::canonical::CredentialScope;
use crate::error::SignError;
use crate::hash::{Hex, Signature, sha256};
use crate::headers::{HeaderLine, write_lines};
use crate::key::SigningKey;
use crate::payload::EMPTY_SHA256_HEX;
use crate::scope::SigningScope;
use crate::time::AmzTime;

/// Of chunks and of messages alike.
const PAYLOAD_ALGORITHM: &str = "AWS4-HMAC-SHA256-PAYLOAD";

/// Signs the chunks of one body in their order, from the signature of its head on.
///
/// Source: Amazon S3, "Signature calculations for the authorization header: transferring a payload in multiple chunks".
///
/// ```
/// use http::HeaderMap;
/// # use std::time::{Duration, UNIX_EPOCH};
/// # use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
/// # use aws_endpoints::PathEncoding;
/// # use signer::{Payload, SignInput, Signer, SigningScope};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let credentials = Credentials::new(
/// #     AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE")?,
/// #     SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))?,
/// # );
/// # let scope = SigningScope { region: Region::parse("us-east-1")?, name: SigningName::parse("s3")? };
/// let (head, ()) = http::Request::put("https://examplebucket.s3.amazonaws.com/key").body(())?.into_parts();
/// let input = SignInput {
///     scope: &scope,
///     path_encoding: PathEncoding::Single,
///     credentials: &credentials,
///     payload: Payload::StreamingSignedTrailer,
///     time: UNIX_EPOCH + Duration::from_secs(1_369_353_600), // 2013-05-24
/// };
/// let signed = Signer::new().sign(&head, &input)?;
/// let mut chunks = signed.seed().ok_or("the payload is signed in chunks")?;
/// for chunk in [b"the first chunk".as_slice(), b"the last one", b""] {
///     let line = format!("{:x};chunk-signature={}", chunk.len(), chunks.sign_chunk(chunk).as_str());
///     assert!(line.len() > 64);
/// }
/// let mut trailer = HeaderMap::new();
/// trailer.insert("x-amz-checksum-crc32c", "sOO8/Q==".parse()?);
/// assert_eq!(chunks.sign_trailer(&trailer)?.as_str().len(), 64);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ChunkSigner {
    key: Arc<SigningKey>,
    /// Time and scope, a line each: the same in every string to sign.
    time_and_scope: String,
    previous: Signature,
    /// Memory for the string to sign.
    text: String,
}

impl ChunkSigner {
    pub(crate) fn new(key: Arc<SigningKey>, time: &AmzTime, scope: &SigningScope, seed: Signature) -> Self {
        let mut signer = Self {
            key,
            time_and_scope: String::new(),
            previous: seed,
            text: String::new(),
        };
        signer.set_time(time, scope);
        signer
    }

    pub(crate) fn set_time(&mut self, time: &AmzTime, scope: &SigningScope) {
        let text = &mut self.time_and_scope;
        text.clear();
        text.push_str(time.date_time());
        text.push('\n');
        CredentialScope::version_4(time, scope).write_scope(text);
    }

    pub(crate) fn use_key(&mut self, key: Arc<SigningKey>) {
        self.key = key;
    }

    #[cfg(test)]
    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The signature of the next chunk. The last chunk of a body is an empty one.
    pub fn sign_chunk(&mut self, data: &[u8]) -> Signature {
        self.sign_chunk_hash(&sha256(data))
    }

    /// As [`sign_chunk`](Self::sign_chunk), for a chunk whose SHA-256 is known.
    pub fn sign_chunk_hash(&mut self, hash: &[u8; 32]) -> Signature {
        let hash = Hex::of(hash);
        self.advance(PAYLOAD_ALGORITHM, &[EMPTY_SHA256_HEX, hash.as_str()]);
        self.previous
    }

    /// The signature of the trailer, after that of the empty chunk: `x-amz-trailer-signature`.
    ///
    /// Signed are all the headers given, sorted by name.
    ///
    /// # Errors
    ///
    /// [`SignError::UnsignableHeader`]; the chain of signatures is where it was.
    pub fn sign_trailer(&mut self, trailer: &HeaderMap) -> Result<Signature, SignError> {
        let mut lines: Vec<_> = trailer
            .iter()
            .map(|(name, value)| HeaderLine::Given(name, value))
            .collect();
        lines.sort_by_key(HeaderLine::name);
        let mut text = String::new();
        write_lines(&mut text, &lines)?;
        let hash = Hex::of(&sha256(text.as_bytes()));
        self.advance("AWS4-HMAC-SHA256-TRAILER", &[hash.as_str()]);
        Ok(self.previous)
    }

    /// The signature, in bytes, of a message by the hashes of its headers and of its payload.
    pub(crate) fn sign_event(&mut self, hashes: [&str; 2]) -> [u8; 32] {
        self.advance(PAYLOAD_ALGORITHM, &hashes)
    }

    fn advance(&mut self, algorithm: &str, hashes: &[&str]) -> [u8; 32] {
        let text = &mut self.text;
        text.clear();
        text.push_str(algorithm);
        for line in [self.time_and_scope.as_str(), self.previous.as_str()]
            .iter()
            .chain(hashes)
        {
            text.push('\n');
            text.push_str(line);
        }
        let tag = self.key.mac(text.as_bytes());
        self.previous = Signature::of(&tag);
        tag
    }
}

impl fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSigner").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
