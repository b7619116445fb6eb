//! Which certificate authorities are trusted: the platform's and extra ones.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// Root certificates that servers are trusted by. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrustedRoots {
    store: Arc<RootCertStore>,
    unreadable: Arc<[rustls_native_certs::Error]>,
}

/// Why extra root certificates cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRoots {
    /// A block is broken.
    #[error("not in PEM form")]
    NotPem,
    /// A block is in PEM form and holds something else.
    #[error("one is no certificate that can be trusted")]
    NotACertificate,
    /// There is no block.
    #[error("there is no certificate")]
    Empty,
}

impl TrustedRoots {
    /// Reads those of the platform, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name in their place. It takes some
    /// milliseconds.
    ///
    /// What cannot be read is left out, see [`unreadable`](Self::unreadable).
    #[must_use]
    pub fn platform() -> Self {
        let native = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(native.certs);
        Self {
            store: Arc::new(store),
            unreadable: native.errors.into(),
        }
    }

    /// Trusts these certificates besides; an empty `pem` adds none.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`] where `pem` holds anything but usable certificates.
    ///
    /// ```
    /// use egress::{InvalidRoots, TrustedRoots};
    ///
    /// let roots = TrustedRoots::platform().with_extra_pem(b"no certificate");
    /// assert_eq!(roots.unwrap_err(), InvalidRoots::Empty);
    /// ```
    pub fn with_extra_pem(mut self, pem: &[u8]) -> Result<Self, InvalidRoots> {
        if pem.is_empty() {
            return Ok(self);
        }
        let store = Arc::make_mut(&mut self.store);
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| InvalidRoots::NotPem)?;
            store.add(certificate).map_err(|_| InvalidRoots::NotACertificate)?;
        }
        if store.len() == before {
            return Err(InvalidRoots::Empty);
        }
        Ok(self)
    }

    /// Whether there are none: every TLS handshake is going to fail.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.store.is_empty()
    }

    /// What of the platform's roots could not be read.
    pub fn unreadable(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        self.unreadable.iter().map(|error| error as _)
    }

    pub(crate) fn into_store(self) -> Arc<RootCertStore> {
        self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pem: &str, want: InvalidRoots) {
        let error = TrustedRoots::platform().with_extra_pem(pem.as_bytes()).unwrap_err();
        assert_eq!(error, want, "{pem}");
    }

    #[test]
    fn extra_roots_that_cannot_be_used_are_an_error() {
        check("no certificate", InvalidRoots::Empty);
        check(
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            InvalidRoots::NotPem,
        );
        check(
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            InvalidRoots::NotACertificate,
        );
    }

    #[test]
    fn extra_roots_add_to_those_of_the_platform() {
        let platform = TrustedRoots::platform();
        let pem = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .unwrap()
            .cert
            .pem();
        let both = platform.clone().with_extra_pem(pem.as_bytes()).unwrap();
        assert_eq!(both.store.len(), platform.store.len() + 1);
        let unchanged = platform.clone().with_extra_pem(b"").unwrap();
        assert_eq!(unchanged.store.len(), platform.store.len());
    }
}
