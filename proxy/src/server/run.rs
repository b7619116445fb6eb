//! Running as a program: says where it listens, follows its configuration, and stops when it is told to.

use std::convert::Infallible;
use std::net::SocketAddr;

use super::proxy::{Proxy, StartError};
use super::signals::{ReloadSignal, StopSignals};
use super::watch::FileWatch;
use crate::config::{ConfigError, ConnectionConfig, Environment, Loaded, Overrides, load, reload};
use crate::log;
use crate::process::{FileLimits, LandlockError, system_files};

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
/// configuration loaded again.
///
/// # Errors
///
/// [`RunError`] where it cannot begin.
pub async fn run(overrides: &Overrides, environment: &Environment) -> Result<(), RunError> {
    // Before anything else: a signal that comes while the configuration is read must not end the process by itself.
    let mut signals = StopSignals::new().map_err(StartError::Signals)?;
    let reload_signal = ReloadSignal::new().map_err(StartError::Signals)?;
    let loaded = load(overrides, environment)?;
    let logging = log::init(loaded.config.log);
    tracing::info!(
        file = loaded.file.as_ref().map(|file| tracing::field::display(file.display())),
        connections = loaded.config.connections.len(),
        "configuration read"
    );
    // Before there is another thread.
    let limits = limit_files(&loaded, environment)?;
    let files = FileWatch::of(loaded.files).await;
    let proxy = Proxy::start_on_threads(loaded.config).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "signing-proxy starts");
    announce(&proxy);
    proxy.warm_up();
    let signal = tokio::select! {
        signal = signals.next() => signal,
        never = follow(&proxy, reload_signal, files, (overrides, environment), (limits.as_ref(), &logging)) => match never {},
    };
    tracing::info!(
        signal,
        deadline = ?proxy.config().server.shutdown_deadline,
        "stopping: no new requests, running ones may finish; a second signal ends them"
    );
    let drained = tokio::select! {
        drained = proxy.shutdown() => drained,
        _ = signals.next() => proxy.cut().await,
    };
    if drained.cut == 0 {
        tracing::info!("stopped");
    } else {
        tracing::warn!(clients = drained.cut, "stopped; requests of these clients were cut");
    }
    Ok(())
}

/// Keeps the process from all files but those that it needs, where the configuration says so.
fn limit_files(loaded: &Loaded, environment: &Environment) -> Result<Option<FileLimits>, LandlockError> {
    if !loaded.config.process.landlock {
        return Ok(None);
    }
    let of_system = system_files(environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR"));
    let limits = FileLimits::new(loaded.places.iter().cloned().chain(of_system));
    limits.restrict()?;
    for path in limits.places() {
        tracing::debug!(path = %path.display(), "stays within reach");
    }
    tracing::info!(
        places = limits.places().count(),
        "files are limited to these places (process.landlock)"
    );
    Ok(Some(limits))
}

/// Loads the configuration again whenever it is asked for; flags and variables stay those of the start.
async fn follow(
    proxy: &Proxy,
    mut signal: ReloadSignal,
    mut files: FileWatch,
    (overrides, environment): (&Overrides, &Environment),
    (limits, logging): (Option<&FileLimits>, &log::Control),
) -> Infallible {
    loop {
        let cause = tokio::select! {
            () = signal.next() => "SIGHUP",
            () = files.changed(), if proxy.config().server.watch => "a file has changed",
        };
        tracing::info!(cause, "loading the configuration again");
        let before = files.now().await;
        let loaded = reload(overrides, environment, limits);
        files = match &loaded {
            Ok(loaded) => before.follow(&loaded.files).await,
            // What was followed may mend it as well.
            Err(error) => before.follow_also(error.files()).await,
        };
        // Why it was not, it says itself.
        if proxy.reload(loaded.map(|loaded| loaded.config)).await.is_ok() {
            logging.change(proxy.config().log);
            announce(proxy);
            proxy.warm_up();
        }
    }
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
