//! `access-key-assume-role` and `managed-cross-account`: a session of a role.

use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_model::{
    AccessKeyId, AssumeRoleOptions, ConnectionName, Credentials, ExternalId, KeyAssets, MfaCode, MfaSerial, RoleArn,
    RoleReference, RoleSessionName, SessionDuration,
};
use credential_assets::Assets;

use crate::cache::Obtained;
use crate::error::CredentialFailure;
use crate::sts::{CallerIdentity, RoleRequest, Sts};

/// A role and the keys that may assume it.
#[derive(Debug)]
pub(crate) struct RoleSession {
    pub(crate) keys: KeyAssets,
    pub(crate) role: RoleReference,
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) options: AssumeRoleOptions,
    pub(crate) connection: ConnectionName,
    pub(crate) assets: Assets,
    pub(crate) sts: Sts,
    /// Whose keys they were when that was last asked for. An access key never moves to another user.
    pub(crate) caller: Mutex<Option<(AccessKeyId, CallerIdentity)>>,
}

impl RoleSession {
    /// Reads the keys anew, finds the role and assumes it.
    pub(crate) async fn obtain(&self) -> Result<Obtained, CredentialFailure> {
        let keys = self.assets.keys(&self.keys).await?;
        let obtained = self.assume(&keys).await;
        if let Err(CredentialFailure::KeysRefused { .. }) = &obtained {
            // They may have been rotated: the next attempt is not to find them in a cache.
            self.assets.invalidate(&self.keys);
        }
        obtained
    }

    async fn assume(&self, keys: &Credentials) -> Result<Obtained, CredentialFailure> {
        let role = self.role_of(keys).await?;
        let session_name = self
            .options
            .session_name
            .clone()
            .unwrap_or_else(|| self.default_session_name());
        let request = RoleRequest {
            role: &role,
            session_name: &session_name,
            duration: self.options.duration.unwrap_or(SessionDuration::DEFAULT),
            external_id: self.external_id.as_ref(),
            policy: self.options.policy.as_ref(),
            policy_arns: self.options.policy_arns.as_slice(),
            tags: self.options.tags.iter().collect(),
            transitive: self.options.tags.transitive(),
            source_identity: self.options.source_identity.as_ref(),
            mfa: self.mfa().await?,
        };
        let credentials = self.sts.assume_role(keys, &request).await?;
        Ok(Obtained {
            credentials,
            ask_again_after: None,
        })
    }

    /// The device and the code that it shows now.
    async fn mfa(&self) -> Result<Option<(&MfaSerial, MfaCode)>, CredentialFailure> {
        let Some(mfa) = &self.options.mfa else {
            return Ok(None);
        };
        let text = self.assets.read_anew(&mfa.code).await?;
        let code = MfaCode::parse(&text).map_err(|_| CredentialFailure::MfaCode {
            asset: mfa.code.to_string(),
        })?;
        Ok(Some((&mfa.serial, code)))
    }

    async fn role_of(&self, keys: &Credentials) -> Result<RoleArn, CredentialFailure> {
        let name = match &self.role {
            RoleReference::Arn(arn) => return Ok(arn.clone()),
            RoleReference::Name(name) => name,
        };
        let caller = self.caller_of(keys).await?;
        // The partition is STS's word, not ours: right for regions that no table has yet.
        Ok(name.in_account(caller.arn.partition, caller.account))
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
