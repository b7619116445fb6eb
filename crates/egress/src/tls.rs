//! TLS as a client: version 1.2 or 1.3, with the trusted roots, by aws-lc-rs.

use std::sync::Arc;

use rustls::ClientConfig;

use crate::roots::TrustedRoots;

/// The HTTP versions that a connection is for. TLS offers them by ALPN; without TLS it is HTTP/1.1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocols {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, else HTTP/1.1.
    Http2OrHttp1,
}

/// The version of TLS that was agreed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// The TLS library rejects its own defaults.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up")]
pub struct TlsSetupError(#[source] rustls::Error);

/// How TLS servers are connected to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    http1: Arc<ClientConfig>,
    http2_or_http1: Arc<ClientConfig>,
}

impl TlsSettings {
    /// Trusts servers by these roots. All connections made with it share its cache of sessions.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError`] is a defect of the build.
    pub fn new(roots: TrustedRoots) -> Result<Self, TlsSetupError> {
        // The provider is named: a default one would depend on what else is linked.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsSetupError)?
            .with_root_certificates(roots.into_store())
            .with_no_client_auth();
        let offering = |protocols: &[&str]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
            Arc::new(config)
        };
        Ok(Self {
            http1: offering(&["http/1.1"]),
            http2_or_http1: offering(&["h2", "http/1.1"]),
        })
    }

    pub(crate) fn client_config(&self, protocols: Protocols) -> Arc<ClientConfig> {
        match protocols {
            Protocols::Http1 => Arc::clone(&self.http1),
            Protocols::Http2OrHttp1 => Arc::clone(&self.http2_or_http1),
        }
    }
}
