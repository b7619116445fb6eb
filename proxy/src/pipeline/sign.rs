//! Signing and sending, once or twice.

use http::Method;
use http::request::Parts;
use signer::{ChunkSigner, RegionSet, SignError, SignInput};

use super::{Lane, Pipeline, payload::Framed, steps};
use crate::body::Progress;
use crate::error::{ErrorCode, ProxyError};
use crate::route::SignatureVersion;
use crate::upstream::{Attempt, Exchange, SendFault};

impl Pipeline {
    /// Sends the request, and once more where a pooled connection turned out to be dead. Counts the `attempts`.
    pub(super) async fn exchange(
        &self,
        lane: &Lane,
        framed: &Framed,
        operation: Option<&str>,
        attempts: &mut u8,
    ) -> Result<Exchange, ProxyError> {
        let first = if framed.is_replayable() {
            Attempt::First
        } else {
            // Cannot be sent again, so it must not meet a pooled connection that has died.
            Attempt::OnFreshConnection
        };
        match self.attempt(lane, framed, first, attempts).await {
            Err(SendFault::StaleConnection(_)) if is_repeatable(framed, operation) => {
                let again = self.attempt(lane, framed, Attempt::OnFreshConnection, attempts).await;
                again.map_err(Into::into)
            }
            // The client's own fault is the better explanation of a request that broke off.
            Err(fault) => Err(framed.client_fault().unwrap_or_else(|| fault.into())),
            Ok(exchange) => Ok(exchange),
        }
    }

    /// One attempt: signed anew, with the credentials and the time of now.
    async fn attempt(
        &self,
        lane: &Lane,
        framed: &Framed,
        attempt: Attempt,
        attempts: &mut u8,
    ) -> Result<Exchange, SendFault> {
        let mut head = framed.head().clone();
        let chunk_signer = if framed.ready.is_ours_to_sign() {
            self.sign(lane, framed, &mut head).await.map_err(SendFault::Failed)?
        } else {
            None
        };
        let progress = Progress::new();
        let body = framed.body(chunk_signer, &progress).map_err(SendFault::Failed)?;
        *attempts = attempts.saturating_add(1);
        lane.upstream.send(head, body, &progress, attempt).await
    }

    /// Signs the head; gives what signs the body's chunks, where they are signed.
    async fn sign(&self, lane: &Lane, framed: &Framed, head: &mut Parts) -> Result<Option<ChunkSigner>, ProxyError> {
        let credentials = steps::credentials(&lane.credentials).await?;
        let input = SignInput {
            scope: &framed.ready.route.scope,
            path_encoding: framed.ready.route.traits.path_encoding,
            credentials: &credentials,
            payload: framed.payload,
            time: self.clock.now(),
        };
        if framed.ready.signature == SignatureVersion::V4a {
            let signed = self.signer.sign_v4a(head, &input, &RegionSet::all());
            signed.map_err(unsignable)?.apply(head);
            return Ok(None);
        }
        let signed = self.signer.sign(head, &input).map_err(unsignable)?;
        let signature = signed.signature().to_owned();
        let chunk_signer = signed.seed();
        signed.apply(head);
        // What is about to be sent must be what was signed: signing the finished head gives the same signature.
        debug_assert_eq!(
            self.signer.sign(head, &input).map(|again| again.signature().to_owned()),
            Ok(signature),
            "the head that is sent is not the head that was signed"
        );
        Ok(chunk_signer)
    }
}

/// Whether sending the request twice is the same as once, should the first one have arrived after all.
///
/// RFC 9110, section 9.2.2; and AWS operations that only read, whatever method they use.
fn is_repeatable(framed: &Framed, operation: Option<&str>) -> bool {
    const READING: [&str; 8] = ["BatchGet", "Describe", "Get", "Head", "List", "Query", "Scan", "Search"];
    let is_idempotent = matches!(
        framed.head().method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE
    );
    let reads = operation.is_some_and(|name| READING.iter().any(|verb| name.starts_with(verb)));
    framed.is_replayable() && (is_idempotent || reads)
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
