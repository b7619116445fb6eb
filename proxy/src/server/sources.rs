//! From the configuration to sources of credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{Clock, ConnectionName};
use sts_client::{CredentialSource, EgressProxy, StsSettings};

use super::StartError;
use super::assets::assets;
use crate::config::{Config, ConnectionConfig, EndpointUrl, Scheme};

/// A source of credentials for each connection. Reads the CA files and asks for nothing yet.
///
/// # Errors
///
/// [`StartError`] where a CA file, the vault's settings or a connection's way to its credentials cannot be used.
pub(crate) async fn sources(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<BTreeMap<ConnectionName, CredentialSource>, StartError> {
    let extra_roots_pem = extra_roots_pem(config).await?;
    let assets = assets(&config.assets).await?;
    let wanted = config.connections.values().map(|connection| {
        (
            &connection.connection,
            sts_settings(config, connection, &extra_roots_pem),
        )
    });
    sts_client::shared_sources(wanted, &assets, clock)
        .map_err(|(connection, source)| StartError::Credentials { connection, source })
}

/// The content of `upstream.ca_file`, which is trusted towards STS as well; empty where there is none.
///
/// # Errors
///
/// [`StartError::CaFile`] where it cannot be read.
pub(crate) async fn extra_roots_pem(config: &Config) -> Result<Vec<u8>, StartError> {
    let Some(path) = &config.upstream.ca_file else {
        return Ok(Vec::new());
    };
    tokio::fs::read(path).await.map_err(|source| StartError::CaFile {
        path: path.clone(),
        source,
    })
}

/// How this connection asks STS.
pub(crate) fn sts_settings(config: &Config, connection: &ConnectionConfig, extra_roots_pem: &[u8]) -> StsSettings {
    let endpoint = connection.sts_endpoint.as_ref().or(config.sts.endpoint.as_ref());
    StsSettings {
        endpoint: endpoint.and_then(|url| url.to_string().parse().ok()),
        use_fips: config.sts.use_fips,
        extra_roots_pem: extra_roots_pem.to_vec(),
        proxy: egress_proxy(config, endpoint),
        connect_timeout: config.sts.connect_timeout,
        operation_timeout: config.sts.operation_timeout,
    }
}

/// The proxy on the way to STS: that for `https`, unless STS is asked in the clear.
fn egress_proxy(config: &Config, endpoint: Option<&EndpointUrl>) -> Option<EgressProxy> {
    let proxy = &config.upstream.proxy;
    let url = match endpoint.map_or(Scheme::Https, EndpointUrl::scheme) {
        Scheme::Https => proxy.https.as_ref(),
        Scheme::Http => proxy.http.as_ref(),
    };
    Some(EgressProxy {
        uri: url?.expose().parse().ok()?,
        no_proxy: proxy.no_proxy.clone().unwrap_or_default(),
    })
}
