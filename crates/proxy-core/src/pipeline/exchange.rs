//! Signing and sending: once; again as [`retry`](crate::retry) has it; and once more where the signature was rejected, and
//! what it was made with has changed since.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{Credentials, SessionToken};
use http::Response;
use http::header::RETRY_AFTER;
use request_body::BodyContent;
use resource_limits::ClientKey;
use tokio::time::sleep;

use super::guard::TokenCover;
use super::inspect::inspect;
use super::read_ahead::ReadAhead;
use super::recovery::RetryDecision;
use super::redaction::{Difference, Shown, first_difference};
use super::rejection::Rejection;
use super::runtime::ConnectionRuntime;
use crate::authorize::{Authorized, ToSend, Unsigned};
use crate::error::{Notice, ProxyError};
use crate::plan::FramedBody;
use crate::retry::{AttemptFailure, Attempts, Repeatable, Retry};
use crate::sign::{Signed, SigningMaterial, canonical_request};
use crate::upstream::{Attempt, Exchange, SendFailure, ServiceBody};

/// An error response of a few kilobytes comes at once or is none that is worth waiting for.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// A service's response, and what the proxy has to say about it.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) response: Response<ReadAhead<ServiceBody>>,
    pub(super) notice: Option<Notice>,
    /// The credentials it was signed with; `None` where the client signed it.
    pub(super) signed_by: Option<Arc<Credentials>>,
}

impl Exchanged {
    fn new(
        response: Response<ReadAhead<ServiceBody>>,
        notice: Option<Notice>,
        material: Option<SigningMaterial>,
    ) -> Self {
        Self {
            response,
            notice,
            signed_by: material.map(|material| material.credentials),
        }
    }
}

/// A response, and what the request was signed with; `None` where the client signed it.
struct Sent {
    exchange: Exchange,
    material: Option<SigningMaterial>,
    /// It said `Expect: 100-continue`.
    expected: bool,
}

/// What is known of a request while it is sent.
struct Course<'a> {
    /// All that were made, for the record.
    count: &'a mut u8,
    attempts: Attempts<'a>,
}

