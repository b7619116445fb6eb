//! The signature, and the only values that are ever sent to a service.
//!
//! Whatever reaches a socket of a service is a [`Signed`], and each is made of an [`Authorized`]
//! request: by a signature of the proxy's, or with that of the client, which is passed on. There is no third way. The proxy's
//! own calls of STS are `sts-client`'s, and what `signing-proxy check` sends goes through the pipeline as a client's request.

mod skew;

use std::sync::Arc;
use std::time::SystemTime;

use auth_model::{Clock, Credentials};
use http::request::Parts;
use request_body::{ContinueHost, EventStreamSigner, OutgoingBody, Progress};
use signer::{RegionSet, SignError, SignInput, Signer};
use zeroize::Zeroizing;

use crate::authorize::{Authorized, SignedByClient, Unsigned};
use crate::error::{ErrorCode, ProxyError};
use crate::plan::BodySigner;
use crate::route::SignatureVersion;

pub use skew::Offset;
pub(crate) use skew::{Evidence, Skew, evidence};

/// What a request is signed with.
#[derive(Clone, Debug)]
pub struct SigningMaterial {
    /// Whose signature it is.
    pub credentials: Arc<Credentials>,
    /// What the service's clock differs by.
    pub offset: Offset,
    /// The time of the signature: ours, corrected by the offset.
    pub time: SystemTime,
}

/// A request as it is sent: nothing of it changes any more but what belongs to the hop.
#[derive(Debug)]
pub struct Signed {
    head: Parts,
    body: OutgoingBody,
    progress: Progress,
}

impl Signed {
    /// Signs a request. `expected` is the host where it may send `100 Continue`; `clock` is there for messages that are signed
    /// later.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::HeaderUnsignable`] and others of the head, where no signature can cover it.
    pub fn by_proxy(
        unsigned: Unsigned<'_>,
        signer: &Signer,
        material: &SigningMaterial,
        clock: &Arc<dyn Clock>,
        expected: Option<ContinueHost>,
    ) -> Result<Self, ProxyError> {
        let request = unsigned.request();
        let mut head = request.request().head().clone();
        let input = input(request, material);
        let body_signer = match unsigned.version() {
            SignatureVersion::V4a => {
                let headers = signer.sign_v4a(&head, &input, &RegionSet::all());
                headers.map_err(unsignable)?.apply(&mut head);
                BodySigner::None
            }
            SignatureVersion::V4 => sign_v4(&mut head, signer, &input, material.offset, clock)?,
        };
        Self::new(head, request, body_signer, expected)
    }

    /// Takes a request that is passed on with its client's own signature.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::BodyIncomplete`] where its body was sent already and cannot be sent again.
    pub fn by_client(signed: SignedByClient<'_>, expected: Option<ContinueHost>) -> Result<Self, ProxyError> {
        let request = signed.request();
        Self::new(request.request().head().clone(), request, BodySigner::None, expected)
    }

    fn new(
        head: Parts,
        request: &Authorized,
        body_signer: BodySigner,
        expected: Option<ContinueHost>,
    ) -> Result<Self, ProxyError> {
        let progress = request.body().progress();
        let body = request.body().outgoing(body_signer, expected, progress.clone())?;
        Ok(Self { head, body, progress })
    }

    /// Whether it asks the service for `100 Continue` before its body.
    pub(crate) fn expects_continue(&self) -> bool {
        self.body.expect_continue().is_some()
    }

    /// The head, the body, and by what of it an upload is distinguished from a stuck service.
    pub(crate) fn into_parts(self) -> (Parts, OutgoingBody, Progress) {
        (self.head, self.body, self.progress)
    }
}

#[cfg(test)]
impl Signed {
    /// A request that nobody has signed, for tests of what is below.
    pub(crate) fn for_test(head: Parts, body: OutgoingBody, progress: Progress) -> Self {
        Self { head, body, progress }
    }
}

/// Signs the head; returns what signs the pieces of the body, where they are signed.
fn sign_v4(
    head: &mut Parts,
    signer: &Signer,
    input: &SignInput<'_>,
    offset: Offset,
    clock: &Arc<dyn Clock>,
) -> Result<BodySigner, ProxyError> {
    let headers = signer.sign(head, input).map_err(unsignable)?;
    let signature = headers.signature().to_owned();
    let body_signer = match (headers.seed(), headers.event_seed()) {
        (None, None) => BodySigner::None,
        (Some(chunks), _) => BodySigner::Chunks(chunks),
        (None, Some(events)) => {
            let clock = Arc::clone(clock);
            BodySigner::Events(EventStreamSigner::new(events, move || offset.of_theirs(clock.now())))
        }
    };
    headers.apply(head);
    // What is about to be sent must be what was signed: signing the finished head gives the same signature.
    debug_assert_eq!(
        signer.sign(head, input).map(|again| again.signature().to_owned()),
        Ok(signature),
        "the head that is sent is not the head that was signed"
    );
    Ok(body_signer)
}

/// The canonical request that the signature of an attempt was computed over; `None` where there is none to compare.
pub(crate) fn canonical_request(
    unsigned: Unsigned<'_>,
    signer: &Signer,
    material: &SigningMaterial,
) -> Option<Zeroizing<String>> {
    match unsigned.version() {
        SignatureVersion::V4 => {
            let request = unsigned.request();
            signer
                .canonical_request(request.request().head(), &input(request, material))
                .ok()
        }
        SignatureVersion::V4a => None,
    }
}

fn input<'a>(request: &'a Authorized, material: &'a SigningMaterial) -> SignInput<'a> {
    let route = request.request().route();
    SignInput {
        scope: &route.scope,
        path_encoding: route.traits.path_encoding,
        credentials: &material.credentials,
        payload: request.body().payload(route),
        time: material.time,
    }
}

/// What the client can change is its error; anything else is ours.
fn unsignable(error: SignError) -> ProxyError {
    match &error {
        SignError::NoHost => ErrorCode::HostMissing.into(),
        SignError::RepeatedHost => ErrorCode::HostRepeated.into(),
        SignError::InvalidHost => ErrorCode::HostMalformed.into(),
        SignError::TooManyHeaders => ErrorCode::HeadersTooMany.into(),
        SignError::UnsignableHeader { name, fault } => ProxyError::new(ErrorCode::HeaderUnsignable)
            .with_hint(format!("Change or leave out the header {name}: {fault}.")),
        _ => ProxyError::new(ErrorCode::Internal).with_cause(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_can_change_is_a_bad_request_and_the_rest_is_ours() {
        for (error, code, status) in [
            (SignError::NoHost, "host-missing", 400),
            (SignError::RepeatedHost, "host-repeated", 400),
            (SignError::InvalidHost, "host-malformed", 400),
            (SignError::TooManyHeaders, "headers-too-many", 400),
            (SignError::TimeOutOfRange, "internal", 500),
            (SignError::CryptographyFailed, "internal", 500),
        ] {
            let error = unsignable(error);
            assert_eq!((error.code().name(), error.code().status().as_u16()), (code, status));
            assert!(!error.hint().is_empty());
        }
    }
}
