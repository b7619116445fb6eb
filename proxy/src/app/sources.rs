//! From the configuration to sources of credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{Clock, Connection, ConnectionName};
use aws_endpoints::AddressRules;
use credential_assets::{Assets, CallObserver};
use proxy_config::{Config, ConnectionConfig, EndpointUrl, Scheme, StoreConfig};
use sts_client::{CredentialSource, EgressProxy, KeyWall, SecretStoreSettings, StsSettings, is_same_way};

use super::StartError;
use super::assets::AssetsSettings;
use super::stores::{self, StoreCredentials, StoreSettings};
use crate::admin::WatchedConnection;

/// A source of credentials for each connection, and what each was made from.
#[derive(Debug)]
pub(crate) struct Sources {
    settings: AssetsSettings,
    stores: BTreeMap<&'static str, StoreSettings>,
    assets: Assets,
    /// Of all configurations that there have been.
    wall: KeyWall,
    made: BTreeMap<ConnectionName, Made>,
}

#[derive(Debug)]
struct Made {
    connection: Connection,
    settings: StsSettings,
    source: CredentialSource,
}

impl Sources {
    /// Reads the CA files and requests nothing yet. The observer is given each exchange of those that are made.
    ///
    /// Of those `before`, a connection's source stays, with the credentials it holds, where nothing has changed in how
    /// they are obtained: the method with all its options, the region, how STS is reached, and `[assets]` with the
    /// connections that sign the requests to its stores. All others are new, and share nothing with what was there before.
    ///
    /// # Errors
    ///
    /// [`StartError`] where a CA file, the vault's settings or how a connection obtains its credentials cannot be used.
    pub(crate) async fn new(
        config: &Config,
        clock: &Arc<dyn Clock>,
        before: Option<&Self>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Self, StartError> {
        let extra_roots_pem = extra_roots_pem(config).await?;
        let settings = AssetsSettings::read(&config.assets).await?;
        let stores = config.assets.stores.iter();
        let stores: BTreeMap<_, _> = stores
            .map(|(kind, store)| (*kind, store_settings(config, store, &extra_roots_pem)))
            .collect();
        let wall = before.map_or_else(KeyWall::default, |before| before.wall.clone());
        // One that is not used in the end has only counted.
        wall.begin_configuration();
        let before = before.filter(|before| before.settings == settings && before.stores == stores);
        let (assets, unmade) = match before {
            // With all the stores.
            Some(before) => (before.assets.clone(), BTreeMap::new()),
            None => (settings.assets(observer)?.with_clock(Arc::clone(clock)), stores.clone()),
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
        let (mut new, assets) = stores::sources(new, assets, unmade, clock, &wall)?;
        for (connection, settings) in wanted {
            if let Some(source) = new.remove(&connection.name) {
                made.insert(connection.name.clone(), Made::of(connection, settings, source));
            }
        }
        Ok(Self {
            settings,
            stores,
            assets,
            wall,
            made,
        })
    }

    /// What reads the connections' assets, with all the stores.
    pub(crate) fn assets(&self) -> &Assets {
        &self.assets
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
    pub(crate) fn watched(&self) -> Vec<WatchedConnection> {
        let watched = |(connection, source): (&Connection, _)| WatchedConnection {
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

/// How secrets are requested from this store.
fn store_settings(config: &Config, store: &StoreConfig, extra_roots_pem: &[u8]) -> StoreSettings {
    let connection = store.connection.as_ref().and_then(|name| config.connections.get(name));
    let signed_with = match connection {
        Some(config_of) => StoreCredentials::Connection(Box::new((
            config_of.connection.clone(),
            sts_settings(config, config_of, extra_roots_pem),
        ))),
        None => StoreCredentials::DefaultChain(Box::new(sts_settings_of(
            config,
            config.sts.endpoint.as_ref(),
            extra_roots_pem,
        ))),
    };
    StoreSettings {
        signed_with,
        settings: SecretStoreSettings {
            region: store.region.clone(),
            endpoint: store.endpoint.as_ref().and_then(|url| url.to_string().parse().ok()),
            timeout: store.timeout,
            extra_roots_pem: extra_roots_pem.to_vec(),
            proxy: egress_proxy(config, store.endpoint.as_ref()),
            addresses: address_rules(config),
        },
        cache: store.cache,
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

/// How this connection calls STS.
pub(crate) fn sts_settings(config: &Config, connection: &ConnectionConfig, extra_roots_pem: &[u8]) -> StsSettings {
    let endpoint = connection.sts_endpoint.as_ref().or(config.sts.endpoint.as_ref());
    sts_settings_of(config, endpoint, extra_roots_pem)
}

fn sts_settings_of(config: &Config, endpoint: Option<&EndpointUrl>, extra_roots_pem: &[u8]) -> StsSettings {
    StsSettings {
        endpoint: endpoint.and_then(|url| url.to_string().parse().ok()),
        use_fips: config.sts.use_fips,
        extra_roots_pem: extra_roots_pem.to_vec(),
        proxy: egress_proxy(config, endpoint),
        addresses: address_rules(config),
        connect_timeout: config.sts.connect_timeout,
        operation_timeout: config.sts.operation_timeout,
    }
}

fn address_rules(config: &Config) -> AddressRules {
    AddressRules::with_allowed(config.upstream.allow_addresses.clone())
}

/// The egress proxy for STS or a store: that for `https`, unless the endpoint is an `http` URL.
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
