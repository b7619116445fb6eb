//! Does a connection work, and if not, who has to change something?
//!
//! A [`Checker`] takes the steps of `serve` one at a time: the assets, the keys, each role, the External ID, the clock,
//! the network, and at last one harmless request through the very pipeline. A step that fails names whose policy, file,
//! clock or line of configuration is the cause, and the statement that fixes it. Where AWS does not distinguish two causes,
//! both are named, the likelier one first.
//!
//! What is shared is checked once: keys of several connections, and sessions that several connections would share.
//! Nothing is changed anywhere; AWS's audit trail shows two denied `AssumeRole` calls for each External ID.
//!
//! Contracts, each with a test:
//! - No secret is in a report.
//! - The credential steps are those of a `CredentialSource`, the request is the pipeline's.
//! - A denied harmless request is a warning, since a connection need not be allowed to list what it reads.

mod credentials;
mod denied;
mod failure;
mod json;
mod network;
mod probe;
mod report;
mod response;
mod service;
mod steps;
mod text;
mod unprobed;

use std::sync::Arc;

use auth_model::{AuthMethod, Clock, ConnectionName, Partition, Region, ServiceId};
use aws_endpoints::{EndpointVariant, parse_host};
use credential_assets::Assets;
use sts_client::{CredentialDiagnostics, KeyWall, Skew, StsSettings, is_same_identity, is_same_way};

pub use report::{
    Amendment, Cause, ConnectionReport, Finding, Outcome, PolicyKind, Report, ResponsibleParty, Step, StepKind, Verdict,
};
pub use text::Style;

pub(crate) use failure::remedy;

use crate::app::StartError;
use crate::app::sources::Sources;
use crate::log::Chain;
use crate::process::DescriptorLimit;
use credentials::{Identity, Signer};
use probe::Probe;
use proxy_config::{Config, ConnectionConfig, EndpointUrl, Scheme};
use proxy_core::route::Route;
use proxy_core::upstream::{Network, UpstreamError, protocols_of};
use steps::{Steps, Timer};

/// Nothing can be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The vault or a CA file cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The upstream's settings cannot be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// Checks connections of a configuration, one after the other.
#[derive(Debug)]
pub struct Checker {
    config: Config,
    clock: Arc<dyn Clock>,
    bucket: Option<String>,
    assets: Assets,
    extra_roots_pem: Vec<u8>,
    network: Network,
    done: Vec<Done>,
    wall: KeyWall,
    /// What was walked: its keys are compared with those that come later.
    walked: Vec<CredentialDiagnostics>,
}

/// The credential steps of a connection, for those that share them.
#[derive(Debug)]
struct Done {
    connection: ConnectionConfig,
    settings: StsSettings,
    identity_steps: Steps,
    identity: Identity,
    /// STS has reported whose the keys are.
    is_stss_business: bool,
    role_steps: Steps,
    signer: Signer,
}

impl Checker {
    /// A checker of these connections. Reads the CA files, opens no socket.
    ///
    /// # Errors
    ///
    /// [`CheckError`] where not even that can be done.
    pub async fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, CheckError> {
        Ok(Self {
            assets: Sources::new(&config, &clock, None, None).await?.assets().clone(),
            extra_roots_pem: crate::app::sources::extra_roots_pem(&config).await?,
            network: Network::new(&config.upstream, config.server.threads, &DescriptorLimit::none(), None)?,
            config,
            clock,
            bucket: None,
            done: Vec::new(),
            wall: KeyWall::default(),
            walked: Vec::new(),
        })
    }

    /// Asks S3 about this bucket instead of for the list of all.
    #[must_use]
    pub fn with_bucket(mut self, bucket: Option<String>) -> Self {
        self.bucket = bucket;
        self
    }

