//! The proxy's own names, and how a client names a connection there.

use std::collections::BTreeSet;

use proxy_config::Config;

use crate::admit::HostPort;
use crate::browser::{OwnName, OwnNames};
use crate::error::ErrorCode;

/// Where clients may call the proxy as if it were the service.
#[derive(Debug)]
pub(super) struct GatewayNames {
    names: OwnNames,
    ports: BTreeSet<u16>,
}

impl GatewayNames {
    pub(super) fn new(config: &Config) -> Self {
        let own = config.connections.values().filter_map(|connection| connection.listen);
        Self {
            names: OwnNames::new(&config.server.gateway_hosts),
            ports: config
                .server
                .listen
                .into_iter()
                .chain(own)
                .map(|addr| addr.port())
                .collect(),
        }
    }

    /// The bucket that may stand before one of the proxy's names.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::GatewayHostRejected`] for a host that is none of the proxy's names.
    pub(super) fn accept(&self, host: &HostPort) -> Result<Option<String>, ErrorCode> {
        match self.names.check(host)? {
            OwnName::Whole => Ok(None),
            OwnName::Below(bucket) => Ok(Some(bucket)),
        }
    }

    /// Whether a whole URL can only mean the proxy itself: one of its names with a port it listens on.
    ///
    /// A client that sends whole URLs takes the proxy for an HTTP proxy; `http://localhost:3000/` then means some
    /// other server, whose requests must not be signed and sent to AWS.
    pub(super) fn is_own_address(&self, host: &HostPort) -> bool {
        let is_named = host.ip().is_some_and(|ip| ip.is_loopback()) || self.names.is_configured(host.host());
        is_named && self.ports.contains(&host.port().unwrap_or(80))
    }
}

/// Splits `/@NAME/rest` (or `/%40NAME/rest`, as some clients escape it) into the name and `/rest`.
pub(super) fn split_prefix(target: &str) -> Option<(&str, String)> {
    let rest = target.strip_prefix("/@").or_else(|| target.strip_prefix("/%40"))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let rest = if rest.starts_with('/') {
        rest.to_owned()
    } else {
        format!("/{rest}")
    };
    Some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_prefix(target: &str, want: Option<(&str, &str)>) {
        let got = split_prefix(target);
        assert_eq!(
            got.as_ref().map(|(name, rest)| (*name, rest.as_str())),
            want,
            "{target}"
        );
    }

    #[test]
    fn the_prefix_is_cut_off() {
        check_prefix("/@a/b/c?d=e", Some(("a", "/b/c?d=e")));
        check_prefix("/@a", Some(("a", "/")));
        check_prefix("/@a/", Some(("a", "/")));
        check_prefix("/@a?x", Some(("a", "/?x")));
        check_prefix("/%40a//b", Some(("a", "//b")));
        check_prefix("/@", Some(("", "/")));
        check_prefix("/a/@b/c", None);
        check_prefix("/", None);
    }
}
