//! All outgoing connections: trusted roots, TLS, HTTP proxies, name resolution, dialling.
//!
//! [`Connector`] opens connections for hyper's pooled client: TCP, through an HTTP proxy where one is set, then TLS for
//! `https`, all within one timeout. What it needs is given to it as values: [`TlsSettings`] made from [`TrustedRoots`], and
//! [`DialSettings`]. Nothing is read from the environment but what names the platform's root certificates.
//!
//! ```
//! use std::time::Duration;
//!
//! use egress::{Connector, DialSettings, Protocols, TlsSettings, TrustedRoots};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let tls = TlsSettings::new(TrustedRoots::platform())?;
//! let settings = DialSettings::new(Duration::from_secs(3));
//! let mut connector = Connector::new(&tls, Protocols::Http1, settings);
//! let connection = connector.connect(format!("http://{}/", listener.local_addr()?).parse()?).await?;
//! assert!(connection.tls_version().is_none());
//! # Ok(())
//! # }
//! ```
//!
//! What holds, each with a test of its own:
//! - A server is trusted by the platform's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` honoured) and by extra ones in PEM form.
//! - A certificate that is not trusted, and a proxy URL that cannot be used, is an error: nothing falls back to cleartext or to
//!   a direct connection.
//! - A name of AWS's that resolves to an address at which AWS has no service is not connected to.
//! - A connect attempt waits for nothing longer than its timeout, which covers names, TCP, the proxy and TLS.

mod addresses;
mod connector;
mod dialer;
mod error;
mod failed_addresses;
mod http_proxy;
mod probe;
mod resolver;
mod roots;
mod socket;
mod tcp;
mod tls;

pub use addresses::AddressFilter;
pub use connector::{Connection, Connector};
pub use dialer::DialSettings;
pub use error::{ConnectError, TlsFailure, find_source};
pub use failed_addresses::{FailedAddresses, PeerAddress};
pub use http_proxy::{HttpProxies, InvalidProxyUrl, ProxySettings};
pub use probe::{FirstHop, connect, resolve};
pub use resolver::WildcardHost;
pub use roots::{InvalidRoots, TrustedRoots};
pub use tcp::ResponseSeen;
pub use tls::{Protocols, TlsSettings, TlsSetupError, TlsVersion};
