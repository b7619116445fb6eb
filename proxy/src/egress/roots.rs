//! Whom we believe to be the service: the platform's roots and the operator's own.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::Protocols;
use super::fault::UpstreamError;

/// TLS with the trusted roots, once for each set of protocols.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    http1: Arc<ClientConfig>,
    http2_or_http1: Arc<ClientConfig>,
}

impl Trust {
    /// Reads the platform's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` honoured), and takes those of `ca_file`: its path
    /// and what [`read`] found there.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] where `ca_file` cannot be used.
    pub(crate) fn new(ca_file: Option<(&Path, &[u8])>) -> Result<Self, UpstreamError> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "a platform root cannot be read"
            );
        }
        roots.add_parsable_certificates(native.certs);
        if let Some((path, pem)) = ca_file {
            add(&mut roots, path, pem)?;
        }
        if roots.is_empty() {
            // Endpoints without TLS can be served all the same.
            tracing::warn!("there are no trusted root certificates: every https upstream will be refused");
        }
        // The provider is named: a default one would depend on what else is linked.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(UpstreamError::Tls)?
            .with_root_certificates(roots)
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

    /// TLS that offers the protocols.
    pub(super) fn client_config(&self, protocols: Protocols) -> Arc<ClientConfig> {
        match protocols {
            Protocols::Http1 => Arc::clone(&self.http1),
            Protocols::Http2OrHttp1 => Arc::clone(&self.http2_or_http1),
        }
    }
}

/// The content of `ca_file`.
///
/// # Errors
///
/// [`UpstreamError::CaFileUnreadable`].
pub(super) fn read(ca_file: &Path) -> Result<Vec<u8>, UpstreamError> {
    std::fs::read(ca_file).map_err(|source| UpstreamError::CaFileUnreadable {
        path: ca_file.to_owned(),
        source,
    })
}

fn add(roots: &mut RootCertStore, path: &Path, pem: &[u8]) -> Result<(), UpstreamError> {
    let invalid = || UpstreamError::CaFileInvalid { path: path.to_owned() };
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|_| invalid())?).map_err(|_| invalid())?;
    }
    if roots.len() == before {
        return Err(invalid());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_that_cannot_be_used_is_an_error_with_its_path() {
        let path = Path::new("/nonexistent/ca.pem");
        let missing = read(path).unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/ca.pem"), "{missing}");
        let invalid = Trust::new(Some((path, b"no certificate"))).unwrap_err();
        assert!(matches!(invalid, UpstreamError::CaFileInvalid { .. }));
        assert!(invalid.to_string().contains("/nonexistent/ca.pem"), "{invalid}");
    }
}
