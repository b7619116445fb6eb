//! A proxy as a whole: from the configuration to listeners that serve, and back down.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use auth_model::{Clock, ConnectionName, SystemClock};
use credential_assets::InvalidVaultSettings;
use http_server::threads::Threads;
use http_server::{BindError, Drained, RejectionHandler, Server, ServerObserver};
use proxy_config::Config;
use proxy_core::metrics::Metrics;
use proxy_core::pipeline::{Observer, Pipeline, SetupError};
use resource_limits::ListenerRole;
use sts_client::CredentialError;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::limits;
use super::recorder::Recorder;
use super::rejections::Rejections;
use super::reloadable::Reloadable;
use super::sockets::Sockets;
use super::sources::Sources;
use crate::admin::{Admin, Guard, Loads, Readiness, WatchedConnection};
use crate::process::Descriptors;

/// How long the admin listener may take to finish its last responses, when all clients have gone.
const ADMIN_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long connections without a request get to end by themselves before all others are cut.
const IDLE_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

/// The proxy cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A listener cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A connection or the egress to upstreams cannot be set up.
    #[error("the connections cannot be set up")]
    Setup(#[from] SetupError),
    /// How a connection obtains its credentials cannot be set up.
    #[error("connection {connection} cannot obtain credentials")]
    Credentials {
        /// The connection.
        connection: ConnectionName,
        /// Why.
        #[source]
        source: CredentialError,
    },
    /// `upstream.ca_file` cannot be read.
    #[error("upstream.ca_file {} cannot be read", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// `assets.vault.ca_file` cannot be read.
    #[error("assets.vault.ca_file {} cannot be read", path.display())]
    VaultCaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// `[assets.vault]` cannot be used.
    #[error("the vault of [assets.vault] cannot be used")]
    Vault(#[from] InvalidVaultSettings),
    /// `[assets.secretsmanager]` or `[assets.ssm]` cannot be used.
    #[error("the store of [assets.{kind}] cannot be used")]
    Store {
        /// The store.
        kind: &'static str,
        /// Why.
        #[source]
        source: CredentialError,
    },
    /// The threads that serve clients cannot be started.
    #[error("the threads of server.threads cannot be started")]
    Threads(#[source] std::io::Error),
    /// The process cannot receive signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
}

/// A running proxy. Dropped, it ends at once; [`Proxy::shutdown`] lets running requests finish.
#[derive(Debug)]
pub struct Proxy {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) readiness: Readiness,
    pub(super) metrics: Metrics,
    pub(super) descriptors: Descriptors,
    pub(super) loads: Loads,
    pub(super) clients: Server,
    pub(super) admin: Server,
    /// What new requests are handed to.
    pub(super) pipeline: Arc<ArcSwap<Pipeline>>,
    pub(super) reports: Arc<ArcSwap<Admin>>,
    running: ArcSwap<Running>,
    /// Locked by a reload from its beginning to its end.
    pub(super) parts: Mutex<Parts>,
}

/// What is reported of the running configuration.
#[derive(Debug)]
struct Running {
    config: Arc<Config>,
    connections: Vec<WatchedConnection>,
}

/// What a configuration was made into, for the next one to compare with.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) sockets: Sockets,
    pub(super) sources: Sources,
    pub(super) serving: HashMap<ListenerRole, Arc<Reloadable<Pipeline>>>,
}

