//! Signing and sending: once; again as [`retry`](crate::retry) has it; and once more where the keys or the time were
//! rejected and there are others now.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{Credentials, SessionToken};
use http::Response;
use http::header::RETRY_AFTER;
use http::request::Parts;
use signer::{RegionSet, SignError, SignInput};
use tokio::time::sleep;

use super::cure::{Cure, Used};
use super::guard::TokenCover;
use super::inspect::inspect;
use super::payload::{BodySigner, Framed};
use super::read_ahead::ReadAhead;
use super::redaction::{Difference, Shown, first_difference};
use super::rejection::Rejection;
use super::{Lane, Pipeline, steps};
use crate::body::Sealer;
use crate::error::{ErrorCode, Notice, ProxyError};
use crate::retry::{Again, Attempts, Fault, is_safe};
use crate::route::SignatureVersion;
use crate::share::ClientKey;
use crate::upstream::{Attempt, Exchange, SendFault, ServiceBody};

/// An error answer of a few kilobytes comes at once or is none that is worth waiting for.
const READING_PATIENCE: Duration = Duration::from_secs(5);

/// A service's answer, and what we have to say of it.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) response: Response<ReadAhead<ServiceBody>>,
    pub(super) notice: Option<Notice>,
    /// What it was signed with; `None` where the client signed it.
    pub(super) used: Option<Arc<Credentials>>,
}

impl Exchanged {
    fn new(response: Response<ReadAhead<ServiceBody>>, notice: Option<Notice>, used: Option<Used>) -> Self {
        Self {
            response,
            notice,
            used: used.map(|used| used.credentials),
        }
    }
}

/// An answer, and what the request was signed with; `None` where the client signed it.
struct Sent {
    exchange: Exchange,
    used: Option<Used>,
    /// It said `Expect: 100-continue`.
    expected: bool,
}

/// What is known of a request while it is sent.
struct Course<'a> {
    /// All that were made, for the record.
    count: &'a mut u8,
    attempts: Attempts<'a>,
}

