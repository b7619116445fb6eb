//! The public type: one source per connection.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{AuthMethod, Clock, Connection, Credentials};
use credential_assets::Assets;

use crate::cache::{Cache, Certainty, Label, Refresh};
use crate::error::{CredentialError, CredentialFailure};
use crate::means::Means;
use crate::origin::Origin;
use crate::settings::StsSettings;
use crate::state::{CredentialCounters, CredentialState};
use crate::sts::{CallerIdentity, Sts};

/// The least time an attempt gets: the default chain calls several services one after the other.
const SHORTEST_ATTEMPT: Duration = Duration::from_mins(1);

/// One connection's credentials, kept fresh. Cheap to clone; clones share the set.
///
/// Needs a tokio runtime with time and I/O when it is used, not when it is made.
#[derive(Clone, Debug)]
pub struct CredentialSource(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Obtained and refreshed; STS is there for the caller's identity.
    Refreshed { cache: Cache<Origin>, sts: Box<Sts> },
    /// Given by the caller.
    Fixed(Arc<Credentials>),
}

impl CredentialSource {
    /// A source that has obtained nothing yet: the first call of [`credentials`](Self::credentials) does.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure::Settings`] where the extra roots or
    /// the proxy cannot be used, [`CredentialFailure::Contradictory`] where
    /// [`AuthMethod::check`](auth_model::AuthMethod::check) fails. Nothing is read and no request is sent here.
    pub fn new(
        connection: &Connection,
        assets: Assets,
        settings: &StsSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CredentialError> {
        Ok(Self::by(Means::checked(connection, assets, settings, clock)?))
    }

    /// A source that returns these credentials, however old they are, and never refreshes them. Sends no request.
    ///
    /// For a caller that has obtained credentials in another way: a diagnostic of one request, or a test.
    ///
    /// ```
    /// use auth_model::{Credentials, Secret, SecretAccessKey};
    /// use sts_client::CredentialSource;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let secret = SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG"))?;
    /// let source = CredentialSource::fixed(Credentials::new("AKIAIOSFODNN7EXAMPLE".parse()?, secret));
    /// assert_eq!(source.credentials().await?.access_key_id.as_str(), "AKIAIOSFODNN7EXAMPLE");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fixed(credentials: Credentials) -> Self {
        Self(Kind::Fixed(Arc::new(credentials)))
    }

    pub(crate) fn by(means: Means<'_>) -> Self {
        let (connection, clock) = (means.connection, Arc::clone(&means.clock));
        let sts = means.sts();
        let label = Label {
            connection: means.shown_as.to_owned(),
            method: connection.auth.name(),
        };
        let roles = match &connection.auth {
            AuthMethod::AccessKeyAssumeRole { roles, .. } => roles.iter().count(),
            AuthMethod::ManagedCrossAccount { .. } => 1,
            AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => 0,
        };
        // GetCallerIdentity, an AssumeRole for each role, and the assets.
        let calls = u32::try_from(roles).unwrap_or(u32::MAX).saturating_add(2);
        let attempt_deadline = SHORTEST_ATTEMPT.max(means.settings.operation_timeout.saturating_mul(calls));
        Self(Kind::Refreshed {
            cache: Cache::new(Origin::new(means, &sts), clock, label, attempt_deadline),
            sts: Box::new(sts),
        })
    }

