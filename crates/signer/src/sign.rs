//! Signing a request's head.

mod region_set;

use std::sync::Arc;
use std::time::SystemTime;

use auth_model::{Credentials, SessionToken};
use aws_endpoints::PathEncoding;
use http::header::HOST;
use http::request::Parts;
use zeroize::Zeroizing;

use crate::canonical::{CredentialScope, canonical_request};
use crate::chunk::ChunkSigner;
use crate::error::SignError;
use crate::event::EventSigner;
use crate::hash::Hex;
use crate::headers::{
    HeaderLine, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_REGION_SET, X_AMZ_SECURITY_TOKEN, is_ours, is_signed,
    signed_lines,
};
use crate::host::signed_host;
use crate::key::{KeyCache, SigningKey};
use crate::payload::{FollowUp, Payload};
use crate::scope::SigningScope;
use crate::signed::{FirstSignature, Pieces, SignedHeaders};
use crate::target;
use crate::time::AmzTime;
use crate::version_4a::SigningKey4a;

/// What a signature is made of besides the request's head.
#[derive(Clone, Copy, Debug)]
pub struct SignInput<'a> {
    /// What the signature is good for.
    pub scope: &'a SigningScope,
    /// How the service reads a path.
    pub path_encoding: PathEncoding,
    /// Whose signature it is.
    pub credentials: &'a Credentials,
    /// What the signature says about the body.
    pub payload: Payload,
    /// The time of signing. AWS takes it within 5 to 15 minutes, depending on the service.
    pub time: SystemTime,
}

/// Signs requests; keeps the derived keys of the day. Cheap to clone, and clones share their keys.
#[derive(Clone, Debug, Default)]
pub struct Signer {
    pub(crate) keys: Arc<KeyCache<SigningKey>>,
    pub(crate) keys_4a: Arc<KeyCache<SigningKey4a>>,
}

/// Where the test vectors of AWS differ from what we do. The proxy has one set of rules, [`Rules::OURS`].
pub(crate) struct Rules {
    /// Which of the request's headers are signed.
    pub(crate) signs: fn(&str) -> bool,
    /// Whether `x-amz-content-sha256` is sent.
    pub(crate) sends_payload_hash: bool,
    /// Whether the session token is signed, or added afterwards.
    pub(crate) signs_token: bool,
}

impl Rules {
    pub(crate) const OURS: Self = Self {
        signs: is_signed,
        sends_payload_hash: true,
        signs_token: true,
    };
}

/// No more than this of the client's; a head beyond it is an attack, and `HeaderMap` itself ends at 32,768.
const MAX_HEADERS: usize = 1000;

impl Signer {
    /// A signer that knows no keys yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Signs a head whose target is a [`WireTarget`](crate::WireTarget) and whose headers are
    /// [clean](crate::clean_headers). The head is not touched: [`SignedHeaders::apply`] does that.
    ///
    /// Signed are `host`, `content-type`, `content-md5` and every `x-amz-*`, the client's own authentication aside.
    /// The host is the `Host` header's, else the URI's.
    ///
    /// # Errors
    ///
    /// [`SignError`] where the head cannot be signed, or where a server could read it differently than it was signed.
    pub fn sign(&self, head: &Parts, input: &SignInput<'_>) -> Result<SignedHeaders, SignError> {
        self.sign_by(&Rules::OURS, head, input)
    }

    /// The canonical request that [`sign`](Self::sign) signs, to compare with the one that a service computed. It
    /// has the session token in it.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign).
    pub fn canonical_request(&self, head: &Parts, input: &SignInput<'_>) -> Result<Zeroizing<String>, SignError> {
        let time = AmzTime::at(input.time).ok_or(SignError::TimeOutOfRange)?;
        with_canonical_request(&Rules::OURS, head, input, time.date_time(), None, |_, request| {
            Ok(Zeroizing::new(request))
        })
    }

