//! The auth methods.

use crate::asset::AssetReference;
use crate::assume_role::{AssumeRoleOptions, ExternalId, SessionDuration};
use crate::identity::ManagedIdentity;
use crate::key_assets::KeyAssets;
use crate::role::RoleArn;
use crate::role_chain::RoleChain;

/// What assumes the first role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BaseKeys {
    /// Keys that are kept somewhere.
    Assets(KeyAssets),
    /// What the AWS SDKs find on this machine, such as the role of an EC2 instance.
    DefaultChain {
        /// The profile to use instead of `AWS_PROFILE` or `default`.
        profile: Option<String>,
    },
}

/// On which machines a connection has credentials.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum RunsOn {
    /// On all.
    #[default]
    Anywhere,
    /// On EC2 instances that have the first role attached, as their metadata service says.
    ///
    /// With [`BaseKeys::DefaultChain`] the first role's session is the instance's own: it is not assumed.
    InstanceOfRole,
}

/// How a connection obtains its credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuthMethod {
    /// `access-key`: the keys themselves sign.
    AccessKey {
        /// The keys.
        keys: KeyAssets,
    },
    /// `access-key-assume-role`: the keys assume a role, usually in their own account, and that one the next.
    AccessKeyAssumeRole {
        /// What may assume the first role.
        base: BaseKeys,
        /// The roles, by name or ARN.
        roles: RoleChain,
        /// The machines on which that is done.
        runs_on: RunsOn,
        /// The options of the sessions. MFA, the source identity and transitive tags belong to the first role that is
        /// assumed and hold for those after it; duration, policies and the other tags belong to the last.
        options: AssumeRoleOptions,
    },
    /// `managed-cross-account`: the operator's user assumes the customer's role.
    ManagedCrossAccount {
        /// The operator's user for this customer.
        identity: ManagedIdentity,
        /// The customer's role.
        role_arn: RoleArn,
        /// What the customer's trust policy requires.
        external_id: ExternalId,
        /// Session name, duration, policy.
        options: AssumeRoleOptions,
    },
    /// `default-chain`: what the AWS SDKs find: environment, profile, web identity, container, instance.
    DefaultChain {
        /// The profile to use instead of `AWS_PROFILE` or `default`.
        profile: Option<String>,
    },
}

impl AuthMethod {
    /// The method's name in configuration, logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AccessKey { .. } => "access-key",
            Self::AccessKeyAssumeRole { .. } => "access-key-assume-role",
            Self::ManagedCrossAccount { .. } => "managed-cross-account",
            Self::DefaultChain { .. } => "default-chain",
        }
    }

    /// All references to secrets that it begins with: those of its keys, and of the code of an MFA device.
    pub fn references(&self) -> impl Iterator<Item = &AssetReference> {
        let (keys, options) = match self {
            Self::AccessKey { keys } => (Some(keys), None),
            Self::AccessKeyAssumeRole { base, options, .. } => match base {
                BaseKeys::Assets(keys) => (Some(keys), Some(options)),
                BaseKeys::DefaultChain { .. } => (None, Some(options)),
            },
            Self::ManagedCrossAccount { identity, options, .. } => (Some(&identity.keys), Some(options)),
            Self::DefaultChain { .. } => (None, None),
        };
        let code = options.and_then(|options| options.mfa.as_ref()).map(|mfa| &mfa.code);
        keys.into_iter().flat_map(KeyAssets::references).chain(code)
    }

    /// Checks what its parts say of each other.
    ///
    /// # Errors
    ///
    /// [`ContradictoryAuth`] for the first contradiction.
    pub fn check(&self) -> Result<(), ContradictoryAuth> {
        let Self::AccessKeyAssumeRole {
            base,
            roles,
            runs_on,
            options,
        } = self
        else {
            return Ok(());
        };
        if roles.is_chained()
            && options
                .duration
                .is_some_and(|duration| duration > SessionDuration::LONGEST_CHAINED)
        {
            return Err(ContradictoryAuth::ChainedDuration);
        }
        match (base, runs_on) {
            (BaseKeys::DefaultChain { profile: Some(_) }, RunsOn::InstanceOfRole) => {
                Err(ContradictoryAuth::ProfileOnInstance)
            }
            (BaseKeys::DefaultChain { .. }, RunsOn::InstanceOfRole) if !roles.is_chained() && !options.is_empty() => {
                Err(ContradictoryAuth::OptionsOfInstance)
            }
            (BaseKeys::Assets(_) | BaseKeys::DefaultChain { .. }, RunsOn::Anywhere | RunsOn::InstanceOfRole) => Ok(()),
        }
    }
}

/// Parts of an auth method that exclude each other.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContradictoryAuth {
    /// STS rejects longer sessions of chained roles.
    #[error("a role that is assumed with another role's session lives for an hour at most")]
    ChainedDuration,
    /// A profile is not the instance's role.
    #[error("the instance's own role is used, so no profile is")]
    ProfileOnInstance,
    /// The instance's session is as EC2 makes it.
    #[error("the instance's own session is used, which takes no options")]
    OptionsOfInstance,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(base: BaseKeys, roles: &[&str], runs_on: RunsOn, seconds: Option<u64>) -> Result<(), ContradictoryAuth> {
        let duration = seconds.map(|seconds| SessionDuration::parse(Duration::from_secs(seconds)).unwrap());
        let options = AssumeRoleOptions {
            duration,
            ..AssumeRoleOptions::default()
        };
        let roles = RoleChain::new(roles.iter().map(|role| role.parse().unwrap())).unwrap();
        let method = AuthMethod::AccessKeyAssumeRole {
            base,
            roles,
            runs_on,
            options,
        };
        method.check()
    }

    fn found(profile: Option<&str>) -> BaseKeys {
        let profile = profile.map(str::to_owned);
        BaseKeys::DefaultChain { profile }
    }

    #[test]
    fn chained_sessions_live_for_an_hour_at_most() {
        let of = |roles: &[&str], seconds| check(found(None), roles, RunsOn::Anywhere, Some(seconds));
        assert_eq!(of(&["a"], 43_200), Ok(()));
        assert_eq!(of(&["a", "b"], 3_600), Ok(()));
        assert_eq!(of(&["a", "b"], 3_601), Err(ContradictoryAuth::ChainedDuration));
    }

    #[test]
    fn an_instances_own_session_is_as_it_is() {
        let of = |profile, roles: &[&str], seconds| check(found(profile), roles, RunsOn::InstanceOfRole, seconds);
        assert_eq!(of(None, &["a"], None), Ok(()));
        assert_eq!(of(Some("p"), &["a"], None), Err(ContradictoryAuth::ProfileOnInstance));
        assert_eq!(of(None, &["a"], Some(900)), Err(ContradictoryAuth::OptionsOfInstance));
        assert_eq!(of(None, &["a", "b"], Some(900)), Ok(()));
    }
}
