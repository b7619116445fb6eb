//! A pipeline for a configuration: the first one, and each that takes over from another at a reload.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use auth_model::{Clock, ConnectionName};
use proxy_config::{Config, ServerConfig};
use request_body::BodyStorage;
use resource_limits::DescriptorLimit;
use signer::Signer;
use sts_client::CredentialSource;

use super::limits::SharedLimits;
use super::runtime::{ConnectionRuntime, RuntimeParts};
use super::{Observer, Pipeline};
use crate::browser::Browsers;
use crate::metrics::Metrics;
use crate::permit::{BookError, Records};
use crate::route::{RouteError, Router};
use crate::upstream::{Network, UpstreamError};

/// The pipeline cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A connection has nowhere to go.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The upstream's settings cannot be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// No source of credentials was given for a connection.
    #[error("connection {connection} has no source of credentials")]
    NoSource {
        /// The connection.
        connection: ConnectionName,
    },
    /// A connection's record cannot be gone on with.
    #[error("connection {connection} cannot record its requests")]
    Record {
        /// The connection.
        connection: ConnectionName,
        /// Why.
        #[source]
        source: BookError,
    },
    /// The system has no randomness.
    #[error("the system's random number generator fails")]
    Random,
}

impl Pipeline {
    /// A pipeline for the configured connections. Opens no connection and fetches no credentials.
    ///
    /// # Errors
    ///
    /// [`SetupError`] where a connection or the upstream settings cannot be used.
    pub fn new(
        config: &Config,
        credentials: BTreeMap<ConnectionName, CredentialSource>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        Self::within(&DescriptorLimit::none(), config, credentials, clock, observer, metrics)
    }

    /// [`Pipeline::new`] with so many connections to services at a time.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::new`].
    pub fn within(
        descriptors: &DescriptorLimit,
        config: &Config,
        credentials: BTreeMap<ConnectionName, CredentialSource>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let network = Network::new(&config.upstream, config.server.threads, descriptors, None)?;
        let (records, signer) = (Records::default(), Signer::new());
        let router = router(
            config,
            RuntimeParts {
                network: &network,
                records: &records,
                credentials,
                signer: &signer,
                clock: &clock,
                metrics,
                before: None,
            },
        )?;
        let mut random = [0; 8];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| SetupError::Random)?;
        let instance = format!("{:016x}", u64::from_be_bytes(random));
        let storage = BodyStorage::empty(spool_dir(config), descriptors);
        let pipeline = Self {
            router,
            browsers: Browsers::new(config),
            network,
            records,
            signer,
            clock,
            observer,
            limits: SharedLimits::new(storage, metrics.spooled_bytes()),
            pseudonym: format!("signing-proxy-{instance}"),
            instance,
            requests: Arc::new(AtomicU64::new(1)),
        };
        pipeline.share(&config.server, metrics);
        Ok(pipeline)
    }

    /// The pipeline of another configuration, to take over from this one: it keeps what belongs to the process, and
    /// the pools of connections that are reached as before. Changes nothing here.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::new`].
    pub fn successor(
        &self,
        config: &Config,
        credentials: BTreeMap<ConnectionName, CredentialSource>,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let network = Network::new(
            &config.upstream,
            config.server.threads,
            self.network.descriptors(),
            Some(&self.network),
        )?;
        let router = router(
            config,
            RuntimeParts {
                network: &network,
                records: &self.records,
                credentials,
                signer: &self.signer,
                clock: &self.clock,
                metrics,
                before: Some(&self.router),
            },
        )?;
        Ok(Self {
            router,
            browsers: Browsers::new(config),
            network,
            records: self.records.clone(),
            signer: self.signer.clone(),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            limits: self.limits.in_folder(spool_dir(config)),
            pseudonym: self.pseudonym.clone(),
            instance: self.instance.clone(),
            requests: Arc::clone(&self.requests),
        })
    }

    /// From now on clients share as much as this configuration has. To be called when this pipeline takes over, since it has
    /// most of its pools in common with the one before it.
    pub fn share(&self, server: &ServerConfig, metrics: &Metrics) {
        self.limits.resize(&self.router, server, metrics);
    }

    /// Writes what was recorded to the disk. Blocks.
    pub fn write_records(&self) {
        self.records.write();
    }
}

fn router(config: &Config, mut parts: RuntimeParts<'_>) -> Result<Router<ConnectionRuntime>, SetupError> {
    Router::new(config, |route| ConnectionRuntime::new(route, &mut parts))
}

fn spool_dir(config: &Config) -> PathBuf {
    config.server.spool_dir.clone().unwrap_or_else(std::env::temp_dir)
}
