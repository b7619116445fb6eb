//! How STS, and the services of the default chain, are reached.

use std::fmt;
use std::time::Duration;

use aws_endpoints::AddressRules;
use http::Uri;

/// Time to connect, TLS included. STS is near in every region; a firewall that drops packets is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Time for one STS call with its retry. A client's request may be waiting behind it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// How STS is reached. The default is AWS's regional endpoint, directly, with the platform's roots.
#[derive(Clone, Eq, PartialEq)]
pub struct StsSettings {
    /// Where STS is called instead of the regional endpoint. The default chain's own calls (web
    /// identity, SSO) do not use it; they take `AWS_ENDPOINT_URL_STS`.
    pub endpoint: Option<Uri>,
    /// Ask the FIPS endpoint. Without effect where [`endpoint`](Self::endpoint) is set.
    pub use_fips: bool,
    /// Certificates in PEM form that are trusted besides the platform's roots.
    pub extra_roots_pem: Vec<u8>,
    /// An HTTP proxy on the way out. Nothing is read from the environment: a `HTTPS_PROXY` that
    /// names this very program would make it wait for itself.
    pub proxy: Option<EgressProxy>,
    /// At which addresses AWS's names may be; [`endpoint`](Self::endpoint) may be anywhere.
    pub addresses: AddressRules,
    /// Time to connect to STS, TLS included. Default 3 s.
    pub connect_timeout: Duration,
    /// Time for one STS call, its retry included. Default 10 s.
    pub operation_timeout: Duration,
}

impl Default for StsSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            use_fips: false,
            extra_roots_pem: Vec::new(),
            proxy: None,
            addresses: AddressRules::default(),
            connect_timeout: CONNECT_TIMEOUT,
            operation_timeout: OPERATION_TIMEOUT,
        }
    }
}

impl fmt::Debug for StsSettings {
    /// The roots by their size: a bundle has hundreds of kilobytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsSettings")
            .field("endpoint", &self.endpoint)
            .field("use_fips", &self.use_fips)
            .field("extra_roots_pem", &format_args!("{} bytes", self.extra_roots_pem.len()))
            .field("proxy", &self.proxy)
            .field("addresses", &self.addresses)
            .field("connect_timeout", &self.connect_timeout)
            .field("operation_timeout", &self.operation_timeout)
            .finish()
    }
}

/// An HTTP proxy between us and STS. Metadata services and loopback are always reached directly.
#[derive(Clone, Eq, PartialEq)]
pub struct EgressProxy {
    /// `http://[user:password@]host:port`, or `https://`.
    pub uri: Uri,
    /// Hosts that are reached directly, in the form of `NO_PROXY`: comma separated.
    pub no_proxy: String,
}

impl fmt::Debug for EgressProxy {
    /// Without the user and password that the URI may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressProxy")
            .field("host", &self.uri.host())
            .field("port", &self.uri.port_u16())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}
