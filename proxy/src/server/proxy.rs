//! A proxy as a whole: from the configuration to listeners that answer, and back down.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{Clock, ConnectionName, SystemClock};
use credential_assets::InvalidVaultSettings;
use sts_client::CredentialError;
use tokio::net::TcpListener;

use super::sources::sources;
use super::{BindError, Drained, Limits, ListenerRole, Server, bind};
use crate::admin::{Admin, Readiness, Watched};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::pipeline::{Observer, Pipeline, SetupError};
use crate::recorder::Recorder;

/// How long the admin listener may take to finish its last answers, when all clients have gone.
const ADMIN_GOODBYE: Duration = Duration::from_secs(1);

/// The proxy cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A listener cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A connection or the way to the upstreams cannot be set up.
    #[error("the connections cannot be set up")]
    Setup(#[from] SetupError),
    /// A connection's way to its credentials cannot be set up.
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
    /// The process cannot be told of signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
}

/// A running proxy. Dropped, it ends at once; [`Proxy::shutdown`] lets running requests finish.
#[derive(Debug)]
pub struct Proxy {
    config: Config,
    clients: Server,
    admin: Option<Server>,
    readiness: Readiness,
    metrics: Metrics,
    connections: Vec<Watched>,
}

/// Sockets that are open and not yet served.
struct Sockets {
    shared: Option<TcpListener>,
    admin: Option<TcpListener>,
    own: Vec<(ConnectionName, TcpListener)>,
}

impl Proxy {
    /// Opens the configured listeners and serves them. Asks for no credentials yet. Needs a tokio runtime with I/O
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
        Self::start_told(config, clock, None).await
    }

    /// The same with somebody else who is told of every request.
    pub(crate) async fn start_told(
        mut config: Config,
        clock: Arc<dyn Clock>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, StartError> {
        let sockets = Sockets::open(&mut config)?;
        let sources = sources(&config, &clock).await?;
        let metrics = Metrics::new();
        let mut connections = Vec::new();
        for (name, source) in &sources {
            metrics.watch_credentials(name, source.clone());
            if let Some(config) = config.connections.get(name) {
                connections.push(Watched {
                    connection: config.connection.clone(),
                    source: source.clone(),
                });
            }
        }
        let recorder = Arc::new(Recorder::new(metrics.clone(), observer));
        let pipeline = Arc::new(Pipeline::new(&config, sources, clock, recorder, &metrics)?);

        let clients = Server::new(Limits::of(&config.server), metrics.clone());
        if let Some(listener) = sockets.shared {
            clients.listen(listener, ListenerRole::Shared, &pipeline);
        }
        for (name, listener) in sockets.own {
            clients.listen(listener, ListenerRole::Connection(name), &pipeline);
        }
        let readiness = Readiness::new();
        let admin = sockets.admin.map(|listener| {
            let hosts = config.server.gateway_hosts.clone();
            let admin = Admin::new(readiness.clone(), connections.clone(), metrics.clone(), hosts);
            let server = Server::new(Limits::admin(), metrics.clone());
            server.listen(listener, ListenerRole::Admin, &Arc::new(admin));
            server
        });
        Ok(Self {
            config,
            clients,
            admin,
            readiness,
            metrics,
            connections,
        })
    }

    /// The address of the shared listener, its port the one that was taken.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.config.server.listen
    }

    /// The address of a connection's own listener.
    #[must_use]
    pub fn connection_addr(&self, name: &ConnectionName) -> Option<SocketAddr> {
        self.config.connections.get(name)?.listen
    }

    /// The address of the admin listener.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.config.server.admin
    }

    /// The configuration it runs with: addresses are those that were taken.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Asks for every connection's credentials in the background, so that the first requests do not have to wait and
    /// what is wrong is in the log before a client meets it. Failing changes nothing.
    pub fn warm_up(&self) {
        for Watched { source, .. } in self.connections.clone() {
            // The source itself logs how it went.
            tokio::spawn(async move { drop(source.credentials().await) });
        }
    }

    /// Fails `/readyz`, closes the listeners and lets running requests finish, at most for
    /// `server.shutdown_deadline`. The admin listener closes last.
    pub async fn shutdown(&self) -> Drained {
        self.readiness.end();
        let drained = self.clients.shutdown(self.config.server.shutdown_deadline).await;
        self.end_admin().await;
        drained
    }

    /// Ends everything at once.
    pub async fn cut(&self) -> Drained {
        self.readiness.end();
        let drained = self.clients.cut().await;
        self.end_admin().await;
        drained
    }

    async fn end_admin(&self) {
        if let Some(admin) = &self.admin {
            admin.shutdown(ADMIN_GOODBYE).await;
        }
    }
}

impl Sockets {
    /// Opens every listener of the configuration, and writes the addresses that were taken back into it: whoever
    /// compares addresses later has to know the real ports.
    fn open(config: &mut Config) -> Result<Self, BindError> {
        let own = config
            .connections
            .iter_mut()
            .filter_map(|(name, connection)| {
                let key = format!("connections.{name}.listen");
                let listener = open(&mut connection.listen, &key).transpose()?;
                Some(listener.map(|listener| (name.clone(), listener)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            own,
            shared: open(&mut config.server.listen, "server.listen")?,
            admin: open(&mut config.server.admin, "server.admin")?,
        })
    }
}

fn open(addr: &mut Option<SocketAddr>, key: &str) -> Result<Option<TcpListener>, BindError> {
    let Some(addr) = addr else { return Ok(None) };
    let listener = bind(*addr, key)?;
    *addr = listener.local_addr().map_err(|source| BindError {
        addr: *addr,
        key: key.to_owned(),
        source,
    })?;
    Ok(Some(listener))
}
