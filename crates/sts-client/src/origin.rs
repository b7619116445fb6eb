//! Where a set comes from: one variant per auth method.

use std::sync::Mutex;
use std::time::Duration;

use auth_model::{AuthMethod, BaseKeys, KeyAssets, RoleChain, RoleReference, RunsOn};
use aws_endpoints::partition_of;

use crate::cache::{Obtain, Obtained};
use crate::chain::Chain;
use crate::error::CredentialFailure;
use crate::means::Means;
use crate::own_keys::OwnKeys;
use crate::role::{Base, RoleSession};
use crate::static_keys::StaticKeys;
use crate::sts::Sts;

/// How a connection's credentials are obtained.
#[derive(Debug)]
pub(crate) enum Origin {
    Static(Box<StaticKeys>),
    Role(Box<RoleSession>),
    Chain(Box<Chain>),
}

impl Origin {
    pub(crate) fn new(means: Means<'_>, sts: &Sts) -> Self {
        let Means {
            connection,
            shown_as,
            assets,
            settings,
            clock,
            http,
            wall,
        } = means;
        let chain = |profile| Chain {
            profile,
            region: connection.region.clone(),
            settings: settings.clone(),
            clock,
            http,
        };
        // Elsewhere there is nobody to ask whether a key is known.
        let has_sts = settings.endpoint.is_some() || partition_of(&connection.region).is_some();
        let own = |keys: KeyAssets| {
            let seat = wall.seat(&connection.auth, shown_as, keys.clone(), assets.clone());
            OwnKeys::new(keys, assets.clone(), has_sts.then(|| sts.clone())).at(seat)
        };
        match connection.auth.clone() {
            AuthMethod::AccessKey { keys } => Self::Static(Box::new(StaticKeys(own(keys)))),
            AuthMethod::AccessKeyAssumeRole {
                base,
                roles,
                runs_on,
                options,
            } => {
                let (base, profile) = match base {
                    BaseKeys::Assets(keys) => (Base::Assets(Box::new(own(keys))), None),
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
                base: Base::Assets(Box::new(own(identity.keys))),
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
            AuthMethod::DefaultChain { profile } => Self::Chain(Box::new(chain(profile))),
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
            Self::Static(keys) => keys.0.distrust(),
            // What AWS refused is the session: a new one is assumed with the same keys.
            Self::Role(_) | Self::Chain(_) => {}
        }
    }

    fn only_reads(&self) -> bool {
        match self {
            Self::Static(keys) => keys.0.only_reads(),
            Self::Role(_) | Self::Chain(_) => false,
        }
    }

    fn is_stopped(&self) -> bool {
        match self {
            Self::Static(keys) => keys.0.is_stopped(),
            Self::Role(session) => session.is_stopped(),
            Self::Chain(_) => false,
        }
    }

    fn stale_for(&self) -> Option<Duration> {
        match self {
            Self::Static(keys) => keys.0.stale_for(),
            Self::Role(session) => session.stale_for(),
            Self::Chain(_) => None,
        }
    }
}
