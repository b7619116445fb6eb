//! A signature's headers, ready to be put into a request.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::request::Parts;

use crate::canonical::CredentialScope;
use crate::chunk::ChunkSigner;
use crate::error::{HeaderFault, SignError};
use crate::event::EventSigner;
use crate::headers::{
    HeaderLine, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_REGION_SET, X_AMZ_S3SESSION_TOKEN, X_AMZ_SECURITY_TOKEN,
    write_names,
};

// Names of statics are not allocated when they go into a map, those of texts are.
static CONTENT_SHA256: HeaderName = HeaderName::from_static(X_AMZ_CONTENT_SHA256);
static DATE: HeaderName = HeaderName::from_static(X_AMZ_DATE);
static REGION_SET: HeaderName = HeaderName::from_static(X_AMZ_REGION_SET);
static S3SESSION_TOKEN: HeaderName = HeaderName::from_static(X_AMZ_S3SESSION_TOKEN);
static SECURITY_TOKEN: HeaderName = HeaderName::from_static(X_AMZ_SECURITY_TOKEN);

/// The signature, and what goes with it. Until it is applied the request is not signed.
#[must_use = "the request is not signed until this is applied"]
#[derive(Clone)]
pub struct SignedHeaders {
    authorization: HeaderValue,
    date: HeaderValue,
    payload_hash: HeaderValue,
    token: Option<HeaderValue>,
    region_set: Option<HeaderValue>,
    host: HeaderValue,
    seed: Option<FirstSignature>,
}

/// What the head's signature begins.
#[derive(Clone)]
pub(crate) enum FirstSignature {
    Chunks(ChunkSigner),
    Events(Box<EventSigner>),
}

/// What the headers are made of.
pub(crate) struct Pieces<'a> {
    pub(crate) scope: &'a CredentialScope<'a>,
    pub(crate) access_key_id: &'a str,
    pub(crate) lines: &'a [HeaderLine<'a>],
    pub(crate) signature: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) region_set: Option<&'a str>,
    pub(crate) host: &'a str,
}

impl SignedHeaders {
    /// The values are written over `memory`, a text that has served its purpose.
    pub(crate) fn new(pieces: &Pieces<'_>, memory: String) -> Result<Self, SignError> {
        let mut values = HeaderValues::over(memory);
        let authorization = values.add(|text| {
            text.push_str(pieces.scope.algorithm);
            text.push_str(" Credential=");
            text.push_str(pieces.access_key_id);
            text.push('/');
            pieces.scope.write_scope(text);
            text.push_str(", SignedHeaders=");
            write_names(text, pieces.lines);
            text.push_str(", Signature=");
            text.push_str(pieces.signature);
        });
        let date = values.add(|text| text.push_str(pieces.scope.time.date_time()));
        let payload_hash = values.add(|text| text.push_str(pieces.payload));
        let token = pieces.token.map(|token| values.add(|text| text.push_str(token)));
        let region_set = pieces
            .region_set
            .map(|regions| values.add(|text| text.push_str(regions)));
        let host = values.add(|text| text.push_str(pieces.host));
        let values = values.finish();
        Ok(Self {
            authorization: values.secret(&AUTHORIZATION, authorization)?,
            date: values.public(&DATE, date)?,
            payload_hash: values.public(&CONTENT_SHA256, payload_hash)?,
            token: token.map(|token| values.secret(&SECURITY_TOKEN, token)).transpose()?,
            region_set: region_set
                .map(|regions| values.public(&REGION_SET, regions))
                .transpose()?,
            host: values.public(&HOST, host)?,
            seed: None,
        })
    }

    pub(crate) fn with_seed(mut self, seed: Option<FirstSignature>) -> Self {
        self.seed = seed;
        self
    }

    /// Puts the headers into the head that was signed, in place of whatever the client sent under their names.
    ///
    /// `Host` is written as it was signed: in lower case and without a default port.
    pub fn apply(self, head: &mut Parts) {
        let headers = &mut head.headers;
        headers.remove(&S3SESSION_TOKEN);
        // Grows the map at once, where it must grow; it has a host in nearly every case. A map that is full says so below.
        let _ = headers.try_reserve(5);
        for (name, value) in [
            (&HOST, Some(self.host)),
            (&DATE, Some(self.date)),
            (&CONTENT_SHA256, Some(self.payload_hash)),
            (&SECURITY_TOKEN, self.token),
            (&REGION_SET, self.region_set),
            (&AUTHORIZATION, Some(self.authorization)),
        ] {
            // Every header of `CLIENT_AUTH` is named here: replaced by ours, or gone.
            match value {
                Some(value) => headers.insert(name, value),
                None => headers.remove(name),
            };
        }
    }

    /// The signature itself.
    #[must_use]
    pub fn signature(&self) -> &str {
        let authorization = self.authorization.to_str().unwrap_or_default();
        authorization.rsplit_once('=').map_or("", |(_, signature)| signature)
    }

    /// The host that was signed: what the request must be sent with, as `Host` or `:authority`.
    #[must_use]
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// What signs the body's chunks; only for [`Payload::StreamingSigned`](crate::Payload::StreamingSigned) and
    /// [`Payload::StreamingSignedTrailer`](crate::Payload::StreamingSignedTrailer).
    #[must_use]
    pub fn seed(&self) -> Option<ChunkSigner> {
        match &self.seed {
            Some(FirstSignature::Chunks(signer)) => Some(signer.clone()),
            Some(FirstSignature::Events(_)) | None => None,
        }
    }

    /// What signs the messages of an event stream; only for
    /// [`Payload::StreamingEvents`](crate::Payload::StreamingEvents).
    #[must_use]
    pub fn event_seed(&self) -> Option<EventSigner> {
        match &self.seed {
            Some(FirstSignature::Events(signer)) => Some((**signer).clone()),
            Some(FirstSignature::Chunks(_)) | None => None,
        }
    }
}

impl fmt::Debug for SignedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedHeaders")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// All header values of a signature in one piece of memory.
struct HeaderValues(String);

struct FinishedHeaderValues(Bytes);

type ValueRange = std::ops::Range<usize>;

impl HeaderValues {
    fn over(mut memory: String) -> Self {
        memory.clear();
        Self(memory)
    }

    fn add(&mut self, write: impl FnOnce(&mut String)) -> ValueRange {
        let start = self.0.len();
        write(&mut self.0);
        start..self.0.len()
    }

    fn finish(self) -> FinishedHeaderValues {
        FinishedHeaderValues(Bytes::from(self.0))
    }
}

impl FinishedHeaderValues {
    fn public(&self, name: &HeaderName, place: ValueRange) -> Result<HeaderValue, SignError> {
        HeaderValue::from_maybe_shared(self.0.slice(place)).map_err(|_| SignError::UnsignableHeader {
            name: name.clone(),
            fault: HeaderFault::NotAscii,
        })
    }

    /// Never indexed by HTTP/2's header compression, and hidden in `Debug`.
    fn secret(&self, name: &HeaderName, place: ValueRange) -> Result<HeaderValue, SignError> {
        let mut value = self.public(name, place)?;
        value.set_sensitive(true);
        Ok(value)
    }
}
