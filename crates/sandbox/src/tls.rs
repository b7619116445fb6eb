//! A certificate authority and one server certificate, made anew at each start.

use std::sync::Arc;

use auth_model::Region;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::SandboxError;

/// What serves TLS, and what clients must trust.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate.
    pub(crate) ca_pem: String,
}

impl Tls {
    /// Makes certificates for loopback and for the AWS names of `regions`.
    pub(crate) fn new(regions: &[Region]) -> Result<Self, SandboxError> {
        let failed = |error: rcgen::Error| SandboxError::Certificates(Box::new(error));

        let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority
            .distinguished_name
            .push(DnType::CommonName, "signing-proxy sandbox CA");
        let authority_key = KeyPair::generate().map_err(failed)?;
        let ca_pem = authority.self_signed(&authority_key).map_err(failed)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let mut leaf = CertificateParams::new(names(regions)).map_err(failed)?;
        leaf.distinguished_name
            .push(DnType::CommonName, "signing-proxy sandbox");
        let leaf_key = KeyPair::generate().map_err(failed)?;
        let leaf = leaf.signed_by(&leaf_key, &issuer).map_err(failed)?;

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls_failed = |error: rustls::Error| SandboxError::Certificates(Box::new(error));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls_failed)?
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der())),
            )
            .map_err(tls_failed)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ca_pem,
        })
    }
}

/// A wildcard stands for one label, so buckets of each region need their own.
fn names(regions: &[Region]) -> Vec<String> {
    let mut names = ["localhost", "*.localhost", "127.0.0.1", "::1", "*.amazonaws.com"]
        .map(str::to_owned)
        .to_vec();
    for region in regions {
        names.push(format!("*.{region}.amazonaws.com"));
        names.push(format!("*.s3.{region}.amazonaws.com"));
    }
    names
}
