//! Where a set comes from: one variant per auth method.

use std::sync::{Arc, Mutex};

use auth_model::{AuthMethod, Clock, Connection, RoleReference};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use credential_assets::Assets;

use crate::cache::{Obtain, Obtained};
use crate::chain::Chain;
use crate::error::CredentialFailure;
use crate::role::RoleSession;
use crate::settings::StsSettings;
use crate::static_keys::StaticKeys;
use crate::sts::Sts;

/// How a connection's credentials are obtained.
#[derive(Debug)]
pub(crate) enum Origin {
    Static(StaticKeys),
    Role(Box<RoleSession>),
    Chain(Chain),
}

impl Origin {
    pub(crate) fn new(
        connection: &Connection,
        assets: Assets,
        settings: &StsSettings,
        sts: &Sts,
        clock: Arc<dyn Clock>,
        http: SharedHttpClient,
    ) -> Self {
        let role_session = |keys, role, external_id, options| {
            Self::Role(Box::new(RoleSession {
                keys,
                role,
                external_id,
                options,
                connection: connection.name.clone(),
                assets: assets.clone(),
                sts: sts.clone(),
                caller: Mutex::default(),
            }))
        };
        match connection.auth.clone() {
            AuthMethod::AccessKey { keys } => Self::Static(StaticKeys::new(keys, assets)),
            AuthMethod::AccessKeyAssumeRole { keys, role, options } => role_session(keys, role, None, options),
            AuthMethod::ManagedCrossAccount {
                identity,
                role_arn,
                external_id,
                options,
            } => role_session(identity.keys, RoleReference::Arn(role_arn), Some(external_id), options),
            AuthMethod::DefaultChain { profile } => Self::Chain(Chain {
                profile,
                region: connection.region.clone(),
                settings: settings.clone(),
                clock,
                http,
            }),
        }
    }
}

impl Obtain for Origin {
    async fn obtain(&self) -> Result<Obtained, CredentialFailure> {
        match self {
            Self::Static(keys) => keys.obtain().await,
            Self::Role(session) => session.obtain().await,
            Self::Chain(chain) => chain.obtain().await,
        }
    }

    fn distrust(&self) {
        match self {
            Self::Static(keys) => keys.distrust(),
            // What AWS refused is the session: a new one is assumed with the same keys.
            Self::Role(_) | Self::Chain(_) => {}
        }
    }
}
