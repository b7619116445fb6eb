//! `host[:port]`, as it stands in a `Host` header or an authority.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host with an optional port, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostPort {
    /// Lower case, without the root's dot; an IPv6 address is in brackets.
    host: String,
    port: Option<u16>,
}

impl HostPort {
    /// Reads a reg-name of letters, digits, `-`, `_` and `.`, an IPv4 address or a bracketed IPv6 address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let host_end = text.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match text.get(host_end..)?.find(':') {
            Some(colon) => (text.get(..host_end + colon)?, Some(text.get(host_end + colon + 1..)?)),
            None => (text, None),
        };
        // `host:` with an empty port is the host alone (RFC 3986, section 3.2.3).
        let port = match port {
            Some(digits) if !digits.is_empty() => Some(parse_port(digits)?),
            _ => None,
        };
        let host = match host.strip_prefix('[') {
            Some(inner) => format!("[{}]", inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
            None => parse_name(host)?,
        };
        Some(Self { host, port })
    }

    /// The host, lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port as written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port as written, else this one.
    #[must_use]
    pub fn port_or(&self, default: u16) -> u16 {
        self.port.unwrap_or(default)
    }

    /// Whether browsers take it for this machine, without a look into DNS.
    ///
    /// Source: Secure Contexts, section "Is origin potentially trustworthy?".
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let is_name = || self.host == "localhost" || self.host.ends_with(".localhost");
        self.ip().map_or_else(is_name, |ip| ip.is_loopback())
    }

    /// The host as an address.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => self.host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    if digits.len() > 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port != 0)
}

fn parse_name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (name.len() <= 253 && name.split('.').all(is_label)).then(|| name.to_ascii_lowercase())
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let got = HostPort::parse(text).map(|host| host.to_string());
        assert_eq!(got.as_deref(), want, "{text}");
    }

    #[test]
    fn hosts_are_lower_case_without_the_roots_dot() {
        check("LOCALHOST:8080", Some("localhost:8080"));
        check("s3.amazonaws.com.", Some("s3.amazonaws.com"));
        check("s3.amazonaws.com.:443", Some("s3.amazonaws.com:443"));
        check("a_b-c.x", Some("a_b-c.x"));
        check("127.0.0.1:1", Some("127.0.0.1:1"));
        check("[::1]:9", Some("[::1]:9"));
        check("[0:0:0:0:0:0:0:1]", Some("[::1]"));
        check("host:", Some("host"));
        check("host:0080", Some("host:80"));
    }

    #[test]
    fn everything_else_is_no_host() {
        for bad in [
            "", ".", ":80", "a..b", "a b", "a/b", "a@b", "a:b", "a:0", "a:65536", "a:1:2", "::1", "[::1", "[g]",
            "[::1]x", "a%41", "a#b", "a?b", "a\\b", "é", "a:+1", "a:-1", "a:123456",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn loopback_is_what_browsers_take_for_it() {
        for host in ["127.0.0.1", "127.9.9.9:1", "[::1]", "localhost:1", "a.localhost"] {
            assert!(HostPort::parse(host).unwrap().is_loopback(), "{host}");
        }
        for host in [
            "0.0.0.0",
            "[::]",
            "10.0.0.1",
            "signer",
            "localhost.example",
            "xlocalhost",
        ] {
            assert!(!HostPort::parse(host).unwrap().is_loopback(), "{host}");
        }
    }

    #[test]
    fn addresses_are_recognised() {
        assert!(HostPort::parse("127.0.0.1").unwrap().ip().is_some());
        assert!(HostPort::parse("[::1]:8").unwrap().ip().is_some());
        assert!(HostPort::parse("localhost").unwrap().ip().is_none());
    }
}
