//! Running as a program: logs where it listens, follows its configuration, reports to the service manager, and stops at a
//! signal.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_server::Drained;
use proxy_config::{ConfigError, ConnectionConfig, Environment, FileLimits, Loaded, Overrides, load, reload};
use proxy_core::metrics::Metrics;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::proxy::{Proxy, StartError};
use super::signals::{ReloadSignal, StopSignals};
use super::watch::FileWatch;
use crate::chain_files::chain_files;
use crate::log;
use crate::process::{LandlockError, ServiceManager, ServiceState, restrict, system_files};

/// The program cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Files cannot be limited.
    #[error(transparent)]
    Landlock(#[from] LandlockError),
    /// The proxy cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Loads the configuration, logs to standard error as it says and serves until SIGTERM or SIGINT; then running requests
/// may finish, and a second signal cuts them. SIGHUP, and a change of its files where `server.watch` is set, have the
/// configuration loaded again. Returns how the shutdown went.
///
/// # Errors
///
/// [`RunError`] where it cannot begin.
pub async fn run(overrides: &Overrides, environment: &Environment) -> Result<Drained, RunError> {
    // Before anything else: a signal that comes while the configuration is read must not end the process by itself.
    let mut signals = StopSignals::new().map_err(StartError::Signals)?;
    let reload_signal = ReloadSignal::new().map_err(StartError::Signals)?;
    let loaded = load(overrides, environment, chain_files)?;
    let logging = log::init(loaded.config.log);
    tracing::info!(
        file = loaded.file.as_ref().map(|file| tracing::field::display(file.display())),
        connections = loaded.config.connections.len(),
        "configuration read"
    );
    // Before files are limited: its socket is one, and the metrics open some.
    let manager = ServiceManager::of(environment);
    let metrics = Metrics::new();
    // Before there is another thread.
    let limits = limit_files(&loaded, environment)?;
    let files = FileWatch::of(loaded.files).await;
    let proxy = Proxy::start_on_threads(loaded.config, metrics).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "signing-proxy starts");
    announce(&proxy);
    manager
        .report(&[ServiceState::Ready, ServiceState::Status(&serving(&proxy))])
        .await;
    proxy.warm_up();
    let serve = async {
        let reloads = Reloads {
            signal: reload_signal,
            overrides,
            environment,
            limits: limits.as_ref(),
            logging: &logging,
        };
        let signal = tokio::select! {
            signal = signals.next() => signal,
            never = reloads.follow(&proxy, &manager, files) => match never {},
        };
        stop(&proxy, &manager, signal, &mut signals).await
    };
    tokio::select! {
        drained = serve => Ok(drained),
        never = watch_threads(&proxy, &manager) => match never {},
    }
}

/// Lets running requests finish, or cuts them at a second signal.
async fn stop(proxy: &Proxy, manager: &ServiceManager, signal: &str, signals: &mut StopSignals) -> Drained {
    let (delay, deadline) = {
        let server = &proxy.config().server;
        (server.shutdown_delay, server.shutdown_deadline)
    };
    if delay.is_zero() {
        tracing::info!(
            signal,
            ?deadline,
            "stopping: no new requests, running ones may finish; a second signal ends them"
        );
    } else {
        tracing::info!(
            signal,
            ?delay,
            ?deadline,
            "stopping: /readyz fails, new requests are served until shutdown_delay is over, and running ones may finish; a \
             second signal ends them"
        );
    }
    let status = ServiceState::Status("stopping: running requests may finish");
    manager.report(&[ServiceState::Stopping, status]).await;
    let drained = tokio::select! {
        drained = proxy.shutdown() => drained,
        _ = signals.next() => proxy.cut().await,
    };
    if drained.cut == 0 {
        tracing::info!("stopped");
    } else {
        tracing::warn!(clients = drained.cut, "stopped; requests of these clients were cut");
    }
    drained
}

/// Reports to the manager's watchdog as long as this runtime and those of all client threads respond.
async fn watch_threads(proxy: &Proxy, manager: &ServiceManager) -> Infallible {
    let Some(period) = manager.watchdog() else {
        return std::future::pending().await;
    };
    let mut due = interval(period);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        if timeout(period, proxy.responds()).await == Ok(true) {
            manager.report(&[ServiceState::Watchdog]).await;
        } else {
            tracing::error!(
                within = ?period,
                "a thread that serves clients does not respond: nothing is reported to the watchdog"
            );
        }
    }
}

