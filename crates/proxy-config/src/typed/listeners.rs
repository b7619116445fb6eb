//! The rules of listeners: one address each, nobody unknown from outside, no way back into ourselves.

use std::net::{IpAddr, SocketAddr};

use auth_model::Secret;

use crate::key_path::KeyPath;
use crate::proxy_url::address;
use crate::report::Report;
use crate::{Config, EndpointUrl};

/// Checks every listener, and every endpoint against them.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    let listeners = listeners(config);
    for (index, (key, address)) in listeners.iter().enumerate() {
        let taken = listeners
            .iter()
            .take(index)
            .find(|(_, other)| overlap(*address, *other));
        if let Some((other, _)) = taken {
            let (key, other) = written_first(report, key, other);
            let message = format!(r#"is the same address as {other}: every listener needs its own port, or "off""#);
            report.reject(key, message);
        }
        // The admin listener shows names and numbers and signs nothing; kubelets probe it from outside.
        let signs = *key != KeyPath::of("server.admin");
        if signs && !is_loopback(address.ip()) && !config.server.allow_unauthenticated_clients {
            let message = "can be reached from other machines, and whoever reaches it acts with the credentials of \
                           the connections: use 127.0.0.1, or set server.allow_unauthenticated_clients = true where \
                           the network lets only trusted clients in";
            report.reject(key, message);
        }
    }
    for (key, endpoint) in endpoints(config) {
        let is_ours = |address: SocketAddr| {
            let is_own_name = config.server.gateway_hosts.iter().any(|name| name == endpoint.host());
            leads_to(&endpoint, address) || (is_own_name && endpoint.port_or_default() == address.port())
        };
        if let Some((listener, _)) = listeners.iter().find(|(_, address)| is_ours(*address)) {
            // These come from variables that are often meant for the clients beside the proxy.
            let remedy = if key.is_within(&KeyPath::of("upstream")) {
                format!("; unset the variable for this process, or set {key} = \"\"")
            } else {
                String::new()
            };
            let message = format!("is this proxy's own listener {listener}: requests would loop for ever{remedy}");
            report.reject(&key, message);
        }
    }
    if config.server.listen.is_none() && !report.knows(&KeyPath::of("server.listen")) {
        for (name, connection) in &config.connections {
            if connection.listen.is_none() {
                let key = KeyPath::of("connections").entry(name.as_str()).entry("listen");
                report.reject(
                    &key,
                    "missing: server.listen is off, so nothing reaches this connection",
                );
            }
        }
    }
}

/// The key to report before the other: of two with one address, that which the operator wrote.
fn written_first<'a>(report: &Report<'_>, key: &'a KeyPath, other: &'a KeyPath) -> (&'a KeyPath, &'a KeyPath) {
    if report.sources.wrote(key) || !report.sources.wrote(other) {
        (key, other)
    } else {
        (other, key)
    }
}

fn listeners(config: &Config) -> Vec<(KeyPath, SocketAddr)> {
    let shared = config
        .server
        .listen
        .map(|address| (KeyPath::of("server.listen"), address));
    let admin = config
        .server
        .admin
        .map(|address| (KeyPath::of("server.admin"), address));
    let own = config.connections.iter().filter_map(|(name, connection)| {
        let key = KeyPath::of("connections").entry(name.as_str()).entry("listen");
        Some((key, connection.listen?))
    });
    shared.into_iter().chain(admin).chain(own).collect()
}

/// Everything the proxy connects to that the operator named.
fn endpoints(config: &Config) -> Vec<(KeyPath, EndpointUrl)> {
    let sts = config
        .sts
        .endpoint
        .iter()
        .map(|url| (KeyPath::of("sts.endpoint"), url.clone()));
    let proxy = |name: &str, url: &Option<Secret>| {
        let url = address(url.as_ref()?.expose()).ok()?;
        Some((KeyPath::of(name), url))
    };
    let proxies = [
        proxy("upstream.https_proxy", &config.upstream.proxy.https),
        proxy("upstream.http_proxy", &config.upstream.proxy.http),
    ];
    let own = config.connections.iter().flat_map(|(name, connection)| {
        let table = KeyPath::of("connections").entry(name.as_str());
        let urls = [
            (table.entry("endpoint"), connection.endpoint.clone()),
            (table.entry("sts_endpoint"), connection.sts_endpoint.clone()),
        ];
        urls.into_iter().filter_map(|(key, url)| Some((key, url?)))
    });
    sts.chain(proxies.into_iter().flatten()).chain(own).collect()
}

/// Whether both cannot be bound at once. Port 0 is a fresh port each time.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let any = |ip: IpAddr| ip.is_unspecified();
    a.port() != 0 && a.port() == b.port() && (a.ip() == b.ip() || any(a.ip()) || any(b.ip()))
}

/// Whether a connection to the endpoint arrives at the listener, as far as the addresses tell.
fn leads_to(endpoint: &EndpointUrl, listener: SocketAddr) -> bool {
    if endpoint.port_or_default() != listener.port() {
        return false;
    }
    let own = listener.ip().to_canonical();
    match endpoint.ip().map(|ip| ip.to_canonical()) {
        Some(ip) if ip.is_unspecified() => own == ip || own.is_loopback(),
        Some(ip) if ip.is_loopback() => own == ip || own.is_unspecified(),
        Some(ip) => own == ip,
        None => is_localhost(endpoint.host()) && (own.is_loopback() || own.is_unspecified()),
    }
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
