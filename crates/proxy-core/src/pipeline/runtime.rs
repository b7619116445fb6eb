//! What is kept for each connection while the proxy runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{Clock, ConnectionName, Credentials};
use egress::WildcardHost;
use signer::Signer;
use sts_client::{CredentialError, CredentialFailure, CredentialSource};

use super::SetupError;
use crate::error::{ErrorCode, ProxyError};
use crate::metrics::{Metrics, RetryTally, SkewGauge};
use crate::permit::{Account, Permit, Records};
use crate::route::{Routable, Route, Router};
use crate::sign::Skew;
use crate::upstream::{Network, Purpose, Upstream, protocols_of};

/// All that the steps of a request need to know of its connection.
#[derive(Debug)]
pub(super) struct ConnectionRuntime {
    pub(super) route: Arc<Route>,
    pub(super) credentials: CredentialSource,
    pub(super) upstream: Arc<Upstream>,
    /// Has the derived signing keys of all connections.
    pub(super) signer: Signer,
    pub(super) clock: Arc<dyn Clock>,
    /// What its service's clock differs by.
    pub(super) skew: Arc<Skew>,
    pub(super) skew_gauge: SkewGauge,
    pub(super) retries: RetryTally,
    /// The account that its credentials are in.
    pub(super) account: Arc<Account>,
    permit: Option<Permit>,
}

/// What the runtime of each connection is made with.
pub(super) struct RuntimeParts<'a> {
    pub(super) network: &'a Network,
    pub(super) records: &'a Records,
    pub(super) credentials: BTreeMap<ConnectionName, CredentialSource>,
    pub(super) signer: &'a Signer,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) metrics: &'a Metrics,
    /// Those of the configuration before, whose pools of connections are kept where they serve.
    pub(super) before: Option<&'a Router<ConnectionRuntime>>,
}

impl Routable for ConnectionRuntime {
    fn route(&self) -> &Arc<Route> {
        &self.route
    }
}

impl ConnectionRuntime {
    /// The runtime of the connection of this route.
    ///
    /// # Errors
    ///
    /// [`SetupError::NoSource`] and [`SetupError::Record`].
    pub(super) fn new(route: Arc<Route>, parts: &mut RuntimeParts<'_>) -> Result<Self, SetupError> {
        let (name, metrics) = (route.name().clone(), parts.metrics);
        let purpose = purpose(&route);
        let kept = parts
            .before
            .and_then(|before| before.connection(&name))
            .filter(|kept| kept.upstream.serves(parts.network, &purpose))
            .map(|kept| (Arc::clone(&kept.upstream), Arc::clone(&kept.skew)));
        let (upstream, skew) = kept.unwrap_or_else(|| {
            let opened = metrics.upstream_connections(&name);
            (Arc::new(Upstream::new(parts.network, purpose, &opened)), Arc::default())
        });
        let skew_gauge = metrics.clock_skew(&name);
        skew_gauge.set(skew.offset().seconds());
        let credentials = parts.credentials.remove(&name).ok_or_else(|| SetupError::NoSource {
            connection: name.clone(),
        })?;
        let permissions = &route.config.permissions;
        let account = Arc::new(Account::new(permissions.account.clone(), credentials.clone()));
        let permit = Permit::of(&name, permissions, parts.records, &account, || {
            metrics.permissions(&name)
        });
        Ok(Self {
            credentials,
            upstream,
            signer: parts.signer.clone(),
            clock: Arc::clone(parts.clock),
            skew,
            skew_gauge,
            retries: metrics.retries(&name),
            account,
            permit: permit.map_err(|source| SetupError::Record {
                connection: name,
                source,
            })?,
            route,
        })
    }

    /// The connection's name.
    pub(super) fn name(&self) -> &ConnectionName {
        self.route.name()
    }

    /// `None` where clients may do whatever the credentials may, and nothing of it is recorded.
    pub(super) fn permit(&self) -> Option<&Permit> {
        self.permit.as_ref()
    }

    /// Valid credentials.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::NoCredentials`] and [`ErrorCode::IdentityClash`].
    pub(super) async fn credentials(&self) -> Result<Arc<Credentials>, ProxyError> {
        self.credentials.credentials().await.map_err(no_credentials)
    }
}

fn no_credentials(error: CredentialError) -> ProxyError {
    // A passing trouble is worth a try a second later even where the source does not say when.
    let wait = error.retry_after().max(Duration::from_secs(1));
    let hint = if error.is_permanent() {
        "Somebody has to change the credentials, the role or the configuration"
    } else {
        "It may pass by itself; try again later"
    };
    if let CredentialFailure::IdentityClash { .. } = error.failure() {
        // Whose key it is besides is for the log alone.
        return ProxyError::new(ErrorCode::IdentityClash)
            .with_retry_after(wait)
            .with_cause(error);
    }
    ProxyError::new(ErrorCode::NoCredentials)
        .with_hint(format!("{hint} ({}); the proxy's log has the details.", error.code()))
        .with_retry_after(wait)
        .with_cause(error)
}

fn purpose(route: &Route) -> Purpose {
    Purpose {
        protocols: protocols_of(&route.traits),
        own_host: route.endpoint().map(|url| WildcardHost::new(url.host())),
        timeouts: route.config.timeouts,
    }
}
