//! Connections to STS and to the services of the default chain.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use credential_assets::CallObserver;
use http::uri::Authority;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::error::CredentialFailure;
use crate::observed::{Called, Observed};
use crate::resolver::CheckedResolver;
use crate::settings::{EgressProxy, StsSettings};

/// What no proxy can reach: this machine, the metadata services of EC2, ECS and EKS.
const ALWAYS_DIRECT: &str =
    "localhost,127.0.0.0/8,::1,169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23";

/// Connect and read timeout: the SDK asks for a connector per pair (EC2's metadata has shorter ones).
type Timeouts = (Option<Duration>, Option<Duration>);

/// Makes one pooled connector for each pair of timeouts.
///
/// `aws_smithy_http_client::Builder` does the same, but takes no proxy and loads the roots anew for
/// every client that is made.
struct Connectors {
    /// With the platform's roots besides the extra ones, and without.
    tls: [TlsContext; 2],
    proxy: ProxyConfig,
    resolver: CheckedResolver,
    observer: Option<Arc<dyn CallObserver>>,
    /// Where the operator has STS.
    own_sts: Option<Authority>,
    made: Mutex<HashMap<Timeouts, SharedHttpConnector>>,
}

/// The HTTP client these settings describe. The observer is given each of its exchanges.
pub(crate) fn http_client(
    settings: &StsSettings,
    observer: Option<&Arc<dyn CallObserver>>,
) -> Result<SharedHttpClient, CredentialFailure> {
    let mut connectors = connectors(settings)?;
    connectors.observer = observer.cloned();
    Ok(SharedHttpClient::new(connectors))
}

/// One pooled connector, for requests that no SDK makes.
pub(crate) fn http_connector(settings: &StsSettings) -> Result<SharedHttpConnector, CredentialFailure> {
    let timeouts = HttpConnectorSettings::builder().connect_timeout(settings.connect_timeout);
    Ok(connectors(settings)?.connector(&timeouts.build()))
}

fn connectors(settings: &StsSettings) -> Result<Connectors, CredentialFailure> {
    check_roots(&settings.extra_roots_pem)?;
    let unusable = |reason| CredentialFailure::Settings { reason };
    let tls = |has_platform_roots| {
        let mut roots = TrustStore::empty().with_native_roots(has_platform_roots);
        if !settings.extra_roots_pem.is_empty() {
            roots = roots.with_pem_certificate(settings.extra_roots_pem.clone());
        }
        let tls = TlsContext::builder().with_trust_store(roots).build();
        tls.map_err(|_| unusable("the TLS settings do not fit together"))
    };
    let tls = [tls(true)?, tls(false)?];
    let proxy = match &settings.proxy {
        None => ProxyConfig::disabled(),
        Some(EgressProxy { uri, no_proxy }) => ProxyConfig::all(uri.clone())
            .map_err(|_| unusable("the proxy is not an http:// or https:// URL with a host"))?
            .no_proxy(format!("{ALWAYS_DIRECT},{no_proxy}")),
    };
    Ok(Connectors {
        tls,
        proxy,
        resolver: CheckedResolver::new(settings),
        observer: None,
        own_sts: settings.endpoint.as_ref().and_then(|uri| uri.authority().cloned()),
        made: Mutex::default(),
    })
}

/// Whether this machine has any roots: the HTTP client panics in debug builds where it has none. Found out when the first
/// connector is made, since reading them takes some milliseconds and many connections never need one.
static HAS_PLATFORM_ROOTS: LazyLock<bool> = LazyLock::new(|| {
    let has_roots = !rustls_native_certs::load_native_certs().certs.is_empty();
    if !has_roots {
        tracing::warn!("this machine has no root certificates: only the extra roots are trusted");
    }
    has_roots
});

/// The HTTP client panics on what it cannot read, so it is read here first.
fn check_roots(pem: &[u8]) -> Result<(), CredentialFailure> {
    let unusable = |reason| CredentialFailure::Settings { reason };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| unusable("the extra roots are not in PEM form"))?;
        store
            .add(certificate)
            .map_err(|_| unusable("one of the extra roots is no certificate that can be trusted"))?;
    }
    if store.is_empty() && !pem.is_empty() {
        return Err(unusable("the extra roots hold no certificate"));
    }
    Ok(())
}

impl HttpClient for Connectors {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector(settings)
    }
}

impl Connectors {
    fn connector(&self, settings: &HttpConnectorSettings) -> SharedHttpConnector {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let connector = made.entry(timeouts).or_insert_with(|| {
            let [with_platform_roots, without] = &self.tls;
            let tls = if *HAS_PLATFORM_ROOTS {
                with_platform_roots
            } else {
                without
            };
            let connector = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .tls_context(tls.clone())
                .proxy_config(self.proxy.clone())
                .connector_settings(settings.clone())
                .sleep_impl(TokioSleep::new())
                .build_with_resolver(self.resolver.clone());
            let connector = SharedHttpConnector::new(connector);
            let Some(observer) = &self.observer else {
                return connector;
            };
            let called = Called::ByAddress {
                sts: self.own_sts.clone(),
            };
            SharedHttpConnector::new(Observed::new(connector, Arc::clone(observer), called))
        });
        connector.clone()
    }
}

impl fmt::Debug for Connectors {
    /// Without the proxy, whose URI may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connectors").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: &StsSettings, want: &str) {
        let error = http_client(settings, None).unwrap_err();
        assert_eq!(error.code(), "sts_settings");
        assert!(error.to_string().ends_with(want), "{error}");
    }

    #[test]
    fn roots_that_cannot_be_used_are_an_error_not_a_panic() {
        let with_roots = |pem: &str| StsSettings {
            extra_roots_pem: pem.into(),
            ..StsSettings::default()
        };
        check(&with_roots("x"), "hold no certificate");
        check(
            &with_roots("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
            "not in PEM form",
        );
        check(
            &with_roots("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
            "can be trusted",
        );
        assert!(http_client(&StsSettings::default(), None).is_ok());
    }

    #[test]
    fn a_proxy_is_checked_and_its_password_is_not_shown() {
        let with_proxy = |uri: &str| StsSettings {
            proxy: Some(EgressProxy {
                uri: uri.parse().unwrap(),
                no_proxy: "example.com".into(),
            }),
            ..StsSettings::default()
        };
        check(&with_proxy("socks5://proxy:1080"), "URL with a host");
        let settings = with_proxy("http://user:hunter2@proxy:3128");
        let shown = format!("{settings:?} {:?}", http_client(&settings, None).unwrap());
        assert!(shown.contains("3128") && !shown.contains("hunter2"), "{shown}");
    }
}
