//! Endpoint URLs: scheme, host and port, nothing else.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// How an endpoint is spoken to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// `http`: in the clear; for emulators and servers on trusted networks.
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    /// The scheme as it is in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where a URL names none.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An upstream's address: `http://` or `https://`, a host, an optional port.
///
/// The host is lower case: a DNS name, an IPv4 address, or an IPv6 address in brackets.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct EndpointUrl {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
}

/// Why a text is no [`EndpointUrl`]. The text is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidEndpointUrl {
    /// Neither `http://` nor `https://`.
    #[error("must begin with http:// or https://, such as https://127.0.0.1:8333")]
    Scheme,
    /// `user:password@`.
    #[error("must not hold a user name or password: requests are signed with the connection's credentials")]
    UserInfo,
    /// A path, query or fragment.
    #[error("must end after host and port: a path, query or fragment would change what is signed")]
    Path,
    /// No host, or one that is neither a DNS name nor an IP address.
    #[error("must name a host: a DNS name in ASCII, an IPv4 address, or an IPv6 address in brackets")]
    Host,
    /// Not a port.
    #[error("must have a port of 1 to 65535 after the last colon, or none")]
    Port,
}

impl EndpointUrl {
    /// How it is spoken to.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case; an IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port as written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port as written, or the scheme's.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// The host as an address, where it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self.host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => self.host.parse().ok(),
        }
    }

    /// What the `Host` header has: the port only where it is not the scheme's.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) if port != self.scheme.default_port() => format!("{}:{port}", self.host),
            _ => self.host.clone(),
        }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl FromStr for EndpointUrl {
    type Err = InvalidEndpointUrl;

    fn from_str(text: &str) -> Result<Self, InvalidEndpointUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidEndpointUrl::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(InvalidEndpointUrl::Scheme),
        };
        // One slash at the end is what people paste, and means nothing.
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(InvalidEndpointUrl::UserInfo);
        }
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(InvalidEndpointUrl::Path);
        }
        let (host, port) = split_port(rest)?;
        Ok(Self {
            scheme,
            host: parse_host(host)?,
            port,
        })
    }
}

/// Splits `host[:port]`; the colons of an IPv6 address are inside brackets.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), InvalidEndpointUrl> {
    let host_end = match (authority.starts_with('['), authority.rfind(']')) {
        (true, None) => return Err(InvalidEndpointUrl::Host),
        (_, bracket) => bracket.map_or(0, |bracket| bracket + 1),
    };
    let Some(colon) = authority.get(host_end..).and_then(|rest| rest.find(':')) else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at(host_end + colon);
    let port = port.strip_prefix(':').unwrap_or(port);
    let is_number = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if port != 0 && is_number => Ok((host, Some(port))),
        _ => Err(InvalidEndpointUrl::Port),
    }
}

fn parse_host(host: &str) -> Result<String, InvalidEndpointUrl> {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|text| text.parse::<Ipv6Addr>().ok());
        return address
            .map(|address| format!("[{address}]"))
            .ok_or(InvalidEndpointUrl::Host);
    }
    if is_dns_name(host) {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(InvalidEndpointUrl::Host)
    }
}

/// Whether the text is a DNS name of ASCII labels, or an IPv4 address. A final label of digits alone is an address
/// or nothing: resolvers disagree about `127.1` and `0x7f.1`.
pub(super) fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or(text);
    let looks_numeric = last.starts_with(|c: char| c.is_ascii_digit())
        && (last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X"));
    if looks_numeric {
        return text.parse::<std::net::Ipv4Addr>().is_ok();
    }
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str, host: &str, port: u16) {
        let url: EndpointUrl = text.parse().unwrap();
        assert_eq!(
            (url.to_string().as_str(), url.host(), url.port_or_default()),
            (shown, host, port)
        );
    }

    #[track_caller]
    fn reject(text: &str, want: InvalidEndpointUrl) {
        assert_eq!(text.parse::<EndpointUrl>(), Err(want), "{text}");
    }

    #[test]
    fn scheme_host_and_port_are_read() {
        check("https://127.0.0.1:8333", "https://127.0.0.1:8333", "127.0.0.1", 8333);
        check("HTTP://LocalHost", "http://localhost", "localhost", 80);
        check("https://[::1]:9000/", "https://[::1]:9000", "[::1]", 9000);
        check("https://[::1]", "https://[::1]", "[::1]", 443);
        check(
            "https://minio_1.internal",
            "https://minio_1.internal",
            "minio_1.internal",
            443,
        );
    }

    #[test]
    fn the_schemes_own_port_is_not_sent() {
        check("https://example.com:443", "https://example.com", "example.com", 443);
        check("http://example.com:443", "http://example.com:443", "example.com", 443);
    }

    #[test]
    fn an_address_is_recognised() {
        let ip = |text: &str| text.parse::<EndpointUrl>().unwrap().ip().map(|ip| ip.to_string());
        assert_eq!(ip("http://127.0.0.1:1").as_deref(), Some("127.0.0.1"));
        assert_eq!(ip("http://[::1]").as_deref(), Some("::1"));
        assert_eq!(ip("http://example.com"), None);
    }

    #[test]
    fn everything_else_is_rejected() {
        reject("127.0.0.1:8333", InvalidEndpointUrl::Scheme);
        reject("ftp://example.com", InvalidEndpointUrl::Scheme);
        reject("https://user:secret@example.com", InvalidEndpointUrl::UserInfo);
        reject("https://example.com/base", InvalidEndpointUrl::Path);
        reject("https://example.com?x", InvalidEndpointUrl::Path);
        reject("https://example.com#x", InvalidEndpointUrl::Path);
        reject("https://example.com//", InvalidEndpointUrl::Path);
        for host in [
            "",
            "-a",
            "a b",
            "ä.example",
            "a..b",
            "[::1",
            "[::g]",
            "127.1",
            "1.2.3.256",
            "0x7f.0x1",
        ] {
            reject(&format!("https://{host}"), InvalidEndpointUrl::Host);
        }
        for port in ["", "0", "65536", "x", "+1", "80:80"] {
            reject(&format!("https://example.com:{port}"), InvalidEndpointUrl::Port);
        }
    }
}