impl Proxy {
    /// Opens the configured listeners and serves them. Requests no credentials yet. Needs a tokio runtime with I/O
    /// and time.
    ///
    /// # Errors
    ///
    /// [`StartError`]; then nothing is left open.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_at(config, Arc::new(SystemClock)).await
    }

    /// The same with a clock for signatures and the life of credentials.
    ///
    /// # Errors
    ///
    /// As [`Proxy::start`].
    pub async fn start_at(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::start_observed(config, clock, None, Threads::default(), Metrics::new()).await
    }

    /// [`Proxy::start`] with threads of its own for clients.
    pub(super) async fn start_on_threads(config: Config, metrics: Metrics) -> Result<Self, StartError> {
        let threads = Threads::start(config.server.threads).map_err(StartError::Threads)?;
        Self::start_observed(config, Arc::new(SystemClock), None, threads, metrics).await
    }

    /// The same with a further observer of every request, and with threads for clients.
    pub(crate) async fn start_observed(
        mut config: Config,
        clock: Arc<dyn Clock>,
        observer: Option<Arc<dyn Observer>>,
        threads: Threads,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let (sockets, held) = Sockets::open(&mut config, &Sockets::default())?;
        let sources = Sources::new(&config, &clock, None, Some(metrics.calls())).await?;
        let recorder = Arc::new(Recorder::new(metrics.clone(), observer));
        let descriptors = Descriptors::unlimited();
        descriptors.provide_for(config.server.max_clients, sockets.iter().count());
        let pipeline = Pipeline::within(
            &descriptors.upstream,
            &config,
            sources.by_connection(),
            Arc::clone(&clock),
            recorder,
            &metrics,
        )?;
        let readiness = Readiness::new();
        let loads = Loads::new(&config, clock.now(), &metrics);
        let connections = sources.watched();
        let reports = Admin::new(
            readiness.clone(),
            connections.clone(),
            metrics.clone(),
            Guard::new(&config),
            loads.clone(),
        );
        let limits = limits::of_clients(&config.server);
        let observer: Arc<dyn ServerObserver> = Arc::new(metrics.clone());
        let rejections: Arc<dyn RejectionHandler> = Arc::new(Rejections::new(metrics.clone()));
        let proxy = Self {
            clock,
            readiness,
            loads,
            clients: Server::new(limits, Arc::clone(&observer), Arc::clone(&rejections))
                .on(threads)
                .within(&descriptors.clients),
            admin: Server::new(limits::ADMIN, observer, rejections).within(&descriptors.admin),
            descriptors,
            metrics,
            pipeline: Arc::new(ArcSwap::from_pointee(pipeline)),
            reports: Arc::new(ArcSwap::from_pointee(reports)),
            parts: Mutex::new(Parts {
                sockets: Sockets::default(),
                sources,
                serving: HashMap::new(),
            }),
            running: ArcSwap::from_pointee(Running {
                config: Arc::new(config),
                connections,
            }),
        };
        let mut parts = proxy.parts.lock().await;
        proxy.watch_connections(&parts);
        proxy.serve(&mut parts, sockets, held);
        drop(parts);
        Ok(proxy)
    }

    /// The address of the shared listener, its port the one that was taken.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.config().server.listen
    }

    /// The address of a connection's own listener.
    #[must_use]
    pub fn connection_addr(&self, name: &ConnectionName) -> Option<SocketAddr> {
        self.config().connections.get(name)?.listen
    }

    /// The address of the admin listener.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.config().server.admin
    }

    /// The configuration it runs with: addresses are those that were taken.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.running.load().config)
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Requests every connection's credentials in the background, so that the first requests do not have to wait and
    /// what is wrong is in the log before a client meets it. Failing changes nothing.
    pub fn warm_up(&self) {
        for WatchedConnection { source, .. } in self.running.load().connections.clone() {
            // The source itself logs how it went.
            tokio::spawn(async move { drop(source.credentials().await) });
        }
    }

    /// Whether all threads that serve clients respond; waits until they do.
    pub(super) async fn responds(&self) -> bool {
        self.clients.threads_respond().await
    }

    /// Fails `/readyz`, serves new clients for `server.shutdown_delay` more, closes the listeners and lets running requests
    /// finish, all that at most for `server.shutdown_deadline`. The admin listener closes last.
    pub async fn shutdown(&self) -> Drained {
        self.readiness.end();
        let (delay, deadline) = {
            let server = &self.config().server;
            (server.shutdown_delay, server.shutdown_deadline)
        };
        if !delay.is_zero() {
            sleep(delay).await;
            tracing::info!("no new clients: the listeners close");
        }
        let drained = self.clients.shutdown(deadline.saturating_sub(delay)).await;
        self.admin.shutdown(ADMIN_SHUTDOWN_TIMEOUT).await;
        self.write_records().await;
        drained
    }

    /// Ends everything at once; what is cut are requests, not connections that have none.
    pub async fn cut(&self) -> Drained {
        self.readiness.end();
        let drained = self.clients.shutdown(IDLE_SHUTDOWN_TIMEOUT).await;
        self.admin.shutdown(ADMIN_SHUTDOWN_TIMEOUT).await;
        self.write_records().await;
        drained
    }

    /// Nothing that was recorded is lost by an end in order.
    async fn write_records(&self) {
        let pipeline = self.pipeline.load_full();
        // Fails where the runtime ends, and then each book writes itself when it is dropped.
        drop(tokio::task::spawn_blocking(move || pipeline.write_records()).await);
    }

    /// What is reported of the running configuration from now on.
    pub(super) fn run_with(&self, config: Config, connections: Vec<WatchedConnection>) {
        self.running.store(Arc::new(Running {
            config: Arc::new(config),
            connections,
        }));
    }
}
