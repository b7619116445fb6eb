//! How a connection obtains its credentials, one step at a time, to find the step that fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use auth_model::{Clock, Connection, Credentials, ExternalId, RoleArn, RoleReference};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use credential_assets::Assets;

use crate::error::{CredentialError, CredentialFailure};
use crate::means::Means;
use crate::origin::Origin;
use crate::role::Home;
use crate::settings::StsSettings;
use crate::sts::{CallerIdentity, Sts};
use crate::wall::KeyWall;

/// The steps by which a [`CredentialSource`](crate::CredentialSource) of the same connection obtains its credentials,
/// each by itself. Nothing is kept between two steps, nothing is logged, and nothing is tried again later.
///
/// Needs a tokio runtime with time and I/O when it is used, not when it is made.
#[derive(Debug)]
pub struct CredentialDiagnostics {
    origin: Origin,
    sts: Sts,
    skew: SkewReader,
}

/// Which External ID goes with an `AssumeRole`.
#[derive(Clone, Debug)]
pub enum ExternalIdChoice {
    /// The connection's.
    Own,
    /// None: what a trust policy that demands one has to deny.
    Omitted,
    /// Another one: what a trust policy that demands the connection's has to deny.
    Other(ExternalId),
}

/// By how much another clock differs from ours, to a second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Skew {
    /// The other one is ahead of ours.
    Ahead(Duration),
    /// The other one is behind ours.
    Behind(Duration),
}

impl Skew {
    /// What the clock that says `theirs` is, compared with ours that says `ours`.
    #[must_use]
    pub fn between(theirs: SystemTime, ours: SystemTime) -> Self {
        match theirs.duration_since(ours) {
            Ok(ahead) => Self::Ahead(ahead),
            Err(behind) => Self::Behind(behind.duration()),
        }
    }

    /// Its size, whatever its direction.
    #[must_use]
    pub fn size(self) -> Duration {
        match self {
            Self::Ahead(size) | Self::Behind(size) => size,
        }
    }
}