    /// A valid set of credentials.
    ///
    /// At once while a valid set is held, even while it is being refreshed; otherwise as soon as the one
    /// attempt that all callers share is over. Dropping the future does not stop the attempt.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] where there is no valid set and the attempt failed, or the source backs off
    /// after a failure: then at once, with the time that is left in
    /// [`retry_after`](CredentialError::retry_after).
    pub async fn credentials(&self) -> Result<Arc<Credentials>, CredentialError> {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.credentials().await,
            Kind::Fixed(credentials) => Ok(Arc::clone(credentials)),
        }
    }

    /// Reports that AWS rejects a set (`ExpiredToken` and the like) and returns another.
    ///
    /// However many callers report the same set, one attempt is made; who comes later gets what it
    /// brought. The result may be `rejected` again (the same [`Arc`], where it was this source's):
    /// there is nothing newer, or the source backs off. Rejections lead to refreshes
    /// ever more rarely (5 s apart at first, 1 s for keys that are only read, 5 minutes in the end), however many
    /// are reported, until nothing is reported for five minutes.
    ///
    /// Keys that turn out to be the same are in [`CredentialState::Rejected`] from then on, until others are found or
    /// [`accepted`](Self::accepted) is called for them; that is logged once.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] where the attempt failed or the source backs off after a failure. The rejected
    /// set stays the current one as long as it is valid: the rejection may be AWS's slip.
    pub async fn refresh_rejected(&self, rejected: &Credentials) -> Result<Arc<Credentials>, CredentialError> {
        let refresh = self.refresh(rejected, Certainty::Certain).await;
        refresh.map(|refresh| refresh.credentials)
    }

    /// As [`refresh_rejected`](Self::refresh_rejected), by how certain it is that the set is at fault, and says whether a refresh is held back.
    ///
    /// What is [`Possible`](Certainty::Possible) leads to a refresh once a minute at most, and makes no other rarer. Only
    /// where it is [`Certain`](Certainty::Certain) keys that stay the same are in [`CredentialState::Rejected`] from then on.
    /// That a refresh is held back is logged once, but for what is only possible.
    ///
    /// # Errors
    ///
    /// As [`refresh_rejected`](Self::refresh_rejected).
    pub async fn refresh(&self, rejected: &Credentials, certainty: Certainty) -> Result<Refresh, CredentialError> {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.refresh(rejected, certainty).await,
            Kind::Fixed(credentials) => Ok(Refresh {
                credentials: Arc::clone(credentials),
                held_back_for: None,
            }),
        }
    }

    /// Reports that AWS finds a signature by this set wrong (`SignatureDoesNotMatch`), and returns another where
    /// the keys are read from assets and have changed there.
    ///
    /// Otherwise the result is the current set: another one is not issued, since that would be
    /// no better. As rarely as [`refresh_rejected`](Self::refresh_rejected).
    ///
    /// # Errors
    ///
    /// As [`refresh_rejected`](Self::refresh_rejected).
    pub async fn reread(&self, doubted: &Credentials) -> Result<Arc<Credentials>, CredentialError> {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.reread(doubted).await,
            Kind::Fixed(credentials) => Ok(Arc::clone(credentials)),
        }
    }

    /// Reports that AWS accepted a signature by this set. Cheap; may be called for every request.
    pub fn accepted(&self, set: &Credentials) {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.accepted(set),
            Kind::Fixed(_) => {}
        }
    }

    /// Whose credentials these are: calls STS, each time.
    ///
    /// # Errors
    ///
    /// As [`credentials`](Self::credentials), and where STS does not return an identity.
    /// [`CredentialFailure::NoSts`] for [fixed](Self::fixed) credentials.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, CredentialError> {
        let identity = match &self.0 {
            Kind::Refreshed { cache, sts } => sts.caller_identity(&*cache.credentials().await?).await,
            Kind::Fixed(_) => Err(CredentialFailure::NoSts),
        };
        identity.map_err(|failure| CredentialError::new(failure, Duration::ZERO))
    }

    /// The state of the source now. Sends no request.
    #[must_use]
    pub fn state(&self) -> CredentialState {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.state(),
            Kind::Fixed(credentials) => CredentialState::Valid {
                expires_at: credentials.expires_at,
            },
        }
    }

    /// For how long the keys that the configuration names have not been confirmed: their source cannot be
    /// reached, and their stale value is served. `None` where all is well, or where nothing is served. Sends no request.
    #[must_use]
    pub fn stale_for(&self) -> Option<Duration> {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.stale_for(),
            Kind::Fixed(_) => None,
        }
    }

    /// How much of what a session may hold the session's policies and tags take, in percent, as STS says: it rejects
    /// more than 100. `None` where there is no session, or where it has neither.
    #[must_use]
    pub fn session_space_percent(&self) -> Option<u32> {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.session_space_percent(),
            Kind::Fixed(_) => None,
        }
    }

    /// What the source has done since it was made.
    #[must_use]
    pub fn counters(&self) -> CredentialCounters {
        match &self.0 {
            Kind::Refreshed { cache, .. } => cache.counters(),
            Kind::Fixed(_) => CredentialCounters::default(),
        }
    }
}

#[cfg(test)]
mod tests;
