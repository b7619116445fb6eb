//! The proxy's own names, and how a client names a connection there.

use std::collections::BTreeSet;

use crate::admit::HostPort;
use crate::config::Config;
use crate::error::ErrorCode;

/// Names under which clients may call the proxy as if it were the service.
///
/// The list keeps web pages out: a page can point a name of its own at a loopback address (DNS rebinding), but it
/// cannot make the browser send one of these names.
#[derive(Debug)]
pub(super) struct GatewayNames {
    configured: Vec<String>,
    ports: BTreeSet<u16>,
}

impl GatewayNames {
    pub(super) fn new(config: &Config) -> Self {
        let own = config.connections.values().filter_map(|connection| connection.listen);
        Self {
            configured: config.server.gateway_hosts.clone(),
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
    /// [`ErrorCode::GatewayHostRefused`] for a host that is none of the proxy's names.
    pub(super) fn accept(&self, host: &HostPort) -> Result<Option<String>, ErrorCode> {
        let name = host.host();
        if host.ip().is_some() || !name.contains('.') {
            return Ok(None);
        }
        for known in self.configured.iter().map(String::as_str).chain(["localhost"]) {
            match name.strip_suffix(known) {
                Some("") => return Ok(None),
                Some(before) => {
                    if let Some(bucket) = before.strip_suffix('.') {
                        return Ok(Some(bucket.to_owned()));
                    }
                }
                None => {}
            }
        }
        Err(ErrorCode::GatewayHostRefused)
    }

    /// Whether a whole URL can only mean the proxy itself: one of its names with a port it listens on.
    ///
    /// A client that sends whole URLs takes the proxy for an HTTP proxy; `http://localhost:3000/` then means some
    /// other server, whose requests must not be signed and sent to AWS.
    pub(super) fn is_own_address(&self, host: &HostPort) -> bool {
        let is_named = host.ip().is_some_and(|ip| ip.is_loopback())
            || host.host() == "localhost"
            || self.configured.iter().any(|name| name == host.host());
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

    #[test]
    fn own_names_are_told_from_others() {
        let names = GatewayNames {
            configured: vec!["signer.internal".to_owned()],
            ports: [8080].into(),
        };
        let accept = |host: &str| names.accept(&HostPort::parse(host).unwrap());
        for own in [
            "127.0.0.1",
            "[::1]:8080",
            "192.0.2.7",
            "localhost:1",
            "signer",
            "signer.internal",
        ] {
            assert_eq!(accept(own), Ok(None), "{own}");
        }
        assert_eq!(accept("b.localhost:8080"), Ok(Some("b".to_owned())));
        assert_eq!(accept("a.b.signer.internal"), Ok(Some("a.b".to_owned())));
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "xlocalhost.x",
            "xsigner.internal",
        ] {
            assert_eq!(accept(foreign), Err(ErrorCode::GatewayHostRefused), "{foreign}");
        }
    }
}