impl Pipeline {
    /// Sends the request until there is an answer that can be passed on.
    ///
    /// A rejected signature is looked into, what it was made with renewed, and the request sent once more. It
    /// had no effect, so any body that can be sent again is. The second answer passes as it is. Adds to the `count` of attempts.
    pub(super) async fn exchange(
        &self,
        lane: &Lane,
        framed: &Framed,
        client: &ClientKey,
        count: &mut u8,
    ) -> Result<Exchanged, ProxyError> {
        let host = framed.head().uri.authority().map_or("", |authority| authority.as_str());
        let course = &mut Course {
            count,
            attempts: Attempts::at(&framed.ready.route.config.retry, lane.upstream.budgets(), host, client),
        };
        let sent = self.deliver(lane, framed, course).await?;
        let received = self.clock.now();
        let (mut response, used, rejection) = self.looked_into(lane, framed, sent).await;
        let Some(used) = used else {
            return Ok(Exchanged::new(response, None, None));
        };
        let Some(rejection) = rejection else {
            lane.heard(&response, &used);
            return Ok(Exchanged::new(response, None, Some(used)));
        };
        let notice = match lane.cure(rejection, &used, response.headers(), received).await {
            Cure::Retry(reason, _) if framed.is_replayable() => {
                drop(response);
                lane.retries.add(reason);
                let sent = self.deliver(lane, framed, course).await?;
                let (response, used, _) = self.looked_into(lane, framed, sent).await;
                if let Some(used) = &used {
                    lane.heard(&response, used);
                }
                return Ok(Exchanged::new(response, None, used));
            }
            Cure::Retry(_, notice) => Some(notice),
            Cure::Pass(notice) => notice,
            Cure::HeldBack(left) => {
                let seconds = left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0));
                let headers = response.headers_mut();
                headers.entry(RETRY_AFTER).or_insert_with(|| seconds.into());
                Some(Notice::RefreshHeldBack)
            }
        };
        Ok(Exchanged::new(response, notice, Some(used)))
    }

    /// What a response says of our signature, which it then shows no more. One to a client's own signature is the client's.
    async fn looked_into(
        &self,
        lane: &Lane,
        framed: &Framed,
        sent: Sent,
    ) -> (Response<ReadAhead<ServiceBody>>, Option<Used>, Option<Rejection>) {
        let mut response = sent.exchange.map(ReadAhead::new);
        let Some(used) = sent.used else {
            return (response, None, None);
        };
        let ready = &framed.ready;
        let scope_end = format!("/{}/aws4_request", ready.route.scope.name.as_str());
        let shown = Shown {
            token: used.credentials.session_token.as_ref().map(SessionToken::expose),
            access_key_id: used.credentials.access_key_id.as_str(),
            scope_end: &scope_end,
            is_application: ready.is_for_application(),
        };
        let patience = READING_PATIENCE.min(ready.route.config.timeouts.body_idle);
        let inspected = inspect(&mut response, &framed.head().method, &shown, patience).await;
        let is_success = response.status().is_success();
        response
            .body_mut()
            .cover(TokenCover::new(&used.credentials, is_success));
        if let (Some(Rejection::Signature), Some(theirs)) = (inspected.rejection, &inspected.canonical_request) {
            self.compare(lane, framed, &used, theirs);
        }
        (response, Some(used), inspected.rejection)
    }

    /// Logs where the canonical request that the service computed differs from ours: the line and the field, no value.
    fn compare(&self, lane: &Lane, framed: &Framed, used: &Used, theirs: &str) {
        if framed.ready.signature == SignatureVersion::V4a {
            return;
        }
        let Ok(ours) = self.signer.canonical_request(framed.head(), &input(framed, used)) else {
            return;
        };
        if let Some(Difference { line, field }) = first_difference(&ours, theirs) {
            tracing::warn!(
                connection = %lane.name,
                line,
                field,
                "the service computed another canonical request than the one that was signed"
            );
        } else {
            tracing::warn!(
                connection = %lane.name,
                "the service computed the canonical request that was signed: it has another secret for the access key"
            );
        }
    }

    /// Sends the request, and again as long as the retry rule says so.
    async fn deliver(&self, lane: &Lane, framed: &Framed, course: &mut Course<'_>) -> Result<Sent, ProxyError> {
        let mut attempt = framed.first_attempt();
        loop {
            let outcome = self.attempt(lane, framed, attempt, course).await;
            let (fault, headers) = match &outcome {
                Ok(sent) => match course.attempts.fault_of(sent.exchange.status(), sent.expected) {
                    Some(fault) => (fault, Some(sent.exchange.headers())),
                    None => (Fault::Final, None),
                },
                Err(fault) => (fault.fault, None),
            };
            // What the client did to its own request is no fault of the service, and a body that is gone cannot be sent.
            let again = if framed.client_fault().is_none() && framed.is_replayable() {
                course.attempts.again(fault, headers, || is_safe(framed.repeatable()))
            } else {
                None
            };
            let Some(Again { reason, wait }) = again else {
                // The client's own fault is the better explanation of a request that broke off.
                return outcome.map_err(|fault| framed.client_fault().unwrap_or_else(|| fault.into()));
            };
            if let Err(fault) = &outcome {
                tracing::debug!(
                    connection = %lane.name,
                    reason = reason.name(),
                    wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                    error = &fault.error as &dyn std::error::Error,
                    "sending the request again"
                );
            }
            // A response that is not passed on gives its connection up before the next one is opened.
            drop(outcome);
            lane.retries.add(reason);
            sleep(wait).await;
            attempt = Attempt::OnFreshConnection;
        }
    }

    /// One attempt: signed anew, with the credentials and the time of now.
    async fn attempt(
        &self,
        lane: &Lane,
        framed: &Framed,
        attempt: Attempt,
        course: &mut Course<'_>,
    ) -> Result<Sent, SendFault> {
        let mut head = framed.head().clone();
        let (used, body_signer) = if framed.ready.is_ours_to_sign() {
            let (used, body_signer) = self.sign(lane, framed, &mut head).await.map_err(SendFault::last)?;
            (Some(used), body_signer)
        } else {
            (None, BodySigner::None)
        };
        let progress = framed.progress();
        let continues = lane.upstream.continues(&head.uri);
        let body = framed
            .body(body_signer, continues, &progress)
            .map_err(SendFault::last)?;
        let expected = body.gate().is_some();
        *course.count = course.count.saturating_add(1);
        let exchange = lane.upstream.send(head, body, &progress, attempt).await?;
        Ok(Sent {
            exchange,
            used,
            expected,
        })
    }

    /// Signs the head; gives what with, and what signs the body's pieces, where they are signed.
    async fn sign(&self, lane: &Lane, framed: &Framed, head: &mut Parts) -> Result<(Used, BodySigner), ProxyError> {
        let offset = lane.skew.offset();
        let used = Used {
            credentials: steps::credentials(&lane.credentials).await?,
            offset,
            time: offset.of_theirs(self.clock.now()),
        };
        let input = input(framed, &used);
        if framed.ready.signature == SignatureVersion::V4a {
            let signed = self.signer.sign_v4a(head, &input, &RegionSet::all());
            signed.map_err(unsignable)?.apply(head);
            return Ok((used, BodySigner::None));
        }
        let signed = self.signer.sign(head, &input).map_err(unsignable)?;
        let signature = signed.signature().to_owned();
        let body_signer = match (signed.seed(), signed.event_seed()) {
            (None, None) => BodySigner::None,
            (Some(chunks), _) => BodySigner::Chunks(chunks),
            (None, Some(events)) => {
                let (clock, offset) = (Arc::clone(&self.clock), used.offset);
                BodySigner::Events(Sealer::new(events, move || offset.of_theirs(clock.now())))
            }
        };
        signed.apply(head);
        // What is about to be sent must be what was signed: signing the finished head gives the same signature.
        debug_assert_eq!(
            self.signer.sign(head, &input).map(|again| again.signature().to_owned()),
            Ok(signature),
            "the head that is sent is not the head that was signed"
        );
        Ok((used, body_signer))
    }
}

impl Lane {
    /// Tells the source of credentials that they were taken.
    fn heard<B>(&self, response: &Response<B>, used: &Used) {
        if response.status().is_success() || response.status().is_redirection() {
            self.credentials.accepted(&used.credentials);
        }
    }
}

/// What the request is signed with.
fn input<'a>(framed: &'a Framed, used: &'a Used) -> SignInput<'a> {
    SignInput {
        scope: &framed.ready.route.scope,
        path_encoding: framed.ready.route.traits.path_encoding,
        credentials: &used.credentials,
        payload: framed.payload,
        time: used.time,
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
