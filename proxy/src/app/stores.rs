//! Sources of credentials, and AWS's stores of secrets that are asked with some of them for the keys of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{AuthMethod, Clock, Connection, ConnectionName, ServiceId, StoreKind, StoredSecret};
use credential_assets::Assets;
use sts_client::{
    AwsSecretStore, CredentialError, CredentialSource, KeyWall, SecretStoreSettings, StsSettings, shared_sources,
};

use super::StartError;

/// How one of the stores is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct StoreWay {
    pub(crate) asked_with: AskedWith,
    pub(crate) settings: SecretStoreSettings,
    /// How long a secret is used before it is fetched again.
    pub(crate) cache: std::time::Duration,
}

/// Whose credentials sign the questions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum AskedWith {
    /// A connection's, which obtains them in this way.
    Connection(Box<(Connection, StsSettings)>),
    /// The default chain's, which reaches STS in this way.
    DefaultChain(Box<StsSettings>),
}

/// A source for each of the wanted connections, and the assets with all the stores.
///
/// The sources are made in rounds: first those that need no store, then the stores that are asked with them, then those
/// that need these stores. So a store and its connection share one source, and nothing holds itself in a ring.
///
/// # Errors
///
/// [`StartError`] where a store or a connection's way to its credentials cannot be used.
pub(crate) fn sources<'a>(
    wanted: impl IntoIterator<Item = (&'a Connection, StsSettings)>,
    mut assets: Assets,
    mut stores: BTreeMap<StoreKind, StoreWay>,
    clock: &Arc<dyn Clock>,
    wall: &KeyWall,
) -> Result<(BTreeMap<ConnectionName, CredentialSource>, Assets), StartError> {
    let mut wanted: Vec<_> = wanted.into_iter().collect();
    let mut sources = BTreeMap::new();
    loop {
        let mut waiting = BTreeMap::new();
        for (kind, way) in stores {
            match source_of(kind, &way, &sources, &assets, clock)? {
                Some(source) => {
                    let store = AwsSecretStore::new(source, &way.settings, Arc::clone(clock));
                    let store = store.map_err(|source| StartError::Store { kind, source })?;
                    let store = store.observed_by(assets.observer(), kind);
                    assets = assets.with_store(kind, Arc::new(store), way.cache);
                }
                None => {
                    waiting.insert(kind, way);
                }
            }
        }
        stores = waiting;
        let is_ready = |(connection, _): &(&Connection, StsSettings)| {
            let mut needed = connection.auth.stored_secrets().map(StoredSecret::kind);
            needed.all(|kind| !stores.contains_key(&kind))
        };
        let (ready, later): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_ready);
        let is_last = ready.is_empty();
        // What waits for itself is refused by the configuration's check; here it would find no store.
        let (now, later) = if is_last { (later, Vec::new()) } else { (ready, later) };
        let made = shared_sources(now, &assets, clock, wall);
        sources.extend(made.map_err(|(connection, source)| StartError::Credentials { connection, source })?);
        wanted = later;
        if is_last {
            return Ok((sources, assets));
        }
    }
}

/// Whose credentials the store is asked with; `None` where that source is yet to be made.
fn source_of(
    kind: StoreKind,
    way: &StoreWay,
    sources: &BTreeMap<ConnectionName, CredentialSource>,
    assets: &Assets,
    clock: &Arc<dyn Clock>,
) -> Result<Option<CredentialSource>, StartError> {
    let sts = match &way.asked_with {
        AskedWith::Connection(asked) => return Ok(sources.get(&asked.0.name).cloned()),
        AskedWith::DefaultChain(sts) => sts,
    };
    let unusable = |source: CredentialError| StartError::Store { kind, source };
    // Two constants that are names.
    let (Ok(name), Ok(service)) = (
        ConnectionName::parse(format!("assets-{kind}")),
        ServiceId::parse(kind.as_str()),
    ) else {
        return Ok(None);
    };
    let connection = Connection {
        name,
        service,
        region: way.settings.region.clone(),
        signing_name: None,
        auth: AuthMethod::DefaultChain { profile: None },
    };
    let source = CredentialSource::new(&connection, assets.clone(), sts, Arc::clone(clock));
    source.map(Some).map_err(unusable)
}
