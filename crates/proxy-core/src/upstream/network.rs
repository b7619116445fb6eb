//! What all upstreams share: trusted roots, HTTP proxies, how many connections there may be.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_endpoints::AddressRules;
use egress::{AddressFilter, HttpProxies, InvalidRoots, ProxySettings, TlsSettings, TrustedRoots};
use proxy_config::{PoolConfig, UpstreamConfig, UpstreamProxy};
use resource_limits::DescriptorLimit;

use super::error::UpstreamError;

/// How long an idle connection is kept where few may be open.
const SHORT_IDLE: Duration = Duration::from_secs(1);

/// What all upstreams share: trusted roots and the HTTP proxies on the path. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network(pub(super) Arc<NetworkState>);

#[derive(Debug)]
pub(super) struct NetworkState {
    pub(super) config: UpstreamConfig,
    /// How many send requests.
    pub(super) threads: NonZeroUsize,
    /// Of `ca_file`, to notice another content.
    ca_pem: Option<Vec<u8>>,
    pub(super) tls: TlsSettings,
    pub(super) proxies: HttpProxies,
    pub(super) descriptors: DescriptorLimit,
}

impl Network {
    /// Reads the trusted roots; `threads` are going to send requests, by so many connections at a time. The network before
    /// this one stays, with the pools that were made on it, where the settings and the content of `ca_file` are the same.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] where `ca_file` cannot be used.
    pub fn new(
        config: &UpstreamConfig,
        threads: NonZeroUsize,
        descriptors: &DescriptorLimit,
        before: Option<&Self>,
    ) -> Result<Self, UpstreamError> {
        let ca_pem = config.ca_file.as_deref().map(read_ca_file).transpose()?;
        if let Some(before) = before.filter(|before| before.0.config == *config && before.0.ca_pem == ca_pem) {
            return Ok(before.clone());
        }
        Ok(Self(Arc::new(NetworkState {
            tls: TlsSettings::new(trusted_roots(config.ca_file.as_deref().zip(ca_pem.as_deref()))?)?,
            proxies: HttpProxies::new(&proxy_settings(&config.proxy))?,
            config: config.clone(),
            threads,
            ca_pem,
            descriptors: descriptors.clone(),
        })))
    }

    /// How long a connection is kept that no request uses: for moments where there may be fewer connections than are kept for
    /// one host, since one to another host would have to wait for its end.
    pub(super) fn idle_timeout(&self) -> Duration {
        let PoolConfig {
            idle_timeout,
            idle_per_host,
            ..
        } = self.0.config.pool;
        let is_short = self.0.descriptors.most() < u64::try_from(idle_per_host).unwrap_or(u64::MAX);
        if is_short {
            idle_timeout.min(SHORT_IDLE)
        } else {
            idle_timeout
        }
    }

    /// How many connections to services there may be.
    #[must_use]
    pub fn descriptors(&self) -> &DescriptorLimit {
        &self.0.descriptors
    }

    /// At which addresses AWS's names may be.
    #[must_use]
    pub fn address_filter(&self) -> AddressFilter {
        AddressFilter::new(AddressRules::with_allowed(self.0.config.allow_addresses.clone()))
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The platform's roots and those of `ca_file`: its path and its content.
fn trusted_roots(ca_file: Option<(&Path, &[u8])>) -> Result<TrustedRoots, UpstreamError> {
    let mut roots = TrustedRoots::platform();
    for error in roots.unreadable() {
        tracing::warn!(error, "a platform root cannot be read");
    }
    if let Some((path, pem)) = ca_file {
        let invalid = |source| UpstreamError::CaFileInvalid {
            path: path.to_owned(),
            source,
        };
        if pem.is_empty() {
            return Err(invalid(InvalidRoots::Empty));
        }
        roots = roots.with_extra_pem(pem).map_err(invalid)?;
    }
    if roots.is_empty() {
        // Endpoints without TLS can be served all the same.
        tracing::warn!("there are no trusted root certificates: every https upstream will be rejected");
    }
    Ok(roots)
}

fn read_ca_file(path: &Path) -> Result<Vec<u8>, UpstreamError> {
    std::fs::read(path).map_err(|source| UpstreamError::CaFileUnreadable {
        path: path.to_owned(),
        source,
    })
}

fn proxy_settings(config: &UpstreamProxy) -> ProxySettings {
    ProxySettings {
        https: config.https.clone(),
        http: config.http.clone(),
        no_proxy: config.no_proxy.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_config::{Config, Environment};

    #[test]
    fn a_ca_file_that_cannot_be_used_is_an_error_with_its_path() {
        let path = Path::new("/nonexistent/ca.pem");
        let missing = read_ca_file(path).unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/ca.pem"), "{missing}");
        for pem in ["", "no certificate"] {
            let invalid = trusted_roots(Some((path, pem.as_bytes()))).unwrap_err();
            assert!(matches!(invalid, UpstreamError::CaFileInvalid { .. }));
            assert!(invalid.to_string().contains("/nonexistent/ca.pem"), "{invalid}");
        }
    }

    #[test]
    fn another_network_is_made_where_its_settings_or_the_content_of_its_ca_file_differ() {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        let write_ca = || {
            let names = vec!["localhost".to_owned()];
            std::fs::write(&ca_file, rcgen::generate_simple_self_signed(names).unwrap().cert.pem()).unwrap();
        };
        write_ca();
        let toml = format!(
            "[upstream]\nca_file = \"{}\"\n[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\n\
             auth = {{ method = \"default-chain\" }}",
            ca_file.display()
        );
        let config = Config::from_toml(&toml, &Environment::empty()).unwrap().upstream;
        let first = Network::new(&config, NonZeroUsize::MIN, &DescriptorLimit::none(), None).unwrap();
        let is_kept = |config| {
            let next = Network::new(config, NonZeroUsize::MIN, &DescriptorLimit::none(), Some(&first)).unwrap();
            next.is(&first)
        };
        assert!(is_kept(&config));
        let without_pool = UpstreamConfig {
            pool: PoolConfig {
                idle_per_host: 0,
                ..config.pool
            },
            ..config.clone()
        };
        assert!(!is_kept(&without_pool));
        write_ca();
        assert!(!is_kept(&config));
    }
}
