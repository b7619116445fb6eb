//! From the configuration to sources of credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{Clock, Connection, ConnectionName};
use credential_assets::Assets;
use sts_client::{CredentialSource, EgressProxy, StsSettings, is_same_way};

use super::StartError;
use super::assets::AssetsSettings;
use crate::admin::Watched;
use crate::config::{Config, ConnectionConfig, EndpointUrl, Scheme};

/// A source of credentials for each connection, and what each was made from.
#[derive(Debug)]
pub(crate) struct Sources {
    settings: AssetsSettings,
    assets: Assets,
    made: BTreeMap<ConnectionName, Made>,
}

#[derive(Debug)]
struct Made {
    connection: Connection,
    settings: StsSettings,
    source: CredentialSource,
}

impl Sources {
    /// Reads the CA files and asks for nothing yet.
    ///
    /// Of those `before`, a connection's source stays, with the credentials it holds, where nothing has changed in how
    /// they are obtained: the method with all its options, the region, the way to STS and `[assets]`. All others are
    /// new, and share nothing with what was there before.
    ///
    /// # Errors
    ///
    /// [`StartError`] where a CA file, the vault's settings or a connection's way to its credentials cannot be used.
    pub(crate) async fn new(
        config: &Config,
        clock: &Arc<dyn Clock>,
        before: Option<&Self>,
    ) -> Result<Self, StartError> {
        let extra_roots_pem = extra_roots_pem(config).await?;
        let settings = AssetsSettings::read(&config.assets).await?;
        let before = before.filter(|before| before.settings == settings);
        let assets = match before {
            Some(before) => before.assets.clone(),
            None => settings.assets()?,
        };
        let mut made = BTreeMap::new();
        let mut wanted = Vec::new();
        for (name, connection) in &config.connections {
            let settings = sts_settings(config, connection, &extra_roots_pem);
            let connection = &connection.connection;
            let known = before.and_then(|before| before.made.get(name));
            match known.filter(|known| is_same_way((&known.connection, &known.settings), (connection, &settings))) {
                Some(known) => {
                    made.insert(name.clone(), Made::of(connection, settings, known.source.clone()));
                }
                None => wanted.push((connection, settings)),
            }
        }
        let new = wanted
            .iter()
            .map(|(connection, settings)| (*connection, settings.clone()));
        let mut new = sts_client::shared_sources(new, &assets, clock)
            .map_err(|(connection, source)| StartError::Credentials { connection, source })?;
        for (connection, settings) in wanted {
            if let Some(source) = new.remove(&connection.name) {
                made.insert(connection.name.clone(), Made::of(connection, settings, source));
            }
        }
        Ok(Self { settings, assets, made })
    }

    /// The source of each connection.
    pub(crate) fn by_connection(&self) -> BTreeMap<ConnectionName, CredentialSource> {
        let sources = self.made.iter();
        sources
            .map(|(name, made)| (name.clone(), made.source.clone()))
            .collect()
    }

    /// Each connection with its source.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&Connection, CredentialSource)> {
        self.made.values().map(|made| (&made.connection, made.source.clone()))
    }

    /// The same to be kept.
    pub(crate) fn watched(&self) -> Vec<Watched> {
        let watched = |(connection, source): (&Connection, _)| Watched {
            connection: connection.clone(),
            source,
        };
        self.each().map(watched).collect()
    }
}

impl Made {
    fn of(connection: &Connection, settings: StsSettings, source: CredentialSource) -> Self {
        Self {
            connection: connection.clone(),
            settings,
            source,
        }
    }
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