impl ConnectionRuntime {
    /// Sends the request until there is a response that can be passed on.
    ///
    /// A rejected signature is looked into, what it was made with is refreshed, and the request is sent once more. It
    /// had no effect, so any body that can be sent again is. The second response passes as it is. Adds to the `count` of
    /// attempts.
    pub(super) async fn exchange(
        &self,
        request: &Authorized,
        client: &ClientKey,
        count: &mut u8,
    ) -> Result<Exchanged, ProxyError> {
        let uri = &request.request().head().uri;
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let course = &mut Course {
            count,
            attempts: Attempts::at(&self.route.config.retry, self.upstream.budgets(), host, client),
        };
        let sent = self.deliver(request, course).await?;
        let received = self.clock.now();
        let (mut response, material, rejection) = self.looked_into(request, sent).await;
        let Some(material) = material else {
            return Ok(Exchanged::new(response, None, None));
        };
        let Some(rejection) = rejection else {
            self.accepted(&response, &material);
            return Ok(Exchanged::new(response, None, Some(material)));
        };
        let decision = self.recover(rejection, &material, response.headers(), received).await;
        let notice = match decision {
            RetryDecision::Retry(reason, _) if request.body().is_replayable() => {
                // The connection is free again before the next attempt takes one.
                drop(response);
                self.retries.add(reason);
                let sent = self.deliver(request, course).await?;
                // A second rejection passes as it is: what it was signed with was fetched a moment ago.
                let (response, material, _) = self.looked_into(request, sent).await;
                if let Some(material) = &material {
                    self.accepted(&response, material);
                }
                return Ok(Exchanged::new(response, None, material));
            }
            RetryDecision::Retry(_, notice) => Some(notice),
            RetryDecision::Pass(notice) => notice,
            RetryDecision::HeldBack(left) => {
                let seconds = left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0));
                let headers = response.headers_mut();
                headers.entry(RETRY_AFTER).or_insert_with(|| seconds.into());
                Some(Notice::RefreshHeldBack)
            }
        };
        Ok(Exchanged::new(response, notice, Some(material)))
    }

    /// What a response says of our signature, which it then shows no more. One to a client's own signature is the client's.
    async fn looked_into(
        &self,
        request: &Authorized,
        sent: Sent,
    ) -> (
        Response<ReadAhead<ServiceBody>>,
        Option<SigningMaterial>,
        Option<Rejection>,
    ) {
        let mut response = sent.exchange.map(ReadAhead::new);
        let Some(material) = sent.material else {
            return (response, None, None);
        };
        let credentials = &material.credentials;
        let scope_end = format!("/{}/aws4_request", self.route.scope.name.as_str());
        let shown = Shown {
            token: credentials.session_token.as_ref().map(SessionToken::expose),
            access_key_id: credentials.access_key_id.as_str(),
            scope_end: &scope_end,
            is_application: request.request().is_for_application(),
        };
        let timeout = ERROR_BODY_TIMEOUT.min(self.route.config.timeouts.body_idle);
        let inspected = inspect(&mut response, &request.request().head().method, &shown, timeout).await;
        let is_success = response.status().is_success();
        response.body_mut().cover(TokenCover::new(credentials, is_success));
        if let (Some(Rejection::Signature), Some(theirs)) = (inspected.rejection, &inspected.canonical_request)
            && let ToSend::Unsigned(unsigned) = request.to_send()
        {
            self.compare(unsigned, &material, theirs);
        }
        (response, Some(material), inspected.rejection)
    }

    /// Logs where the canonical request that the service computed differs from ours: the line and the field, no value.
    fn compare(&self, unsigned: Unsigned<'_>, material: &SigningMaterial, theirs: &str) {
        let Some(ours) = canonical_request(unsigned, &self.signer, material) else {
            return;
        };
        if let Some(Difference { line, field }) = first_difference(&ours, theirs) {
            tracing::warn!(
                connection = %self.name(),
                line,
                field,
                "the service computed another canonical request than the one that was signed"
            );
        } else {
            tracing::warn!(
                connection = %self.name(),
                "the service computed the canonical request that was signed: it has another secret for the access key"
            );
        }
    }

    /// Sends the request, and again as long as the retry rule says so.
    async fn deliver(&self, request: &Authorized, course: &mut Course<'_>) -> Result<Sent, ProxyError> {
        let body = request.body();
        let mut attempt = first_attempt(body);
        loop {
            let outcome = self.attempt(request, attempt, course).await;
            let (failure, headers) = match &outcome {
                Ok(sent) => match course.attempts.failure_of(sent.exchange.status(), sent.expected) {
                    Some(failure) => (failure, Some(sent.exchange.headers())),
                    None => (AttemptFailure::Final, None),
                },
                Err(failure) => (failure.failure, None),
            };
            // What the client did to its own request is not the service's failure, and a body that is gone cannot be sent.
            let retry = if body.client_fault().is_none() && body.is_replayable() {
                course.attempts.next_attempt(failure, headers, repeatable(request))
            } else {
                None
            };
            let Some(Retry { reason, backoff }) = retry else {
                // The client's own failure is the better explanation of a request that broke off.
                return outcome.map_err(|failed| body.client_fault().unwrap_or_else(|| failed.into()));
            };
            if let Err(failed) = &outcome {
                tracing::debug!(
                    connection = %self.name(),
                    reason = reason.name(),
                    backoff_ms = u64::try_from(backoff.as_millis()).unwrap_or(u64::MAX),
                    error = &failed.error as &dyn std::error::Error,
                    "sending the request again"
                );
            }
            // A response that is not passed on gives its connection up before the next one is opened.
            drop(outcome);
            self.retries.add(reason);
            sleep(backoff).await;
            attempt = Attempt::OnFreshConnection;
        }
    }

    /// One attempt. It is signed again, with the credentials and the time of now: the wait before it may have outlived both.
    async fn attempt(
        &self,
        request: &Authorized,
        attempt: Attempt,
        course: &mut Course<'_>,
    ) -> Result<Sent, SendFailure> {
        let expected = self.upstream.continues(&request.request().head().uri);
        let (signed, material) = match request.to_send() {
            ToSend::Unsigned(unsigned) => {
                let material = self.signing_material().await.map_err(SendFailure::last)?;
                let signed = Signed::by_proxy(unsigned, &self.signer, &material, &self.clock, expected);
                (signed, Some(material))
            }
            ToSend::SignedByClient(signed) => (Signed::by_client(signed, expected), None),
        };
        let signed = signed.map_err(SendFailure::last)?;
        let expected = signed.expects_continue();
        *course.count = course.count.saturating_add(1);
        let exchange = self.upstream.send(signed, attempt).await?;
        Ok(Sent {
            exchange,
            material,
            expected,
        })
    }

    async fn signing_material(&self) -> Result<SigningMaterial, ProxyError> {
        let offset = self.skew.offset();
        Ok(SigningMaterial {
            credentials: self.credentials().await?,
            offset,
            time: offset.of_theirs(self.clock.now()),
        })
    }

    /// Reports to the source of credentials that the service accepted them.
    fn accepted<B>(&self, response: &Response<B>, material: &SigningMaterial) {
        if response.status().is_success() || response.status().is_redirection() {
            self.credentials.accepted(&material.credentials);
        }
    }
}

/// Which connection a request needs at first.
fn first_attempt(body: &FramedBody) -> Attempt {
    match body {
        FramedBody::Bidirectional(_) => Attempt::OnFreshHttp2,
        FramedBody::Whole(_) | FramedBody::Stream(_) if body.is_replayable() => Attempt::First,
        // Cannot be sent again, so it must not meet a pooled connection that has died.
        FramedBody::Whole(_) | FramedBody::Stream(_) => Attempt::OnFreshConnection,
    }
}

/// What the retry rule looks at.
fn repeatable(request: &Authorized) -> Repeatable<'_> {
    let content = request.body().content();
    Repeatable {
        protocol: request.request().route().traits.protocol,
        head: request.request().head(),
        body: content.and_then(BodyContent::as_slice),
        pieces: content.and_then(BodyContent::pieces),
    }
}
