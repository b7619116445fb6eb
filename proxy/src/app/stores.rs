//! Sources of credentials, and the secret stores (Secrets Manager, Parameter Store) that some of them sign the requests to
//! and others take their keys from.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{AssetOrigin, AuthMethod, Clock, Connection, ConnectionName, ServiceId};
use credential_assets::{Assets, store_reader};
use sts_client::{
    AwsSecretStore, CredentialError, CredentialSource, KeyWall, SecretStoreSettings, StsSettings, shared_sources,
};

use super::StartError;

/// How secrets are requested from one of the secret stores.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct StoreSettings {
    pub(crate) signed_with: StoreCredentials,
    pub(crate) settings: SecretStoreSettings,
    /// How long a secret is used before it is fetched again.
    pub(crate) cache: std::time::Duration,
}

/// Whose credentials sign the requests to a secret store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum StoreCredentials {
    /// A connection's, which obtains them so.
    Connection(Box<(Connection, StsSettings)>),
    /// The default chain's, which reaches STS so.
    DefaultChain(Box<StsSettings>),
}

/// A source for each of the wanted connections, and the assets with all the stores.
///
/// The sources are made in rounds: first those that need no store, then the stores whose requests they sign, then those
/// that need these stores. So a store and its connection share one source, and nothing depends on itself.
///
/// # Errors
///
/// [`StartError`] where a store or how a connection obtains its credentials cannot be used.
pub(crate) fn sources<'a>(
    wanted: impl IntoIterator<Item = (&'a Connection, StsSettings)>,
    mut assets: Assets,
    mut stores: BTreeMap<&'static str, StoreSettings>,
    clock: &Arc<dyn Clock>,
    wall: &KeyWall,
) -> Result<(BTreeMap<ConnectionName, CredentialSource>, Assets), StartError> {
    let mut wanted: Vec<_> = wanted.into_iter().collect();
    let mut sources = BTreeMap::new();
    loop {
        let mut waiting = BTreeMap::new();
        for (kind, store_settings) in stores {
            match source_of(kind, &store_settings, &sources, &assets, clock)? {
                Some(source) => {
                    let store = AwsSecretStore::new(kind, source, &store_settings.settings, Arc::clone(clock));
                    let store = store.map_err(|source| StartError::Store { kind, source })?;
                    let store = store.observed_by(assets.observer());
                    assets = assets.with_reader(kind, store_reader(store, store_settings.cache));
                }
                None => {
                    waiting.insert(kind, store_settings);
                }
            }
        }
        stores = waiting;
        let is_ready = |(connection, _): &(&Connection, StsSettings)| {
            let mut needed = stores_of(&connection.auth, &assets);
            needed.all(|kind| !stores.contains_key(kind))
        };
        let (ready, later): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_ready);
        let is_last = ready.is_empty();
        // What depends on itself is rejected when the configuration is checked; here it would find no store.
        let (now, later) = if is_last { (later, Vec::new()) } else { (ready, later) };
        let made = shared_sources(now, &assets, clock, wall);
        sources.extend(made.map_err(|(connection, source)| StartError::Credentials { connection, source })?);
        wanted = later;
        if is_last {
            return Ok((sources, assets));
        }
    }
}

/// The secret stores that a method's references lead to.
fn stores_of<'a>(auth: &'a AuthMethod, assets: &'a Assets) -> impl Iterator<Item = &'static str> {
    auth.references()
        .filter_map(|reference| match assets.origin(reference).ok()? {
            AssetOrigin::AwsStore { settings, .. } => Some(settings.table),
            AssetOrigin::Process | AssetOrigin::File(_) | AssetOrigin::Program(_) | AssetOrigin::Server(_) => None,
        })
}

/// Whose credentials sign the requests to the store; `None` where that source is yet to be made.
fn source_of(
    kind: &'static str,
    store_settings: &StoreSettings,
    sources: &BTreeMap<ConnectionName, CredentialSource>,
    assets: &Assets,
    clock: &Arc<dyn Clock>,
) -> Result<Option<CredentialSource>, StartError> {
    let sts = match &store_settings.signed_with {
        StoreCredentials::Connection(of) => return Ok(sources.get(&of.0.name).cloned()),
        StoreCredentials::DefaultChain(sts) => sts,
    };
    let unusable = |source: CredentialError| StartError::Store { kind, source };
    // Two constants that are names.
    let (Ok(name), Ok(service)) = (ConnectionName::parse(format!("assets-{kind}")), ServiceId::parse(kind)) else {
        return Ok(None);
    };
    let connection = Connection {
        name,
        service,
        region: store_settings.settings.region.clone(),
        signing_name: None,
        auth: AuthMethod::DefaultChain { profile: None },
    };
    let source = CredentialSource::new(&connection, assets.clone(), sts, Arc::clone(clock));
    source.map(Some).map_err(unusable)
}
