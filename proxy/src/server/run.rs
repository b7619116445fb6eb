//! Running as a program: says where it listens, and stops when it is told to.

use std::net::SocketAddr;

use super::proxy::{Proxy, StartError};
use super::signals::StopSignals;
use crate::config::{Config, ConnectionConfig};

/// Serves until SIGTERM or SIGINT, then lets running requests finish; a second signal cuts them.
///
/// # Errors
///
/// [`StartError`] where it cannot begin.
pub async fn run(config: Config) -> Result<(), StartError> {
    let mut signals = StopSignals::new().map_err(StartError::Signals)?;
    let proxy = Proxy::start(config).await?;
    announce(&proxy);
    proxy.warm_up();
    let signal = signals.next().await;
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

/// Where it listens, which connections there are and how clients reach each.
fn announce(proxy: &Proxy) {
    let server = &proxy.config().server;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "signing-proxy starts");
    if let Some(addr) = proxy.addr() {
        tracing::info!(
            %addr,
            "listening for all connections: base URL http://{addr}/@NAME, or http_proxy=http://{addr} for AWS host names"
        );
    }
    for (name, connection) in &proxy.config().connections {
        let ConnectionConfig {
            connection: signs,
            endpoint,
            ..
        } = connection;
        let only = proxy.config().connections.len() == 1;
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
