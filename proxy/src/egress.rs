//! All outgoing connections: trusted roots, TLS, HTTP proxies, name resolution, dialling.
//!
//! [`Connector`] opens connections for hyper's pooled client: TCP, through an HTTP proxy where one is set, then TLS for
//! `https`, all within one timeout. What it needs is given to it as values: [`TlsSettings`] made from [`TrustedRoots`], and
//! [`DialSettings`]. Nothing is read from the environment but what names the platform's root certificates.
//!
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

pub(crate) use addresses::AddressFilter;
pub(crate) use connector::{Connection, Connector};
pub(crate) use dialer::DialSettings;
pub(crate) use error::{ConnectError, TlsFailure, find_source};
pub(crate) use failed_addresses::{FailedAddresses, PeerAddress};
pub(crate) use http_proxy::{HttpProxies, InvalidProxyUrl, ProxySettings};
pub(crate) use probe::{FirstHop, connect, resolve};
pub(crate) use resolver::WildcardHost;
pub(crate) use roots::{InvalidRoots, TrustedRoots};
pub(crate) use tcp::ResponseSeen;
pub(crate) use tls::{Protocols, TlsSettings, TlsSetupError, TlsVersion};
