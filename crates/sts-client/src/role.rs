//! `access-key-assume-role` and `managed-cross-account`: a session of a role, or of the last one of a chain.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_model::{
    AccessKeyId, AssumeRoleOptions, Credentials, ExternalId, MfaCode, MfaSerial, RoleArn, RoleChain, RoleReference,
    RoleSessionName, RunsOn, SessionDuration, TagKey,
};
use credential_assets::Assets;

use crate::cache::Obtained;
use crate::chain::Chain;
use crate::error::CredentialFailure;
use crate::own_keys::OwnKeys;
use crate::sts::{CallerIdentity, RoleRequest, Session, Sts};

/// Roles and what may assume the first of them.
#[derive(Debug)]
pub(crate) struct RoleSession {
    pub(crate) base: Base,
    pub(crate) roles: RoleChain,
    pub(crate) runs_on: RunsOn,
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) options: AssumeRoleOptions,
    /// The connection's name, or the names of all that share the session, with `+` in between.
    pub(crate) connection: String,
    pub(crate) assets: Assets,
    pub(crate) sts: Sts,
    /// What this machine has: its keys, and what it is.
    pub(crate) machine: Chain,
    /// Whose keys they were when that was last requested. An access key never moves to another user.
    pub(crate) caller: Mutex<Option<(AccessKeyId, CallerIdentity)>>,
}

/// What assumes the first role.
#[derive(Debug)]
pub(crate) enum Base {
    Assets(Box<OwnKeys>),
    Machine,
}

