//! Raw in, typed out: every key checked, then the rules between keys.

mod assets;
mod assume_role;
mod auth;
mod browsers;
mod cleartext;
mod connection;
mod dependency_cycles;
mod hosts;
mod isolation;
mod landlock;
mod listeners;
mod permissions;
mod session;
mod stores;
mod upstream;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread::available_parallelism;

use auth_model::{IdentityName, ManagedIdentity};

use super::endpoint::is_dns_name;
use super::key_path::KeyPath;
use super::keys::{RawConfig, RawIdentity, RawLog, RawServer, RawSts};
use super::places::Need;
use super::report::Report;
use super::table::Table;
use super::{Config, LogConfig, ProcessConfig, ServerConfig, StsConfig};

/// The configuration. Only to be used where the report stays empty.
pub(super) fn config(raw: &RawConfig, report: &Report<'_>) -> Config {
    let top = Table::new(report, KeyPath::default());
    report.limit_files(raw.process.landlock);
    // For their problems only: the connections have inherited the values.
    connection::limits(&top.table("defaults.limits"), &raw.defaults.limits);
    connection::timeouts(&top.table("defaults.timeouts"), &raw.defaults.timeouts);
    connection::retry(&raw.retry);

    let identities = identities(&top, &raw.identities);
    let known_identities: Vec<&str> = raw.identities.keys().map(String::as_str).collect();
    let sts = sts(&top.table("sts"), &raw.sts);
    let mut connections = BTreeMap::new();
    for (name, raw) in &raw.connections {
        let table = Table::new(report, KeyPath::of("connections").entry(name));
        let name = named(&table, name);
        let read = connection::connection(&table, name.clone(), raw, &identities, &known_identities, &sts);
        if let (Some(name), Some(read)) = (name, read) {
            connections.insert(name, read);
        }
    }
    if raw.connections.is_empty() && !report.knows(&KeyPath::of("connections")) {
        let message = "missing: there is nothing to sign for; add [connections.NAME] with service, region and auth, \
                       or use the flags --service and --region";
        report.reject(&KeyPath::of("connections"), message);
    }
    let assets = assets::assets(&top.table("assets"), &raw.assets, &connections);
    let config = Config {
        server: server(&top.table("server"), &raw.server),
        connections,
        identities,
        sts,
        assets,
        upstream: upstream::upstream(&top.table("upstream"), &raw.upstream),
        process: ProcessConfig {
            landlock: raw.process.landlock,
        },
        log: log(&top.table("log"), &raw.log),
        notices: report.notices.take(),
        // Of the whole, which is not known here.
        fingerprint: 0,
    };
    listeners::check(&config, report);
    isolation::check(&config, report);
    dependency_cycles::check(&config, report);
    landlock::check(&config, report);
    config
}

fn server(table: &Table<'_>, raw: &RawServer) -> ServerConfig {
    if !raw.gateway_hosts.iter().all(|host| is_dns_name(host)) {
        let message = r#"must be host names without scheme and port, such as ["signer.internal"]"#;
        table.reject("gateway_hosts", message);
    }
    let header_bytes = |key, raw| {
        // The bound is far below what any platform's `usize` holds.
        usize::try_from(table.size(key, raw)).unwrap_or(usize::MAX)
    };
    let spool_dir = table.place("spool_dir", raw.spool_dir.as_deref(), Need::Folder);
    if spool_dir.as_ref().is_some_and(|path| !path.is_dir()) {
        table.reject("spool_dir", "must be a folder that exists");
    }
    let shutdown_delay = table.duration("shutdown_delay", &raw.shutdown_delay);
    let shutdown_deadline = table.duration("shutdown_deadline", &raw.shutdown_deadline);
    if shutdown_delay > shutdown_deadline {
        let message =
            "must not be longer than server.shutdown_deadline, which it is a part of: both begin at the signal to stop";
        table.reject("shutdown_delay", message);
    }
    ServerConfig {
        listen: table.listener("listen", &raw.listen),
        admin: table.listener("admin", &raw.admin),
        allow_unauthenticated_clients: raw.allow_unauthenticated_clients,
        gateway_hosts: raw.gateway_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
        header_timeout: table.duration("header_timeout", &raw.header_timeout),
        idle_timeout: table.duration("idle_timeout", &raw.idle_timeout),
        write_timeout: table.duration("write_timeout", &raw.write_timeout),
        shutdown_delay,
        shutdown_deadline,
        max_header_bytes: header_bytes("max_header_bytes", &raw.max_header_bytes),
        http2_max_header_bytes: header_bytes("http2_max_header_bytes", &raw.http2_max_header_bytes),
        // One where the system does not report it.
        threads: raw
            .threads
            .or_else(|| available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN),
        max_clients: raw.max_clients,
        reserve_percent: raw.reserve_percent,
        body_memory: table.size("body_memory", &raw.body_memory),
        request_memory: table.size("request_memory", &raw.request_memory),
        spool_dir,
        spool_max: table.size("spool_max", &raw.spool_max),
        list_connections: raw.list_connections,
        watch: raw.watch,
        browsers: browsers::browsers(&table.table("browsers"), &raw.browsers),
    }
}

fn log(table: &Table<'_>, raw: &RawLog) -> LogConfig {
    LogConfig {
        format: table.choice("format", &raw.format),
        level: table.choice("level", &raw.level),
    }
}

fn sts(table: &Table<'_>, raw: &RawSts) -> StsConfig {
    if raw.endpoint.is_some() && raw.use_fips {
        table.reject("use_fips", "has no effect beside sts.endpoint: remove one of them");
    }
    StsConfig {
        endpoint: cleartext::endpoint(table, "endpoint", raw.endpoint.as_deref(), raw.allow_cleartext),
        use_fips: raw.use_fips,
        connect_timeout: table.duration("connect_timeout", &raw.connect_timeout),
        operation_timeout: table.duration("operation_timeout", &raw.operation_timeout),
    }
}

fn identities(top: &Table<'_>, raw: &BTreeMap<String, RawIdentity>) -> BTreeMap<IdentityName, ManagedIdentity> {
    let mut identities = BTreeMap::new();
    for (name, raw) in raw {
        let table = Table::new(top.report, KeyPath::of("identities").entry(name));
        let name: Option<IdentityName> = named(&table, name);
        let why = "a managed identity serves one customer organisation";
        let organisation = table.required("organisation", raw.organisation.as_deref(), why);
        let keys = auth::keys(
            &table,
            &auth::WrittenKeys {
                access_key_id: raw.access_key_id,
                secret_access_key: raw.secret_access_key,
                session_token: raw.session_token,
                credentials: raw.credentials,
            },
        );
        if let (Some(name), Some(organisation), Some(keys)) = (name, organisation, keys) {
            let identity = ManagedIdentity {
                name: name.clone(),
                organisation,
                keys,
            };
            identities.insert(name, identity);
        }
    }
    identities
}

/// The name that the operator chose for the table.
fn named<T>(table: &Table<'_>, name: &str) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    match name.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            table.report.reject(&table.path, T::Err::to_string(&error));
            None
        }
    }
}
