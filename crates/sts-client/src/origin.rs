//! Where a set comes from: one variant per auth method.

use std::sync::{Arc, Mutex};

use auth_model::{AuthMethod, BaseKeys, Clock, Connection, RoleChain, RoleReference, RunsOn};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use credential_assets::Assets;

use crate::cache::{Obtain, Obtained};
use crate::chain::Chain;
use crate::error::CredentialFailure;
use crate::role::{Base, RoleSession};
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
        shown_as: &str,
        assets: Assets,
        settings: &StsSettings,
        sts: &Sts,
        clock: Arc<dyn Clock>,
        http: SharedHttpClient,
    ) -> Self {
        let chain = |profile| Chain {
            profile,
            region: connection.region.clone(),
            settings: settings.clone(),
            clock,
            http,
        };
        match connection.auth.clone() {
            AuthMethod::AccessKey { keys } => Self::Static(StaticKeys::new(keys, assets)),
            AuthMethod::AccessKeyAssumeRole {
                base,
                roles,
                runs_on,
                options,
            } => {
                let (base, profile) = match base {
                    BaseKeys::Assets(keys) => (Base::Assets(Box::new(keys)), None),
                    BaseKeys::DefaultChain { profile } => (Base::Machine, profile),
                };
                Self::Role(Box::new(RoleSession {
                    base,
                    roles,
                    runs_on,
                    external_id: None,
                    options,
                    connection: shown_as.to_owned(),
                    assets,
                    sts: sts.clone(),
                    machine: chain(profile),
                    caller: Mutex::default(),
                }))
            }
            AuthMethod::ManagedCrossAccount {
                identity,
                role_arn,
                external_id,
                options,
            } => Self::Role(Box::new(RoleSession {
                base: Base::Assets(Box::new(identity.keys)),
                roles: RoleChain::from(RoleReference::Arn(role_arn)),
                runs_on: RunsOn::Anywhere,
                external_id: Some(external_id),
                options,
                connection: shown_as.to_owned(),
                assets,
                sts: sts.clone(),
                machine: chain(None),
                caller: Mutex::default(),
            })),
            AuthMethod::DefaultChain { profile } => Self::Chain(chain(profile)),
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

    fn only_reads(&self) -> bool {
        match self {
            Self::Static(_) => true,
            Self::Role(_) | Self::Chain(_) => false,
        }
    }
}