/// Keeps the process from all files but those that it needs, where the configuration says so.
fn limit_files(loaded: &Loaded, environment: &Environment) -> Result<Option<FileLimits>, LandlockError> {
    if !loaded.config.process.landlock {
        return Ok(None);
    }
    let of_system = system_files(environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR"));
    let limits = FileLimits::new(loaded.places.iter().cloned().chain(of_system));
    restrict(&limits)?;
    for path in limits.paths() {
        tracing::debug!(path = %path.display(), "stays within reach");
    }
    tracing::info!(
        places = limits.places().count(),
        "files are limited to these places (process.landlock)"
    );
    Ok(Some(limits))
}

/// What reloads need besides the proxy; flags and variables stay those of the start.
struct Reloads<'a> {
    signal: ReloadSignal,
    overrides: &'a Overrides,
    environment: &'a Environment,
    limits: Option<&'a FileLimits>,
    logging: &'a log::Control,
}

impl Reloads<'_> {
    /// Loads the configuration again at each signal, and where its files have changed.
    async fn follow(mut self, proxy: &Proxy, manager: &ServiceManager, mut files: FileWatch) -> Infallible {
        loop {
            let cause = tokio::select! {
                () = self.signal.next() => "SIGHUP",
                () = files.changed(), if proxy.config().server.watch => "a file has changed",
            };
            tracing::info!(cause, "loading the configuration again");
            manager.report(&[ServiceState::Reloading]).await;
            let before = files.now().await;
            let loaded = reload(self.overrides, self.environment, self.limits, chain_files);
            files = match &loaded {
                Ok(loaded) => before.follow(&loaded.files).await,
                // What was followed may mend it as well.
                Err(error) => before.follow_also(error.files()).await,
            };
            // Why it was not, it logs itself.
            let is_reloaded = proxy.reload(loaded.map(|loaded| loaded.config)).await.is_ok();
            let mut status = serving(proxy);
            if is_reloaded {
                self.logging.change(proxy.config().log);
                announce(proxy);
                proxy.warm_up();
            } else {
                status.push_str("; the last reload failed, see the log");
            }
            manager
                .report(&[ServiceState::Ready, ServiceState::Status(&status)])
                .await;
        }
    }
}

/// The line that the service manager shows of a proxy that serves.
fn serving(proxy: &Proxy) -> String {
    let config = proxy.config();
    let shared = proxy.addr().map(|addr| format!(" on {addr}")).unwrap_or_default();
    let count = config.connections.len();
    let plural = if count == 1 { "" } else { "s" };
    format!("serving {count} connection{plural}{shared}")
}

/// Where it listens, which connections there are and how clients reach each.
fn announce(proxy: &Proxy) {
    let config = proxy.config();
    let server = &config.server;
    if let Some(addr) = proxy.addr() {
        tracing::info!(
            %addr,
            "listening for all connections: base URL http://{addr}/@NAME, or http_proxy=http://{addr} for AWS host names"
        );
    }
    for warning in config.warnings() {
        tracing::warn!(warning, "the configuration is worth a second look");
    }
    for (name, connection) in &config.connections {
        let ConnectionConfig {
            connection: signs,
            endpoint,
            ..
        } = connection;
        let only = config.connections.len() == 1;
        tracing::info!(
            connection = %name,
            service = %signs.service,
            region = %signs.region,
            auth = signs.auth.name(),
            endpoint = endpoint.as_ref().map(tracing::field::display),
            base_urls = base_urls(name.as_str(), only, connection.listen, server.listen).join(" "),
            "connection"
        );
    }
    if let Some(addr) = proxy.admin_addr() {
        tracing::info!(%addr, "admin: http://{addr}/readyz and /metrics");
    }
}

/// What a client may use as the service's URL for this connection.
fn base_urls(name: &str, is_only_one: bool, own: Option<SocketAddr>, shared: Option<SocketAddr>) -> Vec<String> {
    let own = own.map(|addr| format!("http://{addr}"));
    let shared = shared.map(|addr| {
        if is_only_one {
            format!("http://{addr}")
        } else {
            format!("http://{addr}/@{name}")
        }
    });
    own.into_iter().chain(shared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_the_shortest_that_work() {
        let (own, shared) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        assert_eq!(base_urls("a", true, None, Some(shared)), ["http://127.0.0.1:2"]);
        assert_eq!(
            base_urls("a", false, Some(own), Some(shared)),
            ["http://127.0.0.1:1", "http://127.0.0.1:2/@a"]
        );
        assert!(base_urls("a", true, None, None).is_empty());
    }
}
