//! Recovery from a rejected signature: what it was made with is refreshed, so that the next one is accepted.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_model::Credentials;
use http::HeaderMap;
use sts_client::{Certainty, CredentialError, CredentialSource, CredentialState, Refresh};

use super::rejection::Rejection;
use super::runtime::ConnectionRuntime;
use crate::error::Notice;
use crate::metrics::RetryReason;
use crate::sign::{Evidence, SigningMaterial, evidence};

/// Whether a request whose signature was rejected is sent again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RetryDecision {
    /// With another signature the request has a chance. The notice is for one that cannot be sent again.
    Retry(RetryReason, Notice),
    /// Nothing has changed: the response passes, with this notice where the fault lies with us.
    Pass(Option<Notice>),
    /// As `Pass`: a refresh is held back for so long.
    HeldBack(Duration),
}

const NEW_KEYS: RetryDecision = RetryDecision::Retry(RetryReason::Credentials, Notice::CredentialsRenewed);
const NEW_TIME: RetryDecision = RetryDecision::Retry(RetryReason::Clock, Notice::ClockCorrected);

impl ConnectionRuntime {
    /// Refreshes what was rejected: at most one call of the source, which bounds those itself, and no waiting but for that.
    pub(super) async fn recover(
        &self,
        rejection: Rejection,
        used: &SigningMaterial,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> RetryDecision {
        let is_about_keys = matches!(rejection, Rejection::Credentials | Rejection::PerhapsToken);
        if !is_about_keys && self.learns(used, headers, now) {
            return NEW_TIME;
        }
        let (source, set) = (&self.credentials, &used.credentials);
        match rejection {
            Rejection::Credentials | Rejection::Expired => refreshed(source, set).await,
            Rejection::Time => RetryDecision::Pass(Some(Notice::ClockNotCorrected)),
            // Another session would have a secret of the same origin: only one that somebody keeps may be out of date.
            Rejection::Signature => silently(source.reread(set).await, set),
            // Where clients send nothing but `HEAD`, no body ever says that the session has ended.
            Rejection::PerhapsToken if set.session_token.is_some() => {
                perhaps(source.refresh(set, Certainty::Likely).await, set)
            }
            Rejection::PerhapsToken => RetryDecision::Pass(None),
            // Of a key that is missing S3 says the same, to who may not list the bucket: never a reason to say anything.
            Rejection::PerhapsTime => {
                let refresh = source.refresh(set, Certainty::Possible).await;
                silently(refresh.map(|refresh| refresh.credentials), set)
            }
        }
    }

    /// Takes the service's time over, where its response shows that it is another one.
    fn learns(&self, used: &SigningMaterial, headers: &HeaderMap, now: SystemTime) -> bool {
        let Evidence::Off(offset) = evidence(headers, now, used.offset) else {
            return false;
        };
        if self.skew.learn(offset) {
            self.skew_gauge.set(offset.seconds());
            tracing::warn!(
                connection = %self.name(),
                skew_s = offset.seconds(),
                "the clock of this machine and that of the service differ: signing by the service's time"
            );
        }
        true
    }
}

async fn refreshed(source: &CredentialSource, used: &Arc<Credentials>) -> RetryDecision {
    match source.refresh(used, Certainty::Certain).await {
        Ok(refresh) if !Arc::ptr_eq(&refresh.credentials, used) => NEW_KEYS,
        Ok(Refresh {
            held_back_for: Some(left),
            ..
        }) if !matches!(source.state(), CredentialState::Rejected { .. }) => RetryDecision::HeldBack(left),
        // When it was last looked, the same keys were there.
        Ok(_) => RetryDecision::Pass(Some(Notice::CredentialsRejected)),
        // The source has logged it.
        Err(_) => RetryDecision::Pass(Some(Notice::CredentialsNotRenewed)),
    }
}

/// As [`silently`], but for a refresh that is held back.
fn perhaps(outcome: Result<Refresh, CredentialError>, used: &Arc<Credentials>) -> RetryDecision {
    match outcome {
        Ok(Refresh {
            credentials,
            held_back_for: Some(left),
        }) if Arc::ptr_eq(&credentials, used) => RetryDecision::HeldBack(left),
        outcome => silently(outcome.map(|refresh| refresh.credentials), used),
    }
}

/// Where the keys need not be at fault, nothing is said of them.
fn silently(outcome: Result<Arc<Credentials>, CredentialError>, used: &Arc<Credentials>) -> RetryDecision {
    match outcome {
        Ok(set) if !Arc::ptr_eq(&set, used) => NEW_KEYS,
        Ok(_) | Err(_) => RetryDecision::Pass(None),
    }
}
