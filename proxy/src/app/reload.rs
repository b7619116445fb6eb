//! Another configuration for a running proxy.
//!
//! - Everything that can fail is done first, beside what runs: files are read, sockets opened, connections set up. A
//!   failure leaves all as it was.
//! - Then one pointer is exchanged. A request that has begun keeps the pipeline it began with, the next one of the same
//!   client takes the new one; the last request of the old pipeline frees it.
//! - A connection whose credentials are obtained as before keeps them, and one that is reached as before keeps its
//!   pool; see [`Sources`] and [`proxy_core::pipeline::Pipeline::successor`].
//! - A listener whose address stays is not touched. One that is taken out lets its requests finish with the old
//!   pipeline.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http_server::Server;
use proxy_config::{Config, ConfigError};
use resource_limits::ListenerRole;

use super::limits;
use super::proxy::{Parts, Proxy, StartError};
use super::reloadable::Reloadable;
use super::sockets::{HeldListeners, Sockets};
use super::sources::Sources;
use crate::admin::{Admin, Guard};
use crate::log::Chain;

/// Problems of a configuration that are reported; the rest is counted.
const MOST_PROBLEMS: usize = 20;

/// Why a running proxy keeps its configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The new configuration cannot be used.
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    /// What it wants cannot be set up.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The proxy is stopping.
    #[error("the proxy is stopping")]
    Stopping,
}

/// A new configuration is in effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reloaded {
    /// How many configurations have been in effect, the first included.
    pub generation: u64,
}

impl Proxy {
    /// Replaces the configuration by the one that was loaded, or leaves all as it is: then the log, `/readyz` and the
    /// metrics say why.
    ///
    /// Running requests finish with what they began with. Connections that are set up as before keep their credentials
    /// and pools, listeners that stay keep their clients. One reload runs at a time. Dropping the future leaves either
    /// the old configuration or the new one.
    ///
    /// # Errors
    ///
    /// [`ReloadError`]; then nothing has changed.
    pub async fn reload(&self, loaded: Result<Config, ConfigError>) -> Result<Reloaded, ReloadError> {
        let mut parts = self.parts.lock().await;
        let replaced = match loaded {
            Ok(config) => self.replace(&mut parts, config).await,
            Err(error) => Err(error.into()),
        };
        match &replaced {
            Ok(_) => {}
            Err(ReloadError::Stopping) => tracing::info!("configuration not reloaded: the proxy is stopping"),
            Err(error) => self.loads.failed(problems(error), self.clock.now(), &self.metrics),
        }
        replaced
    }

    async fn replace(&self, parts: &mut Parts, mut config: Config) -> Result<Reloaded, ReloadError> {
        if !self.readiness.holds() {
            return Err(ReloadError::Stopping);
        }
        let (sockets, held) = Sockets::open(&mut config, &parts.sockets).map_err(StartError::from)?;
        let sources = Sources::new(&config, &self.clock, Some(&parts.sources), Some(self.metrics.calls())).await?;
        let pipeline = self
            .pipeline
            .load()
            .successor(&config, sources.by_connection(), &self.metrics)
            .map_err(StartError::from)?;

        // From here on nothing fails and nothing waits.
        let threads = self.config().server.threads;
        if config.server.threads != threads {
            tracing::warn!(
                key = "server.threads",
                in_effect = threads,
                configured = config.server.threads,
                "the configuration changes a key that takes a restart: it has no effect until then"
            );
            config.server.threads = threads;
        }
        let removed: Vec<_> = parts.sockets.iter().filter(|socket| !sockets.has(socket)).collect();
        let ends_with_the_old = removed.iter().filter_map(|socket| parts.serving.remove(&socket.role));
        ends_with_the_old.for_each(|serving| serving.keep());
        pipeline.share(&config.server, &self.metrics);
        self.pipeline.store(Arc::new(pipeline));
        self.reports.store(Arc::new(Admin::new(
            self.readiness.clone(),
            sources.watched(),
            self.metrics.clone(),
            Guard::new(&config),
            self.loads.clone(),
        )));
        let limits = limits::of_clients(&config.server);
        self.descriptors.provide_for(limits.max_clients, sockets.iter().count());
        self.clients.limit(limits);
        let deadline = config.server.shutdown_deadline;
        let closing: Vec<_> = removed
            .iter()
            .map(|socket| self.server(&socket.role).close(&socket.role, deadline))
            .collect();
        drop(removed);
        let generation = self.loads.succeeded(&config, self.clock.now(), &self.metrics);
        self.run_with(config, sources.watched());
        parts.sources = sources;
        self.watch_connections(parts);
        self.serve(parts, sockets, held);
        // The next reload may want to open what this one closes.
        for closed in closing {
            closed.await;
        }
        Ok(Reloaded { generation })
    }

    /// Has the metrics report the connections that there are.
    pub(super) fn watch_connections(&self, parts: &Parts) {
        self.metrics.watch_connections(parts.sources.each());
    }

    /// Begins to serve those of the sockets that are not served yet.
    pub(super) fn serve(&self, parts: &mut Parts, sockets: Sockets, held: HeldListeners) {
        for socket in sockets.iter().filter(|socket| !parts.sockets.has(socket)) {
            let Some(listener) = socket.listener() else { continue };
            match socket.role.clone() {
                role @ ListenerRole::Admin => {
                    let serving = Arc::new(Reloadable::new(&self.reports));
                    self.admin.listen(listener, role, &serving);
                }
                role @ (ListenerRole::Shared | ListenerRole::Connection(_)) => {
                    let serving = Arc::new(Reloadable::new(&self.pipeline));
                    self.clients.listen(listener, role.clone(), &serving);
                    parts.serving.insert(role, serving);
                }
            }
        }
        parts.sockets = sockets;
        drop(held);
    }

    fn server(&self, role: &ListenerRole) -> &Server {
        match role {
            ListenerRole::Admin => &self.admin,
            ListenerRole::Shared | ListenerRole::Connection(_) => &self.clients,
        }
    }
}

/// What is wrong, one thing after the other.
fn problems(error: &ReloadError) -> Vec<String> {
    let ReloadError::Config(config) = error else {
        return vec![Chain(error).to_string()];
    };
    let all = config.problems();
    let mut reported: Vec<_> = all.iter().take(MOST_PROBLEMS).map(ToString::to_string).collect();
    if let Some(more) = all.len().checked_sub(MOST_PROBLEMS).filter(|more| *more > 0) {
        reported.push(format!("and {more} more: run signing-proxy config check"));
    }
    reported
}
