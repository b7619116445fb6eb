//! Verifies a request: its key, token, scope, time and signed headers, and at last its signature.

mod events;
mod signature;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_model::{Clock, Region};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::header::HOST;
use http::request::Parts;

use crate::claim::{Claim, Placement};
use crate::event::{KeyKind, Reason};
use crate::keys::{Key, KeyStore, Principal};
use crate::service_error::ServiceError;
use crate::timestamp;

pub(crate) use events::{EventChain, Opened, STREAMING_EVENTS};

/// What a service expects of its signatures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scheme {
    /// The service in the credential scope.
    pub(crate) signing_name: &'static str,
    pub(crate) path: PathRule,
    /// How far a request's time may be from now.
    pub(crate) skew: Duration,
}

/// How the canonical path is made from the one that arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PathRule {
    /// S3: decoded once, encoded strictly, never normalised.
    DecodedOnce,
    /// All others: normalised, then the bytes that arrived are encoded once more.
    EncodedTwice,
}

/// The payload's part of the canonical request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// The whole body: its hash is made here, and must be what `x-amz-content-sha256` says where that is sent.
    Whole(&'a [u8]),
    /// The text of `x-amz-content-sha256`; whoever reads the body compares it.
    Declared(&'a str),
}

/// What could be learnt of a request, accepted or not; for its event.
#[derive(Debug, Default)]
pub(crate) struct Sighting {
    pub(crate) principal: Option<String>,
    pub(crate) key: Option<KeyKind>,
    pub(crate) region: Option<String>,
}

/// Who sent a verified request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) key: KeyKind,
    pub(crate) region: String,
}

/// The judge of signatures.
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The regions that this sandbox is.
    pub(crate) regions: Arc<[Region]>,
}

impl Verifier {
    /// Verifies the request `head` with its `payload`; fills `sighting` as far as it comes.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order in which AWS looks.
    pub(crate) fn verify(
        &self,
        head: &Parts,
        payload: Payload<'_>,
        scheme: Scheme,
        sighting: &mut Sighting,
    ) -> Result<Caller, ServiceError> {
        let claim = Claim::read(head)?;
        sighting.region = Some(claim.credential.region.clone());
        let key = self.keys.find(&claim.credential.access_key_id).ok_or_else(|| {
            ServiceError::new(
                Reason::UnknownKey,
                "The security token included in the request is invalid.",
            )
        })?;
        sighting.principal = Some(key.principal.arn.clone());
        sighting.key = Some(key.kind());
        let now = self.clock.now();

        check_token(&claim, &key, now)?;
        self.check_scope(&claim, scheme)?;
        let signed_at = check_time(&claim, scheme.skew, now)?;
        check_signed_headers(&claim, head)?;
        check_body_hash(head, payload)?;
        signature::check(&claim, &key, head, payload, scheme, signed_at)?;
        Ok(Caller {
            key: key.kind(),
            principal: key.principal,
            region: claim.credential.region,
        })
    }

    fn check_scope(&self, claim: &Claim, scheme: Scheme) -> Result<(), ServiceError> {
        if !self
            .regions
            .iter()
            .any(|region| region.as_str() == claim.credential.region)
        {
            let expected: Vec<&str> = self.regions.iter().map(Region::as_str).collect();
            return Err(ServiceError::new(
                Reason::WrongRegion,
                format!(
                    "Credential should be scoped to a valid region: the region '{}' is wrong; expecting '{}'",
                    claim.credential.region,
                    expected.join("' or '")
                ),
            ));
        }
        if claim.credential.service != scheme.signing_name {
            return Err(ServiceError::new(
                Reason::WrongService,
                format!(
                    "Credential should be scoped to correct service: '{}'.",
                    scheme.signing_name
                ),
            ));
        }
        if claim.time.get(..8) != Some(claim.credential.date.as_str()) {
            return Err(ServiceError::new(
                Reason::WrongScope,
                format!(
                    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}'.",
                    claim.credential.date, claim.time
                ),
            ));
        }
        Ok(())
    }
}

/// A temporary key comes with exactly its own token, a long-term one with none.
fn check_token(claim: &Claim, key: &Key, now: SystemTime) -> Result<(), ServiceError> {
    let invalid = |message: &str| Err(ServiceError::new(Reason::InvalidToken, message));
    match (&claim.token, &key.session) {
        (None, None) => Ok(()),
        (None, Some(_)) | (Some(_), None) => invalid("The security token included in the request is invalid."),
        (Some(sent), Some(session)) => {
            if verify_slices_are_equal(sent.expose().as_bytes(), session.token.expose().as_bytes()).is_err() {
                return invalid("The security token included in the request is invalid.");
            }
            if now >= session.expires_at {
                return Err(ServiceError::new(
                    Reason::ExpiredToken,
                    "The security token included in the request is expired",
                ));
            }
            Ok(())
        }
    }
}

fn check_time(claim: &Claim, skew: Duration, now: SystemTime) -> Result<SystemTime, ServiceError> {
    let signed_at = timestamp::parse_basic(&claim.time).ok_or_else(|| {
        ServiceError::new(
            Reason::MalformedAuthorization,
            "X-Amz-Date must be in ISO8601 Basic Format, such as 20150830T123600Z",
        )
    })?;
    let minutes = skew.as_secs() / 60;
    if signed_at > now + skew {
        return Err(ServiceError::new(
            Reason::RequestExpired,
            format!(
                "Signature not yet current: {} is still later than {} ({} + {minutes} min.)",
                claim.time,
                timestamp::basic(now + skew),
                timestamp::basic(now)
            ),
        ));
    }
    let lifetime = match claim.placement {
        Placement::Header => skew,
        Placement::Query { expires } => expires,
    };
    if signed_at + lifetime < now {
        return Err(ServiceError::new(
            Reason::RequestExpired,
            format!(
                "Signature expired: {} is now earlier than {} ({} - {} min.)",
                claim.time,
                timestamp::basic(now - lifetime),
                timestamp::basic(now),
                lifetime.as_secs() / 60
            ),
        ));
    }
    Ok(signed_at)
}

/// `host` and every `x-amz-*` header that was sent must be signed.
fn check_signed_headers(claim: &Claim, head: &Parts) -> Result<(), ServiceError> {
    let is_signed = |name: &str| claim.signed_headers.iter().any(|signed| signed == name);
    if !is_signed(HOST.as_str()) {
        return Err(ServiceError::new(
            Reason::UnsignedHeader,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    match head
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .find(|name| name.starts_with("x-amz-") && !is_signed(name))
    {
        None => Ok(()),
        Some(name) => Err(ServiceError::new(
            Reason::UnsignedHeader,
            format!("There were headers present in the request which were not signed: {name}"),
        )),
    }
}

fn check_body_hash(head: &Parts, payload: Payload<'_>) -> Result<(), ServiceError> {
    let (Payload::Whole(body), Some(declared)) = (payload, head.headers.get("x-amz-content-sha256")) else {
        return Ok(());
    };
    let is_hash = declared.len() == 64 && declared.as_bytes().iter().all(u8::is_ascii_hexdigit);
    if is_hash && declared.as_bytes() != sha256_hex(body).as_bytes() {
        return Err(ServiceError::new(
            Reason::BodyHashMismatch,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ));
    }
    Ok(())
}

/// Lower-case hex of the SHA-256.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}
