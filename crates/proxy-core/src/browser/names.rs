//! The names under which the proxy may be called: a page can point a name of its own at a loopback address (DNS
//! rebinding), but it cannot make the browser send one of these.

use crate::admit::HostPort;
use crate::error::ErrorCode;

/// The proxy's own names, besides IP addresses.
#[derive(Clone, Debug)]
pub struct OwnNames {
    /// `server.gateway_hosts`, lower case.
    configured: Vec<String>,
    /// The machine's own name: one label, lower case. Whoever may take it for another machine of the network can as well
    /// take any other name that the operator trusts.
    machine: Option<String>,
}

/// One of the proxy's own names.
#[derive(Debug, Eq, PartialEq)]
pub enum OwnName {
    /// The name itself, or an address.
    Whole,
    /// What stands before the name and a dot: a bucket, where there are buckets.
    Below(String),
}

impl OwnNames {
    /// The configured names, `localhost` and that of this machine.
    #[must_use]
    pub fn new(configured: &[String]) -> Self {
        let system = rustix::system::uname();
        Self::of_machine(configured, &system.nodename().to_string_lossy())
    }

    pub(super) fn of_machine(configured: &[String], machine: &str) -> Self {
        let label = machine.split('.').next().unwrap_or_default().to_ascii_lowercase();
        Self {
            configured: configured.to_vec(),
            machine: (!label.is_empty()).then_some(label),
        }
    }

    /// Which of them the host is. This is the rule against DNS rebinding, on all listeners.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::GatewayHostRejected`] for a name that is not the proxy's.
    pub fn check(&self, host: &HostPort) -> Result<OwnName, ErrorCode> {
        self.find(host).ok_or(ErrorCode::GatewayHostRejected)
    }

    fn find(&self, host: &HostPort) -> Option<OwnName> {
        let name = host.host();
        let is_whole = host.ip().is_some() || self.machine.as_deref() == Some(name);
        if is_whole || self.is_configured(name) {
            return Some(OwnName::Whole);
        }
        self.configured
            .iter()
            .map(String::as_str)
            .chain(["localhost"])
            .find_map(|known| name.strip_suffix(known)?.strip_suffix('.'))
            .map(|below| OwnName::Below(below.to_owned()))
    }

    /// Whether the name is `localhost` or one that the operator wrote.
    #[must_use]
    pub fn is_configured(&self, name: &str) -> bool {
        name == "localhost" || self.configured.iter().any(|known| known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(host: &str) -> Option<OwnName> {
        let names = OwnNames::of_machine(
            &["signer.internal".to_owned(), "signer".to_owned()],
            "Build-7.example.com",
        );
        names.find(&HostPort::parse(host).unwrap())
    }

    #[test]
    fn own_names_are_addresses_localhost_the_machine_and_configured_ones() {
        for own in [
            "127.0.0.1",
            "[::1]:8080",
            "192.0.2.7",
            "localhost:1",
            "LOCALHOST.",
            "signer",
            "Signer:8080",
            "signer.internal",
            "build-7",
        ] {
            assert_eq!(find(own), Some(OwnName::Whole), "{own}");
        }
        for (host, below) in [
            ("b.localhost:8080", "b"),
            ("a.b.signer.internal", "a.b"),
            ("b.signer", "b"),
        ] {
            assert_eq!(find(host), Some(OwnName::Below(below.to_owned())), "{host}");
        }
    }

    #[test]
    fn no_other_name_is_the_proxys_whether_it_has_a_dot_or_not() {
        for foreign in [
            "evil",
            "evil:8080",
            "evil.example",
            "localhost.evil.example",
            "xlocalhost",
            "xlocalhost.x",
            "xsigner.internal",
            "build-7.example.com",
            "b.build-7",
            "127.0.0.1.evil.example",
        ] {
            assert_eq!(find(foreign), None, "{foreign}");
        }
    }
}
