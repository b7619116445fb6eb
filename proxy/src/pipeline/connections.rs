//! What the pipeline keeps for each connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::ConnectionName;
use sts_client::CredentialSource;

use super::SetupError;
use super::skew::Skew;
use crate::metrics::{Metrics, RetryTally, SkewGauge};
use crate::permit::{Account, Permit, Records};
use crate::route::{Route, Router};
use crate::upstream::{BucketNames, Network, Protocols, Purpose, Upstream};

/// What a connection needs besides its route.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) name: ConnectionName,
    pub(super) credentials: CredentialSource,
    pub(super) upstream: Arc<Upstream>,
    /// What its service's clock differs by.
    pub(super) skew: Arc<Skew>,
    pub(super) told_skew: SkewGauge,
    pub(super) retries: RetryTally,
    /// The account that its credentials are in.
    pub(super) account: Arc<Account>,
    /// `None` where clients may do whatever the credentials may, and nothing is kept of it.
    pub(super) permit: Option<Permit>,
}

/// A lane for each route; pools of `before` are kept where they serve.
pub(super) fn lanes(
    router: &Router,
    network: &Network,
    records: &Records,
    mut credentials: BTreeMap<ConnectionName, CredentialSource>,
    metrics: &Metrics,
    before: &BTreeMap<ConnectionName, Lane>,
) -> Result<BTreeMap<ConnectionName, Lane>, SetupError> {
    let lane = |route: &Arc<Route>| {
        let name = route.name().clone();
        let purpose = purpose(route);
        let kept = before
            .get(&name)
            .filter(|lane| lane.upstream.serves(network, &purpose))
            .map(|lane| (Arc::clone(&lane.upstream), Arc::clone(&lane.skew)));
        let (upstream, skew) = kept.unwrap_or_else(|| {
            let opened = metrics.upstream_connections(&name);
            (Arc::new(Upstream::new(network, purpose, &opened)), Arc::default())
        });
        let told_skew = metrics.clock_skew(&name);
        told_skew.set(skew.offset().seconds());
        let permissions = &route.config.permissions;
        let account = Arc::new(Account::new(permissions.account.clone()));
        let lane = Lane {
            credentials: credentials.remove(&name).ok_or_else(|| SetupError::NoSource {
                connection: name.clone(),
            })?,
            upstream,
            skew,
            told_skew,
            retries: metrics.retries(&name),
            name: name.clone(),
            permit: Permit::of(&name, permissions, records, &account, || metrics.permissions(&name)).map_err(
                |source| SetupError::Record {
                    connection: name.clone(),
                    source,
                },
            )?,
            account,
        };
        Ok((name, lane))
    };
    router.routes().map(lane).collect()
}

fn purpose(route: &Route) -> Purpose {
    Purpose {
        protocols: Protocols::of(&route.traits),
        names: route
            .endpoint()
            .map_or_else(BucketNames::default, |url| BucketNames::below(url.host())),
        timeouts: route.config.timeouts,
    }
}