/// Whose account a role's name is looked for in.
pub(crate) enum Home<'a> {
    /// The account of these keys.
    Of(&'a Credentials),
    /// The account of the role before.
    Beside(&'a RoleArn),
}

impl RoleSession {
    /// Reads the keys anew, finds the roles and assumes one after the other.
    pub(crate) async fn obtain(&self) -> Result<Obtained, CredentialFailure> {
        let outcome = self.attempt().await;
        if let (Err(CredentialFailure::KeysRejected { .. }), Base::Assets(keys)) = (&outcome, &self.base) {
            // What was printed or handed out minutes ago may be rotated by now.
            keys.distrust();
        }
        outcome
    }

    /// Whether nothing may be done with the keys, nor with the session.
    pub(crate) fn is_stopped(&self) -> bool {
        match &self.base {
            Base::Assets(keys) => keys.is_stopped(),
            Base::Machine => false,
        }
    }

    /// For how long the keys have not been confirmed, where what keeps them fails.
    pub(crate) fn stale_for(&self) -> Option<Duration> {
        match &self.base {
            Base::Assets(keys) => keys.stale_for(),
            Base::Machine => None,
        }
    }

    async fn attempt(&self) -> Result<Obtained, CredentialFailure> {
        let base = self.base().await?;
        let assumed = self.assumed();
        let mut obtained = base;
        let mut before: Option<RoleArn> = None;
        for (index, role) in assumed.iter().enumerate() {
            let home = before.as_ref().map_or(Home::Of(&obtained.credentials), Home::Beside);
            let role = self.find(role, home).await?;
            let is_last = index + 1 == assumed.len();
            let external_id = self.external_id.as_ref();
            let session = self
                .assume(&obtained.credentials, &role, index == 0, is_last, external_id)
                .await?;
            obtained = Obtained {
                credentials: session.credentials,
                refresh_after: None,
                session_space_percent: session.space_percent,
            };
            before = Some(role);
        }
        Ok(obtained)
    }

    /// The roles that are assumed: the instance's own session is that of the first role already.
    pub(crate) fn assumed(&self) -> Vec<&RoleReference> {
        match (&self.base, self.runs_on) {
            (Base::Machine, RunsOn::InstanceOfRole) => self.roles.rest().iter().collect(),
            (Base::Assets(_) | Base::Machine, _) => self.roles.iter().collect(),
        }
    }

    pub(crate) async fn base(&self) -> Result<Obtained, CredentialFailure> {
        match (&self.base, self.runs_on) {
            (Base::Assets(keys), runs_on) => {
                if runs_on == RunsOn::InstanceOfRole {
                    self.machine.check_instance(self.roles.first()).await?;
                }
                Ok(Obtained {
                    credentials: keys.read().await?,
                    refresh_after: None,
                    session_space_percent: None,
                })
            }
            (Base::Machine, RunsOn::Anywhere) => self.machine.obtain().await,
            (Base::Machine, RunsOn::InstanceOfRole) => self.machine.obtain_of_instance(self.roles.first()).await,
        }
    }

    /// One step. What policies may ask of the way that led here is said at the first, and holds from there on by
    /// itself; what the credentials are for is said at the last.
    pub(crate) async fn assume(
        &self,
        keys: &Credentials,
        role: &RoleArn,
        is_first: bool,
        is_last: bool,
        external_id: Option<&ExternalId>,
    ) -> Result<Session, CredentialFailure> {
        let options = &self.options;
        let requested = options.duration.unwrap_or(SessionDuration::DEFAULT);
        let belongs_here = |key: &TagKey| {
            if options.tags.is_transitive(key) {
                is_first
            } else {
                is_last
            }
        };
        let default_name = self.default_session_name();
        let request = RoleRequest {
            role,
            session_name: options.session_name.as_ref().unwrap_or(&default_name),
            // The sessions in between are used once, right away.
            duration: if is_last { requested } else { SessionDuration::SHORTEST },
            external_id: external_id.filter(|_| is_last),
            policy: options.policy.as_ref().filter(|_| is_last),
            policy_arns: if is_last { options.policy_arns.as_slice() } else { &[] },
            tags: options.tags.iter().filter(|(key, _)| belongs_here(key)).collect(),
            transitive: if is_first { options.tags.transitive() } else { &[] },
            source_identity: options.source_identity.as_ref().filter(|_| is_first),
            mfa: if is_first { self.mfa().await? } else { None },
        };
        self.sts.assume_role(keys, &request).await
    }

    /// The device and the code that it shows now.
    async fn mfa(&self) -> Result<Option<(&MfaSerial, MfaCode)>, CredentialFailure> {
        let Some(mfa) = &self.options.mfa else {
            return Ok(None);
        };
        let text = self.assets.read_uncached(&mfa.code).await?;
        let code = MfaCode::parse(&text).map_err(|_| CredentialFailure::MfaCode {
            asset: self.assets.shown(&mfa.code),
        })?;
        Ok(Some((&mfa.serial, code)))
    }

    pub(crate) async fn find(&self, role: &RoleReference, home: Home<'_>) -> Result<RoleArn, CredentialFailure> {
        let name = match role {
            RoleReference::Arn(arn) => return Ok(arn.clone()),
            RoleReference::Name(name) => name,
        };
        match home {
            Home::Beside(role) => Ok(name.in_account(role.partition(), role.account().clone())),
            Home::Of(keys) => {
                let caller = self.caller_of(keys).await?;
                // The partition is STS's word, not ours: right for regions that no table has yet.
                Ok(name.in_account(caller.arn.partition, caller.account))
            }
        }
    }

    async fn caller_of(&self, keys: &Credentials) -> Result<CallerIdentity, CredentialFailure> {
        if let Some((id, caller)) = &*self.known_caller()
            && *id == keys.access_key_id
        {
            return Ok(caller.clone());
        }
        let caller = self.sts.caller_identity(keys).await?;
        *self.known_caller() = Some((keys.access_key_id.clone(), caller.clone()));
        Ok(caller)
    }

    fn known_caller(&self) -> MutexGuard<'_, Option<(AccessKeyId, CallerIdentity)>> {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What CloudTrail shows where the operator chose nothing.
    fn default_session_name(&self) -> RoleSessionName {
        RoleSessionName::sanitised(&format!("signing-proxy-{}", self.connection))
    }
}