    pub(crate) fn sign_by(
        &self,
        rules: &Rules,
        head: &Parts,
        input: &SignInput<'_>,
    ) -> Result<SignedHeaders, SignError> {
        let time = AmzTime::at(input.time).ok_or(SignError::TimeOutOfRange)?;
        let scope = CredentialScope::version_4(&time, input.scope);
        let key = self.keys.signing_key(input.credentials, time.date(), input.scope);
        let (signed, signature) = sign_head(rules, head, input, &scope, None, |text| Ok(key.sign(text)))?;
        let chunks = || ChunkSigner::new(key, &time, input.scope, signature);
        let seed = match input.payload.follow_up() {
            FollowUp::None => None,
            FollowUp::Chunks => Some(FirstSignature::Chunks(chunks())),
            FollowUp::Events => {
                let keys = Arc::clone(&self.keys);
                let events = EventSigner::new(keys, input.credentials, time, input.scope, chunks());
                Some(FirstSignature::Events(Box::new(events)))
            }
        };
        Ok(signed.with_seed(seed))
    }
}

/// Signs a head in its headers, in whatever scope and by whatever key. Also returns the signature itself.
pub(crate) fn sign_head<S: AsRef<str>>(
    rules: &Rules,
    head: &Parts,
    input: &SignInput<'_>,
    scope: &CredentialScope<'_>,
    region_set: Option<&str>,
    sign: impl FnOnce(&[u8]) -> Result<S, SignError>,
) -> Result<(SignedHeaders, S), SignError> {
    let date_time = scope.time.date_time();
    with_canonical_request(rules, head, input, date_time, region_set, |canonical, request| {
        let to_sign = scope.string_to_sign(request);
        let signature = sign(to_sign.as_bytes())?;
        let pieces = Pieces {
            scope,
            access_key_id: input.credentials.access_key_id.as_str(),
            lines: canonical.lines,
            signature: signature.as_ref(),
            payload: canonical.payload,
            token: canonical.token,
            region_set,
            host: canonical.host,
        };
        let signed = SignedHeaders::new(&pieces, to_sign)?;
        Ok((signed, signature))
    })
}

/// What a canonical request is made of, and the signed headers after it.
struct Canonical<'a> {
    lines: &'a [HeaderLine<'a>],
    payload: &'a str,
    token: Option<&'a str>,
    host: &'a str,
}

/// Makes the canonical request of a head whose signature goes into headers, and hands it on with its pieces.
fn with_canonical_request<R>(
    rules: &Rules,
    head: &Parts,
    input: &SignInput<'_>,
    date_time: &str,
    region_set: Option<&str>,
    then: impl FnOnce(&Canonical<'_>, String) -> Result<R, SignError>,
) -> Result<R, SignError> {
    check_head(head)?;
    let host = signed_host(head)?;
    let payload = PayloadText::of(&input.payload);
    let token = input.credentials.session_token.as_ref().map(SessionToken::expose);

    let ours = [
        Some((HOST.as_str(), &*host)),
        Some((X_AMZ_DATE, date_time)),
        rules
            .sends_payload_hash
            .then_some((X_AMZ_CONTENT_SHA256, payload.as_str())),
        token
            .filter(|_| rules.signs_token)
            .map(|token| (X_AMZ_SECURITY_TOKEN, token)),
        region_set.map(|regions| (X_AMZ_REGION_SET, regions)),
    ];
    let lines = signed_lines(&head.headers, rules.signs, ours.into_iter().flatten());
    let request = canonical_request(head, input.path_encoding, &[], &lines, payload.as_str())?;
    let canonical = Canonical {
        lines: &lines,
        payload: payload.as_str(),
        token,
        host: &host,
    };
    then(&canonical, request)
}

/// What has to be right before anything is written.
pub(crate) fn check_head(head: &Parts) -> Result<(), SignError> {
    // Without those that a signature adds or takes the place of: it can be made of the finished head as well.
    let of_client = || head.headers.keys().filter(|name| !is_ours(name)).count();
    if head.headers.keys_len() > MAX_HEADERS && of_client() > MAX_HEADERS {
        return Err(SignError::TooManyHeaders);
    }
    if head.uri.query().is_some_and(target::has_signature) {
        return Err(SignError::AlreadySigned);
    }
    Ok(())
}

/// The payload's line, without allocation.
pub(crate) enum PayloadText {
    Fixed(&'static str),
    Hash(Hex),
}

impl PayloadText {
    pub(crate) fn of(payload: &Payload) -> Self {
        match payload {
            Payload::Sha256(hash) => Self::Hash(Hex::of(hash)),
            other => Self::Fixed(other.fixed_text().unwrap_or_default()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Hash(hash) => hash.as_str(),
        }
    }
}

#[cfg(test)]
mod tests;