impl CredentialDiagnostics {
    /// The steps of this connection. Nothing is read and no request is sent here.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::new`](crate::CredentialSource::new).
    pub fn new(
        connection: &Connection,
        assets: Assets,
        settings: &StsSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CredentialError> {
        Self::behind(connection, assets, settings, clock, &KeyWall::default())
    }

    /// The same, whose keys are compared with those of all that are behind the `wall`, as long as they are kept.
    ///
    /// # Errors
    ///
    /// As [`CredentialDiagnostics::new`].
    pub fn behind(
        connection: &Connection,
        assets: Assets,
        settings: &StsSettings,
        clock: Arc<dyn Clock>,
        wall: &KeyWall,
    ) -> Result<Self, CredentialError> {
        Ok(Self::by(
            Means::checked(connection, assets, settings, clock)?.behind(wall),
        ))
    }

    pub(crate) fn by(means: Means<'_>) -> Self {
        let skew = SkewReader {
            clock: Arc::clone(&means.clock),
            last: Arc::default(),
        };
        let sts = means.sts().observed_by(skew.clone());
        let origin = Origin::new(means, &sts);
        Self { origin, sts, skew }
    }

    /// The keys that it begins with: those that are kept somewhere, what the default chain finds, or the session of
    /// the instance's own role.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure`] where there are none, or where this is not the instance that they are for.
    pub async fn base(&self) -> Result<Credentials, CredentialFailure> {
        let obtained = match &self.origin {
            Origin::Static(keys) => keys.obtain().await,
            Origin::Role(session) => session.base().await,
            Origin::Chain(chain) => chain.obtain().await,
        };
        obtained.map(|obtained| obtained.credentials)
    }

    /// Whose keys these are, as STS says.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure`] where STS does not return it.
    pub async fn caller_identity(&self, keys: &Credentials) -> Result<CallerIdentity, CredentialFailure> {
        self.sts.caller_identity(keys).await
    }

    /// The roles that are assumed, in their order. None where the keys themselves sign, or the instance's own session.
    #[must_use]
    pub fn roles(&self) -> Vec<&RoleReference> {
        match &self.origin {
            Origin::Role(session) => session.assumed(),
            Origin::Static(_) | Origin::Chain(_) => Vec::new(),
        }
    }

    /// The ARN of a role by its place in [`roles`](Self::roles): a name stands for a role in the account of the role
    /// before, that of the first in the account of `keys`.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure`] where the account has to be requested and STS does not return it.
    pub async fn role_arn(
        &self,
        place: usize,
        keys: &Credentials,
        before: Option<&RoleArn>,
    ) -> Result<RoleArn, CredentialFailure> {
        let (Origin::Role(session), Some(role)) = (&self.origin, self.roles().get(place).copied()) else {
            return Err(CredentialFailure::Internal);
        };
        session.find(role, before.map_or(Home::Of(keys), Home::Beside)).await
    }

    /// Assumes the role at this place in [`roles`](Self::roles), with all that the connection's options say.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure`] where STS rejects it or cannot be reached.
    pub async fn assume(
        &self,
        place: usize,
        keys: &Credentials,
        role: &RoleArn,
        external_id_choice: &ExternalIdChoice,
    ) -> Result<Credentials, CredentialFailure> {
        let Origin::Role(session) = &self.origin else {
            return Err(CredentialFailure::Internal);
        };
        let is_last = place + 1 == session.assumed().len();
        let external_id = match external_id_choice {
            ExternalIdChoice::Own => session.external_id.as_ref(),
            ExternalIdChoice::Omitted => None,
            ExternalIdChoice::Other(id) => Some(id),
        };
        let assumed = session.assume(keys, role, place == 0, is_last, external_id).await?;
        Ok(assumed.credentials)
    }

    /// STS's clock compared with ours, by its last response; `None` while it has not responded.
    #[must_use]
    pub fn skew(&self) -> Option<Skew> {
        *self.skew.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two connections obtain their credentials in the same way; see [`shared_sources`](crate::shared_sources).
#[must_use]
pub fn is_same_way(a: (&Connection, &StsSettings), b: (&Connection, &StsSettings)) -> bool {
    a.1 == b.1 && a.0.region == b.0.region && a.0.auth == b.0.auth
}

/// Whether two connections begin with the same keys, identified by the same STS.
#[must_use]
pub fn is_same_identity(a: (&Connection, &StsSettings), b: (&Connection, &StsSettings)) -> bool {
    a.1 == b.1 && a.0.region == b.0.region && crate::shared::are_same_beginnings(&a.0.auth, &b.0.auth)
}

/// Compares clocks by the `Date` of each response, errors included.
#[derive(Clone, Debug)]
pub(crate) struct SkewReader {
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<Option<Skew>>>,
}

impl Intercept for SkewReader {
    fn name(&self) -> &'static str {
        "SkewReader"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let theirs = date
            .and_then(|text| DateTime::from_str(text, Format::HttpDate).ok())
            .and_then(|date| SystemTime::try_from(date).ok());
        if let Some(theirs) = theirs {
            let skew = Skew::between(theirs, self.clock.now());
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(skew);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_model::{
        AssumeRoleOptions, AuthMethod, BaseKeys, ConnectionName, KeyAssets, KeyParts, ManagedIdentity, Region,
        RoleChain, RunsOn, ServiceId,
    };
    use credential_assets::FixedEnvironment;

    use super::*;
    use crate::testing::VirtualClock;
    use crate::testing::sts::{ScriptedResponse, ScriptedSts, identity, session};

    const HOUR: Duration = Duration::from_hours(1);

    fn keys() -> KeyAssets {
        KeyAssets::Parts(KeyParts {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret_access_key: "env:SECRET".parse().unwrap(),
            session_token: None,
        })
    }

    fn connection(auth: AuthMethod) -> Connection {
        Connection {
            name: ConnectionName::parse("reports").unwrap(),
            service: ServiceId::parse("s3").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            signing_name: None,
            auth,
        }
    }

    fn managed() -> AuthMethod {
        AuthMethod::ManagedCrossAccount {
            identity: ManagedIdentity {
                name: "acme".parse().unwrap(),
                organisation: "Acme".parse().unwrap(),
                keys: keys(),
            },
            role_arn: "arn:aws:iam::222233334444:role/x".parse().unwrap(),
            external_id: ExternalId::parse("the-id").unwrap(),
            options: AssumeRoleOptions::default(),
        }
    }

    fn chain(names: &[&str]) -> AuthMethod {
        AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(keys()),
            roles: RoleChain::new(names.iter().map(|name| name.parse().unwrap())).unwrap(),
            runs_on: RunsOn::Anywhere,
            options: AssumeRoleOptions::default(),
        }
    }

    fn diagnostics(auth: AuthMethod, clock: &VirtualClock, sts: &ScriptedSts) -> CredentialDiagnostics {
        with_means(&connection(auth), clock, sts, CredentialDiagnostics::by)
    }

    fn with_means<T>(connection: &Connection, clock: &VirtualClock, sts: &ScriptedSts, make: fn(Means<'_>) -> T) -> T {
        make(Means {
            wall: crate::wall::KeyWall::default(),
            connection,
            shown_as: connection.name.as_str(),
            assets: Assets::new(FixedEnvironment::from_iter([("SECRET", "s")])),
            settings: &StsSettings::default(),
            clock: Arc::new(clock.clone()),
            http: sts.http_client(),
        })
    }

    fn obliging(clock: &VirtualClock) -> ScriptedSts {
        let clock = clock.clone();
        ScriptedSts::new(move |received| match received.field("Action") {
            Some("GetCallerIdentity") => identity("123456789012", "arn:aws:iam::123456789012:user/robot"),
            _ => session("ASIA1", "secret", "token", clock.now() + HOUR),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn the_steps_of_diagnostics_are_those_of_a_source() {
        let clock = VirtualClock::new();
        let sts = obliging(&clock);
        let steps = diagnostics(chain(&["first", "second"]), &clock, &sts);
        let mut keys = steps.base().await.unwrap();
        let mut before = None;
        for place in 0..steps.roles().len() {
            let role = steps.role_arn(place, &keys, before.as_ref()).await.unwrap();
            keys = steps.assume(place, &keys, &role, &ExternalIdChoice::Own).await.unwrap();
            before = Some(role);
        }
        let step_by_step = sts.take();

        let connection = connection(chain(&["first", "second"]));
        let source = with_means(&connection, &clock, &sts, crate::CredentialSource::by);
        source.credentials().await.unwrap();
        let forms = |sent: Vec<crate::testing::sts::Received>| sent.into_iter().map(|r| r.form).collect::<Vec<_>>();
        assert_eq!(forms(step_by_step), forms(sts.take()));
    }

    #[tokio::test(start_paused = true)]
    async fn diagnostics_can_leave_the_external_id_out() {
        let clock = VirtualClock::new();
        let sts = obliging(&clock);
        let steps = diagnostics(managed(), &clock, &sts);
        let keys = steps.base().await.unwrap();
        let role = steps.role_arn(0, &keys, None).await.unwrap();
        let other = ExternalIdChoice::Other(ExternalId::parse("another").unwrap());
        for (external_id_choice, sent) in [
            (ExternalIdChoice::Own, Some("the-id")),
            (ExternalIdChoice::Omitted, None),
            (other, Some("another")),
        ] {
            steps.assume(0, &keys, &role, &external_id_choice).await.unwrap();
            assert_eq!(sts.take()[0].field("ExternalId"), sent);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stss_clock_is_compared_with_ours() {
        let clock = VirtualClock::new();
        let sts = ScriptedSts::new(|_| ScriptedResponse::Dated("Mon, 23 Nov 2026 01:00:00 GMT", 403));
        let steps = diagnostics(managed(), &clock, &sts);
        assert_eq!(steps.skew(), None);
        let keys = steps.base().await.unwrap();
        steps.caller_identity(&keys).await.unwrap_err();
        assert_eq!(steps.skew(), Some(Skew::Ahead(HOUR)));
    }

    #[test]
    fn an_identity_is_the_same_whatever_is_assumed_with_it() {
        let settings = StsSettings::default();
        let (one, other) = (connection(chain(&["a"])), connection(chain(&["b"])));
        assert!(is_same_identity((&one, &settings), (&other, &settings)));
        assert!(!is_same_way((&one, &settings), (&other, &settings)));
        let machine = connection(AuthMethod::DefaultChain { profile: None });
        assert!(!is_same_identity((&machine, &settings), (&machine, &settings)));
        assert!(is_same_way((&machine, &settings), (&machine, &settings)));
    }
}
