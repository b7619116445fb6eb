//! `[upstream]`: roots, the proxy on the way, the pool.

use std::fs::File;

use auth_model::Secret;

use crate::keys::{RawUpstream, Written};
use crate::proxy_url::{address, without_user_info};
use crate::table::Table;
use crate::{PoolConfig, UpstreamConfig, UpstreamProxy};

pub(super) fn upstream(table: &Table<'_>, raw: &RawUpstream) -> UpstreamConfig {
    let ca_file = table.path("ca_file", raw.ca_file.as_deref());
    if let Some(path) = &ca_file {
        table.report.depends_on(path);
        if let Err(error) = File::open(path) {
            table.reject("ca_file", format!("cannot be read: {error}"));
        }
    }
    let allow_addresses: Vec<_> = raw.allow_addresses.iter().map(|text| text.parse().ok()).collect();
    if allow_addresses.iter().any(Option::is_none) {
        let message = r#"must be addresses or CIDR blocks, such as ["127.0.0.0/8", "::1"]"#;
        table.reject("allow_addresses", message);
    }
    UpstreamConfig {
        allow_addresses: allow_addresses.into_iter().flatten().collect(),
        ca_file,
        proxy: UpstreamProxy {
            https: proxy(table, "https_proxy", raw.https_proxy),
            http: proxy(table, "http_proxy", raw.http_proxy),
            no_proxy: raw.no_proxy.as_deref().map(|list| {
                // No host has one, and then it is nobody's business.
                let entries = list.split(',').map(without_user_info);
                entries.collect::<Vec<_>>().join(",")
            }),
        },
        pool: PoolConfig {
            idle_timeout: table.duration("pool_idle_timeout", &raw.pool_idle_timeout),
            idle_per_host: raw.pool_idle_per_host,
        },
    }
}

/// The proxy's URL; an empty string is none, which overrides the environment.
fn proxy(table: &Table<'_>, name: &str, written: Option<Written>) -> Option<Secret> {
    let text = table.secret(name, written)?;
    if text.expose().is_empty() {
        return None;
    }
    // Without a scheme is common in the variables, and clear.
    let url = if text.expose().contains("://") {
        text.clone()
    } else {
        Secret::new(format!("http://{}", text.expose()))
    };
    if address(url.expose()).is_ok() {
        return Some(url);
    }
    let message = "must be http://[USER:PASSWORD@]HOST[:PORT]: proxies are reached by plain HTTP and CONNECT";
    table.reject(name, message);
    None
}
