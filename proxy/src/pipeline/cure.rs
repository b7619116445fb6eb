//! What can be done about a rejected signature, so that the next one is accepted.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_model::Credentials;
use http::HeaderMap;
use sts_client::{Certainty, CredentialError, CredentialSource, CredentialState, Refresh};

use super::Lane;
use super::rejection::Rejection;
use super::skew::{Evidence, Offset, evidence};
use crate::error::Notice;
use crate::metrics::RetryReason;

/// What a request was signed with.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) credentials: Arc<Credentials>,
    pub(super) offset: Offset,
    /// The time of the signature: ours, corrected by the offset.
    pub(super) time: SystemTime,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cure {
    /// Signed anew, the request has a chance. The notice is for one that cannot be sent again.
    Retry(RetryReason, Notice),
    /// Nothing has changed: the answer passes, with this notice where the fault lies with us.
    Pass(Option<Notice>),
    /// As `Pass`: a refresh is held back for so long.
    HeldBack(Duration),
}

const NEW_KEYS: Cure = Cure::Retry(RetryReason::Credentials, Notice::CredentialsRenewed);
const NEW_TIME: Cure = Cure::Retry(RetryReason::Clock, Notice::ClockCorrected);

impl Lane {
    /// Renews what was rejected: at most one call of the source, which bounds those itself, and no waiting but for that.
    pub(super) async fn cure(&self, rejection: Rejection, used: &Used, headers: &HeaderMap, now: SystemTime) -> Cure {
        let is_about_keys = matches!(rejection, Rejection::Credentials | Rejection::PerhapsToken);
        if !is_about_keys && self.learns(used, headers, now) {
            return NEW_TIME;
        }
        let (source, set) = (&self.credentials, &used.credentials);
        match rejection {
            Rejection::Credentials | Rejection::Expired => renewed(source, set).await,
            Rejection::Time => Cure::Pass(Some(Notice::ClockNotCorrected)),
            // Another session would have a secret of the same origin: only one that somebody keeps may be out of date.
            Rejection::Signature => silently(source.reread(set).await, set),
            // Where clients send nothing but `HEAD`, no body ever says that the session has ended.
            Rejection::PerhapsToken if set.session_token.is_some() => {
                perhaps(source.refresh(set, Certainty::Likely).await, set)
            }
            Rejection::PerhapsToken => Cure::Pass(None),
            // Of a key that is missing S3 says the same, to who may not list the bucket: never a reason to say anything.
            Rejection::PerhapsTime => {
                let refresh = source.refresh(set, Certainty::Possible).await;
                silently(refresh.map(|refresh| refresh.credentials), set)
            }
        }
    }

    /// Takes the service's time over, where its answer shows that it is another one.
    fn learns(&self, used: &Used, headers: &HeaderMap, now: SystemTime) -> bool {
        let Evidence::Off(offset) = evidence(headers, now, used.offset) else {
            return false;
        };
        if self.skew.learn(offset) {
            self.told_skew.set(offset.seconds());
            tracing::warn!(
                connection = %self.name,
                skew_s = offset.seconds(),
                "the clock of this machine and that of the service differ: signing by the service's time"
            );
        }
        true
    }
}

async fn renewed(source: &CredentialSource, used: &Arc<Credentials>) -> Cure {
    match source.refresh(used, Certainty::Certain).await {
        Ok(refresh) if !Arc::ptr_eq(&refresh.credentials, used) => NEW_KEYS,
        Ok(Refresh {
            held_back_for: Some(left),
            ..
        }) if !matches!(source.state(), CredentialState::Refused { .. }) => Cure::HeldBack(left),
        // When it was last looked, the same keys were there.
        Ok(_) => Cure::Pass(Some(Notice::CredentialsRefused)),
        // The source has logged it.
        Err(_) => Cure::Pass(Some(Notice::CredentialsNotRenewed)),
    }
}

/// As [`silently`], but for a refresh that is held back.
fn perhaps(outcome: Result<Refresh, CredentialError>, used: &Arc<Credentials>) -> Cure {
    match outcome {
        Ok(Refresh {
            credentials,
            held_back_for: Some(left),
        }) if Arc::ptr_eq(&credentials, used) => Cure::HeldBack(left),
        outcome => silently(outcome.map(|refresh| refresh.credentials), used),
    }
}

/// Where the keys need not be at fault, nothing is said of them.
fn silently(outcome: Result<Arc<Credentials>, CredentialError>, used: &Arc<Credentials>) -> Cure {
    match outcome {
        Ok(set) if !Arc::ptr_eq(&set, used) => NEW_KEYS,
        Ok(_) | Err(_) => Cure::Pass(None),
    }
}
