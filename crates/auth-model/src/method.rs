//! The ways to authenticate.

use crate::asset::AssetReference;
use crate::assume_role::{AssumeRoleOptions, ExternalId};
use crate::identity::ManagedIdentity;
use crate::role::{RoleArn, RoleReference};

/// An access key whose parts may be kept elsewhere.
#[derive(Clone, Debug)]
pub struct KeyAssets {
    /// The access key id. Public, but rotated together with the secret, so it may be an asset too.
    pub access_key_id: AssetReference,
    /// The secret access key.
    pub secret_access_key: AssetReference,
    /// The session token of temporary credentials.
    pub session_token: Option<AssetReference>,
}

/// How a connection obtains its credentials.
#[derive(Clone, Debug)]
pub enum AuthMethod {
    /// `access-key`: the keys themselves sign.
    AccessKey {
        /// The keys.
        keys: KeyAssets,
    },
    /// `access-key-assume-role`: the keys assume a role, usually in their own account.
    AccessKeyAssumeRole {
        /// The keys that may assume the role.
        keys: KeyAssets,
        /// The role, by name or ARN.
        role: RoleReference,
        /// Session name, duration, policy.
        options: AssumeRoleOptions,
    },
    /// `managed-cross-account`: the operator's user assumes the customer's role.
    ManagedCrossAccount {
        /// The operator's user for this customer.
        identity: ManagedIdentity,
        /// The customer's role.
        role_arn: RoleArn,
        /// What the customer's trust policy asks for.
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
}
