//! HTTP proxies on the path to a server: which one leads where, and which servers are reached directly.

use std::net::Ipv6Addr;
use std::sync::Arc;

use auth_model::Secret;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The HTTP proxies to use. The default is none. URLs are secrets because they may hold a password.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProxySettings {
    /// `http://[user:password@]host[:port]`, for `https` destinations: they go through a `CONNECT` tunnel.
    pub https: Option<Secret>,
    /// The same for `http` destinations: requests go to the proxy in absolute form.
    pub http: Option<Secret>,
    /// Hosts that are reached directly, separated by commas: names with all below them, IP addresses, CIDR blocks, `*`.
    pub no_proxy: Option<String>,
}

/// A proxy's URL cannot be used. Its text is not shown: it may hold a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the proxy is not an http:// URL with a host")]
pub struct InvalidProxyUrl;

/// Which HTTP proxy leads to which host. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpProxies(Arc<Matcher>);

impl HttpProxies {
    /// Every destination is reached directly.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(Matcher::builder().build()))
    }

    /// Uses the proxies of the settings.
    ///
    /// # Errors
    ///
    /// [`InvalidProxyUrl`] for a proxy that is not reached by plain HTTP, and for what is no URL: without this check it
    /// would be passed by.
    ///
    /// ```
    /// use egress::{HttpProxies, ProxySettings};
    ///
    /// let proxies = HttpProxies::new(&ProxySettings {
    ///     https: Some(auth_model::Secret::new("http://me:hunter2@proxy.example:3128")),
    ///     http: None,
    ///     no_proxy: Some(".internal,10.0.0.0/8".to_owned()),
    /// })?;
    /// let proxy = proxies.proxy_for(&"https://s3.eu-west-1.amazonaws.com/".parse()?);
    /// assert_eq!(proxy.unwrap(), "http://proxy.example:3128/");
    /// assert_eq!(proxies.proxy_for(&"https://minio.internal/".parse()?), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(settings: &ProxySettings) -> Result<Self, InvalidProxyUrl> {
        let mut matcher = Matcher::builder();
        if let Some(https) = &settings.https {
            matcher = matcher.https(checked(https)?);
        }
        if let Some(http) = &settings.http {
            matcher = matcher.http(checked(http)?);
        }
        if let Some(no_proxy) = &settings.no_proxy {
            let entries: Vec<&str> = no_proxy.split(',').map(without_brackets).collect();
            matcher = matcher.no(entries.join(","));
        }
        Ok(Self(Arc::new(matcher.build())))
    }

    /// The HTTP proxy that leads there, without its user and password.
    #[must_use]
    pub fn proxy_for(&self, destination: &Uri) -> Option<Uri> {
        Some(self.0.intercept(destination)?.uri().clone())
    }

    /// `Proxy-Authorization` for a request in the clear, which goes through the proxy itself. A tunnel gets it when it is
    /// opened, and never shows it to the server.
    #[must_use]
    pub fn authorization_for(&self, destination: &Uri) -> Option<HeaderValue> {
        if destination.scheme_str() != Some("http") {
            return None;
        }
        self.0.intercept(destination)?.basic_auth().cloned()
    }

    pub(crate) fn intercept(&self, destination: &Uri) -> Option<Intercept> {
        self.0.intercept(destination)
    }
}

fn checked(url: &Secret) -> Result<String, InvalidProxyUrl> {
    let uri: Uri = url.expose().parse().map_err(|_| InvalidProxyUrl)?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if uri.scheme_str() != Some("http") || !has_host {
        return Err(InvalidProxyUrl);
    }
    Ok(url.expose().to_owned())
}

/// An entry as the matcher wants it: IPv6 addresses without the brackets that they have in URLs.
fn without_brackets(entry: &str) -> &str {
    let entry = entry.trim();
    let inner = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.filter(|inner| inner.parse::<Ipv6Addr>().is_ok()).unwrap_or(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(no_proxy: &str) -> HttpProxies {
        let settings = ProxySettings {
            https: Some(Secret::new("http://me:hunter2@secure.proxy:3128".to_owned())),
            http: Some(Secret::new("http://me:hunter2@plain.proxy".to_owned())),
            no_proxy: Some(no_proxy.to_owned()),
        };
        HttpProxies::new(&settings).unwrap()
    }

    #[test]
    fn each_scheme_has_its_proxy_unless_the_host_is_listed() {
        let list = "localhost, .internal,10.0.0.0/8,[::1],fd00::/8";
        for (destination, want) in [
            ("https://s3.eu-west-1.amazonaws.com/", Some("secure.proxy")),
            ("http://s3.eu-west-1.amazonaws.com/", Some("plain.proxy")),
            ("https://localhost:8443/", None),
            ("https://xlocalhost/", Some("secure.proxy")),
            ("https://minio.internal/", None),
            ("https://MINIO.INTERNAL/", None),
            ("https://internal.example/", Some("secure.proxy")),
            ("http://10.1.2.3:9000/", None),
            ("http://11.1.2.3/", Some("plain.proxy")),
            ("https://[::1]:8443/", None),
            ("https://[fd00::1]/", None),
            ("https://[fe80::1]/", Some("secure.proxy")),
        ] {
            let proxy = proxies(list).proxy_for(&destination.parse().unwrap());
            assert_eq!(proxy.as_ref().and_then(Uri::host), want, "{destination}");
        }
        let all = proxies("*").proxy_for(&"https://s3.eu-west-1.amazonaws.com/".parse().unwrap());
        assert_eq!(all, None);
    }

    #[test]
    fn only_requests_in_the_clear_carry_the_proxys_password() {
        let authorization = |url: &str| proxies("localhost").authorization_for(&url.parse().unwrap());
        let value = authorization("http://a.example/").unwrap();
        assert!(value.is_sensitive());
        assert_eq!(authorization("https://a.example/"), None);
        assert_eq!(authorization("http://localhost/"), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_and_its_password_is_not_shown() {
        for url in [
            "https://proxy:3128",
            "socks5://proxy:1080",
            "proxy:3128",
            "http://",
            "http://me:pa ss@proxy",
        ] {
            let url = Some(Secret::new(url.to_owned()));
            for settings in [
                ProxySettings {
                    https: url.clone(),
                    ..ProxySettings::default()
                },
                ProxySettings {
                    http: url.clone(),
                    ..ProxySettings::default()
                },
            ] {
                assert_eq!(HttpProxies::new(&settings).unwrap_err(), InvalidProxyUrl);
            }
        }
        let shown = format!("{:?}", proxies(""));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
