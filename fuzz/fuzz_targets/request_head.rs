//! Any head at the gate: rejected with an error of ours, or made ready for a host of the chosen connection's alone.
#![no_main]

use std::sync::LazyLock;

use auth_model::{ConnectionName, Region, ServiceId};
use aws_endpoints::{EndpointVariant, HostError, endpoint, parse_host, partition_of};
use http::Uri;
use http::request::Parts;
use libfuzzer_sys::fuzz_target;
use proxy_config::{Config, ConnectionConfig, Environment};
use proxy_core::error::ProxyError;
use resource_limits::ListenerRole;
use proxy_core::fuzzing::{HeadSteps, Ready};
use signing_proxy_fuzz::Text;

/// Every kind of route; endpoints whose names hold one another.
const CONFIG: &str = include_str!("request_head.toml");

struct World {
    config: Config,
    all: HeadSteps,
    /// For each connection, a gate that knows no other.
    alone: Vec<(ConnectionName, HeadSteps)>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let config = Config::from_toml(CONFIG, &Environment::empty()).unwrap();
    let alone = config.connections.keys().map(|name| {
        let mut one = config.clone();
        one.connections.retain(|other, _| other == name);
        (name.clone(), HeadSteps::new(&one).unwrap())
    });
    World {
        all: HeadSteps::new(&config).unwrap(),
        alone: alone.collect(),
        config,
    }
});

fuzz_target!(|input: &[u8]| {
    let text = Text::read(input);
    let Some(head) = text.head() else {
        return;
    };
    let own = WORLD.alone.iter().find(|(name, _)| name.as_str() == text.word);
    let listener = own.map_or(ListenerRole::Shared, |(name, _)| ListenerRole::Connection(name.clone()));
    let outcome = WORLD.all.pass(head.clone(), &listener);
    match &outcome {
        Err(error) => check_rejection(error, &head),
        Ok(ready) => check_ready(ready, &head),
    }
    if let Some((name, gate)) = own {
        if let Ok(ready) = &outcome {
            assert_eq!(ready.connection, *name);
        }
        // Other connections may take a request away from a listener, but not send it elsewhere.
        if let (Ok(ready), Ok(alone)) = (outcome, gate.pass(head, &listener)) {
            assert_eq!((ready.head.uri, ready.scope), (alone.head.uri, alone.scope));
        }
    }
});

fn check_rejection(error: &ProxyError, head: &Parts) {
    let response = WORLD.all.reject(error, &head.headers);
    assert!(response.status().is_client_error() || response.status().is_server_error());
    assert_ne!(error.code().name(), "internal");
    assert_eq!(response.headers()["x-signing-proxy-error"], error.code().name());
    let body = std::str::from_utf8(response.body()).unwrap();
    assert!(body.contains(error.code().name()) && body.len() < 8192);
    assert!(
        !body.trim_end().contains(|c: char| c.is_control() && c != '\n'),
        "{body:?}"
    );
}

fn check_ready(ready: &Ready, received: &Parts) {
    let connection = &WORLD.config.connections[&ready.connection];
    check_destination(connection, &ready.head.uri);
    assert!(ready.head.uri.path().starts_with('/'));
    assert_eq!(ready.head.method, received.method);
    for gone in [
        "authorization",
        "connection",
        "host",
        "transfer-encoding",
        "x-amz-date",
        "x-amz-security-token",
    ] {
        assert!(!ready.head.headers.contains_key(gone), "{gone}");
    }
    let mut names = ready.head.headers.keys();
    assert!(names.all(|name| !name.as_str().starts_with("x-signing-proxy-")));
}

/// The endpoint or a bucket below it; without one, an AWS host of the connection's service and signing region.
fn check_destination(connection: &ConnectionConfig, uri: &Uri) {
    let authority = uri.authority().unwrap();
    let is_at_or_below = |known: &str| {
        let before = authority.as_str().strip_suffix(known);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let scheme = uri.scheme_str().unwrap();
    if let Some(url) = &connection.endpoint {
        assert_eq!(scheme, url.scheme().as_str());
        assert!(is_at_or_below(&url.authority()), "{authority}");
        return;
    }
    assert_eq!(scheme, "https");
    assert_eq!(authority.port(), None, "{authority}");
    let (service, region) = (&connection.connection.service, &connection.connection.region);
    let home = endpoint(service, region, connection.variant).unwrap();
    let is_meant = |found: &ServiceId, signed: Option<&Region>, variant: EndpointVariant| {
        found == service
            && signed.is_none_or(|signed| *signed == home.signing_region)
            && (variant.fips || !connection.variant.fips)
    };
    let is_meant = match parse_host(authority.host()) {
        Ok(host) => is_meant(&host.service, host.region.as_ref(), host.variant) && !host.needs_sigv4a(),
        Err(HostError::Ambiguous { readings }) => readings
            .iter()
            .any(|host| is_meant(&host.service, host.region.as_ref(), host.variant)),
        Err(_) => is_at_or_below(&home.host),
    };
    assert!(is_meant, "{authority} for {service} in {region}");
    assert!(partition_of(region).is_some());
}