    /// The connections there are.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionName> {
        self.config.connections.keys()
    }

    /// Checks them all.
    pub async fn check_all(&mut self) -> Report {
        let names: Vec<_> = self.config.connections.keys().cloned().collect();
        let mut report = Report::default();
        for name in &names {
            report.connections.extend(self.check(name).await);
        }
        report
    }

    /// Checks one; `None` where there is no such connection.
    pub async fn check(&mut self, name: &ConnectionName) -> Option<ConnectionReport> {
        let connection = self.config.connections.get(name)?.clone();
        let mut steps = Steps::default();
        match Route::new(&connection) {
            // Boxed: with all that it calls it is too deep a type for whoever awaits it further out.
            Ok(route) => Box::pin(self.walk(&mut steps, &connection, &route)).await,
            Err(error) => {
                let cause = Cause::new(
                    ResponsibleParty::Configuration,
                    "correct the connection's `region`, or give it an `endpoint`.",
                );
                let finding = Finding::of(Chain(&error).to_string(), cause);
                steps.note(StepKind::Configuration, name.to_string(), Outcome::Failed(finding));
            }
        }
        Some(ConnectionReport {
            connection: name.clone(),
            service: connection.connection.service.clone(),
            region: connection.connection.region.clone(),
            auth: connection.connection.auth.name(),
            steps: steps.into_vec(),
        })
    }

    async fn walk(&mut self, steps: &mut Steps, connection: &ConnectionConfig, route: &Route) {
        let settings = crate::app::sources::sts_settings(&self.config, connection, &self.extra_roots_pem);
        let (signer, are_keys_good) = self.credentials(steps, connection, settings).await;
        let protocols = protocols_of(&route.traits);
        let is_reached = match url(route) {
            // Clients' requests go to the resources' hosts, never to this one, which may not exist.
            Some(url) if unprobed::has_hosts_of_its_own(connection) => {
                let why = "clients name the hosts of the resources, which are not tried";
                steps.note(StepKind::Dns, url.authority(), Outcome::skipped(why));
                true
            }
            Some(url) => {
                let connect_timeout = connection.timeouts.connect;
                let is_operators = route.endpoint().is_some();
                network::reach(steps, &self.network, &url, protocols, connect_timeout, is_operators).await
            }
            None => true,
        };
        self.request(steps, connection, route, &signer, are_keys_good, is_reached)
            .await;
    }

    /// The steps that lead to credentials, done anew only where no connection before has done the same.
    async fn credentials(
        &mut self,
        steps: &mut Steps,
        connection: &ConnectionConfig,
        settings: StsSettings,
    ) -> (Signer, bool) {
        let of = |done: &Done| (done.connection.connection.clone(), done.settings.clone());
        let is_stss_business = self.is_stss_business(connection);
        let same_way = self.done.iter().find(|done| {
            let (other, others) = of(done);
            is_same_way((&connection.connection, &settings), (&other, &others))
                && done.is_stss_business == is_stss_business
        });
        if let Some(done) = same_way {
            let name = &done.connection.connection.name;
            steps.extend(done.identity_steps.as_done_for(name));
            steps.extend(done.role_steps.as_done_for(name));
            return (done.signer.clone(), done.identity.caller.is_some());
        }
        let way = CredentialDiagnostics::behind(
            &connection.connection,
            self.assets.clone(),
            &settings,
            Arc::clone(&self.clock),
            &self.wall,
        );
        let way = match way {
            Ok(way) => way,
            Err(error) => {
                let finding = failure::finding(error.failure(), failure::KeyLooks::default());
                let name = connection.connection.name.to_string();
                steps.note(StepKind::Configuration, name, Outcome::Failed(finding));
                return (Signer::default(), false);
            }
        };
        let same_identity = self.done.iter().find(|done| {
            let (other, others) = of(done);
            is_same_identity((&connection.connection, &settings), (&other, &others))
                && done.is_stss_business == is_stss_business
        });
        let (identity_steps, identity) = match same_identity {
            Some(done) => {
                let shared = done.identity_steps.as_done_for(&done.connection.connection.name);
                (shared, done.identity.clone())
            }
            None => self.identity(connection, &way, is_stss_business).await,
        };
        let mut role_steps = Steps::default();
        let signer = credentials::assume(&mut role_steps, &connection.connection.auth, &way, &identity).await;
        self.walked.push(way);
        steps.extend(identity_steps.clone());
        steps.extend(role_steps.clone());
        let are_keys_good = identity.caller.is_some();
        self.done.push(Done {
            connection: connection.clone(),
            settings,
            identity_steps,
            identity,
            is_stss_business,
            role_steps,
            signer: signer.clone(),
        });
        (signer, are_keys_good)
    }

    async fn identity(
        &self,
        connection: &ConnectionConfig,
        way: &CredentialDiagnostics,
        is_stss_business: bool,
    ) -> (Steps, Identity) {
        let mut steps = Steps::default();
        let auth = &connection.connection.auth;
        let identity = credentials::identity(&mut steps, auth, way, &self.assets, is_stss_business).await;
        if identity.is_sts_out_of_reach
            && let Some(url) = self.sts_url(connection)
        {
            let connect_timeout = self.config.sts.connect_timeout;
            let protocols = egress::Protocols::Http2OrHttp1;
            let is_operators = connection.sts_endpoint.is_some() || self.config.sts.endpoint.is_some();
            network::reach(
                &mut steps,
                &self.network,
                &url,
                protocols,
                connect_timeout,
                is_operators,
            )
            .await;
        }
        (steps, identity)
    }

    /// Whether STS knows the keys: a role is assumed with them, the endpoint is AWS's, or somebody has said where STS is.
    fn is_stss_business(&self, connection: &ConnectionConfig) -> bool {
        let assumes = match &connection.connection.auth {
            AuthMethod::AccessKeyAssumeRole { .. } | AuthMethod::ManagedCrossAccount { .. } => true,
            AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => false,
        };
        let is_aws = connection
            .endpoint
            .as_ref()
            .is_none_or(|url| parse_host(url.host()).is_ok());
        assumes || is_aws || connection.sts_endpoint.is_some() || self.config.sts.endpoint.is_some()
    }

    /// Where this connection asks STS.
    fn sts_url(&self, connection: &ConnectionConfig) -> Option<EndpointUrl> {
        let configured = connection.sts_endpoint.as_ref().or(self.config.sts.endpoint.as_ref());
        if let Some(url) = configured {
            return Some(url.clone());
        }
        let variant = EndpointVariant {
            fips: self.config.sts.use_fips,
            dualstack: false,
        };
        let sts = ServiceId::parse("sts").ok()?;
        let endpoint = aws_endpoints::endpoint(&sts, &connection.connection.region, variant).ok()?;
        format!("https://{}", endpoint.host).parse().ok()
    }

    async fn request(
        &self,
        steps: &mut Steps,
        connection: &ConnectionConfig,
        route: &Route,
        signer: &Signer,
        are_keys_good: bool,
        is_reached: bool,
    ) {
        let service = &connection.connection.service;
        let partition = partition_of(&route.scope.region);
        let Some(probe) = Probe::of(service, partition, self.bucket.as_deref()) else {
            let outcome = unprobed::outcome(connection);
            steps.note(StepKind::Request, route.authority(), outcome);
            return;
        };
        let subject = format!("{} {}", service, probe.operation);
        let (Some(credentials), true) = (&signer.credentials, is_reached) else {
            let lacks = if is_reached { "credentials" } else { "a connection" };
            steps.note(
                StepKind::Request,
                subject,
                Outcome::skipped(format!("not sent for want of {lacks}")),
            );
            return;
        };
        let began = Timer::start();
        let sent = service::send(&self.config, connection, credentials, &probe, &self.clock).await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                let cause = Cause::new(
                    ResponsibleParty::Configuration,
                    "the connection cannot be set up for requests.",
                );
                let finding = Finding::of(Chain(&*error).to_string(), cause);
                steps.push(StepKind::Request, subject, Outcome::Failed(finding), began);
                return;
            }
        };
        let sent_probe = response::SentProbe {
            probe: &probe,
            service: service.as_str(),
            scope: &route.scope,
            signer: signer.arn.as_deref().unwrap_or("whoever has the keys"),
            are_keys_good,
            has_token: credentials.session_token.is_some(),
            has_endpoint: route.endpoint().is_some(),
        };
        let speaks_tls = match url(route) {
            Some(url) if url.scheme() == Scheme::Http && response::is_foreign(&response, &probe) => {
                let protocols = protocols_of(&route.traits);
                network::speaks_tls(&self.network, &url, protocols, connection.timeouts.connect).await
            }
            _ => false,
        };
        let outcome = response::judge(&response, &sent_probe, speaks_tls);
        steps.push(StepKind::Request, subject, outcome, began);
        if let Some(theirs) = response.date().filter(|_| !are_keys_good) {
            let skew = Skew::between(theirs, self.clock.now());
            steps.note(StepKind::Clock, route.authority(), credentials::of_skew(skew));
        }
    }
}

fn partition_of(region: &Region) -> Partition {
    aws_endpoints::partition_of(region).unwrap_or(Partition::Aws)
}

fn url(route: &Route) -> Option<EndpointUrl> {
    format!("{}://{}", route.scheme.as_str(), route.authority())
        .parse()
        .ok()
}
