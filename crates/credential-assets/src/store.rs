//! Secrets of AWS's secret stores, fetched by a crate that has credentials for them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetLocation, InvalidLocation, Region, Secret};

use crate::asset_cache::{AssetCache, Passing};
use crate::error::{AssetError, AssetProblem, Outlook, SourceProblem};
use crate::file::MAX_FILE_BYTES;
use crate::reading::AssetReading;
use crate::scheme::{AssetReader, Pending, SecretReader};
use crate::value;

/// A secret that is being fetched.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Secret, StoreProblem>> + Send + 'a>>;

/// One of AWS's secret stores, called with credentials and signed requests.
///
/// Every fetch is to end by itself: nobody puts a timeout around it.
pub trait SecretStore: fmt::Debug + Send + Sync + 'static {
    /// Which secret a location names, and the pointer into the JSON in it.
    ///
    /// # Errors
    ///
    /// [`InvalidLocation`] where it names none.
    fn locate(&self, location: &AssetLocation) -> Result<(StoredSecret, Option<String>), InvalidLocation>;

    /// The current string of a secret, or of the version that its id names. Fetched each time.
    fn fetch<'a>(&'a self, secret: &'a StoredSecret) -> Fetching<'a>;
}

/// A secret of one of AWS's secret stores.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct StoredSecret {
    /// The scheme of its references.
    pub scheme: &'static str,
    /// The name or ARN, as the store's own API takes it.
    pub id: String,
    /// The region, where the id is an ARN.
    pub region: Option<Region>,
}

impl fmt::Display for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, self.id)
    }
}

/// Why a store gave no text. Nothing of a secret is in any of them.
///
/// `message` is the first line of AWS's own, at most 512 characters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreProblem {
    /// There is no such secret or parameter, or no such version of it.
    #[error("there is no such secret, parameter or version in this region and account")]
    Missing,
    /// The secret is no text.
    #[error("the secret is binary, not text")]
    Binary,
    /// The credentials may not read it, or may not use the key that encrypts it.
    #[error("the credentials may not read it: {code}: {message}")]
    Denied {
        /// AWS's error code, such as `AccessDeniedException`.
        code: String,
        /// AWS's message: it says which permission is missing.
        message: String,
    },
    /// The store does not take the credentials, new ones included.
    #[error("the credentials are rejected: {code}: {message}")]
    CredentialsRejected {
        /// AWS's error code, such as `UnrecognizedClientException`.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// There are no credentials for the request.
    #[error("there are no credentials for the request: {reason}")]
    NoCredentials {
        /// Why.
        reason: String,
        /// Whether only a change by somebody can help.
        is_permanent: bool,
    },
    /// The store rejects the request.
    #[error("the request is rejected: {code}: {message}")]
    Rejected {
        /// AWS's error code.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// This machine's clock and the store's differ too much for signatures to be taken.
    #[error("the clock of this machine is wrong, or that of the store: {message}")]
    ClockSkew {
        /// AWS's message.
        message: String,
    },
    /// The store asks for fewer requests.
    #[error("there are too many requests: {code}")]
    Throttled {
        /// AWS's error code.
        code: String,
    },
    /// The store has trouble of its own.
    #[error("the response has status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// No connection: DNS, TCP, TLS or a proxy in between.
    #[error("it cannot be reached: {reason}")]
    Unreachable {
        /// What the network stack says.
        reason: String,
    },
    /// No response in time.
    #[error("there was no response in time")]
    TimedOut,
    /// A response that is none of a store's, or one that is too large.
    #[error("the response with status {status} is not one of AWS's")]
    UnreadableResponse {
        /// The HTTP status.
        status: u16,
    },
}

impl AssetProblem for StoreProblem {
    fn outlook(&self) -> Outlook {
        match self {
            // Requests cost money, and the fix is on AWS's side.
            Self::Missing
            | Self::Binary
            | Self::Denied { .. }
            | Self::CredentialsRejected { .. }
            | Self::Rejected { .. }
            | Self::NoCredentials { is_permanent: true, .. } => Outlook::Permanent,
            Self::NoCredentials {
                is_permanent: false, ..
            }
            | Self::ClockSkew { .. }
            | Self::Throttled { .. }
            | Self::Status { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut
            | Self::UnreadableResponse { .. } => Outlook::Passing,
        }
    }

    fn remedy(&self) -> &'static str {
        "[assets.secretsmanager] and [assets.ssm] say in which region and with whose credentials it is fetched: the secret \
         has to be there, and a policy has to let those credentials read and decrypt it."
    }

    fn is_of_server(&self) -> bool {
        false
    }
}

impl Passing for StoreProblem {
    fn is_passing(&self) -> bool {
        self.outlook() == Outlook::Passing
    }
}

/// What reads the secrets of a store through this, each again when it is older than `cache`; zero fetches them each
/// time. Nothing is requested yet.
#[must_use]
pub fn store_reader(store: impl SecretStore, cache: Duration) -> AssetReader {
    AssetReader::Secret(Arc::new(StoreReader {
        store,
        texts: AssetCache::new(cache),
    }))
}

#[derive(Debug)]
struct StoreReader<S> {
    store: S,
    texts: AssetCache<StoredSecret, Secret, StoreProblem>,
}

impl<S: SecretStore> StoreReader<S> {
    async fn text(&self, location: &AssetLocation, secret: &StoredSecret) -> Result<Arc<Secret>, AssetError> {
        let fetched = self.texts.get(secret, self.store.fetch(secret)).await;
        let text = fetched.map_err(|problem| AssetError::Source {
            asset: location.to_string(),
            problem: SourceProblem::new(problem),
        })?;
        if text.expose().len() as u64 > MAX_FILE_BYTES {
            return Err(AssetError::TooLarge {
                asset: location.to_string(),
                limit: MAX_FILE_BYTES,
            });
        }
        Ok(text)
    }
}

impl<S: SecretStore> SecretReader for StoreReader<S> {
    fn read<'a>(&'a self, location: &'a AssetLocation, reading: &'a mut AssetReading) -> Pending<'a, Secret> {
        Box::pin(async move {
            let (secret, pointer) = self.store.locate(location)?;
            let text = match reading.get::<StoredSecret, Secret>(&secret) {
                Some(text) => text,
                None => self.text(location, &secret).await?,
            };
            reading.insert(secret, Arc::clone(&text));
            value::select(location, text.expose(), pointer.as_deref())
        })
    }

    fn forget(&self, location: &AssetLocation) {
        if let Ok((secret, _)) = self.store.locate(location) {
            self.texts.forget(&secret);
        }
    }

    fn stale_for(&self, location: &AssetLocation) -> Option<Duration> {
        let (secret, _) = self.store.locate(location).ok()?;
        self.texts.stale_for(&secret)
    }
}

#[cfg(test)]
mod tests;
