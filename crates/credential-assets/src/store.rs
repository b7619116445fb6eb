//! `secretsmanager:` and `ssm:` assets: texts of AWS's stores, asked for by somebody who has credentials for them.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetReference, Secret, StoreKind, StoredSecret};

use crate::error::{AssetError, Outlook};
use crate::file::MAX_FILE_BYTES;
use crate::shelf::{Passing, Shelf};

/// A text on its way from a store.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Secret, StoreProblem>> + Send + 'a>>;

/// One of AWS's stores, as somebody asks it who has credentials for it and can sign.
///
/// Every fetch is to end by itself: nobody puts another time limit around it.
pub trait SecretStore: fmt::Debug + Send + Sync + 'static {
    /// The current text of a secret, or of the version that its id names. Asked anew each time.
    fn fetch<'a>(&'a self, secret: &'a StoredSecret) -> Fetching<'a>;
}

/// Why a store gave no text. Nothing of a secret is in any of them.
///
/// `message` is the first line of AWS's own, at most 512 characters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreProblem {
    /// Nobody was given who could ask this store.
    #[error("nothing says where {kind} is asked")]
    NotConfigured {
        /// The store.
        kind: StoreKind,
    },
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
    #[error("the credentials are refused: {code}: {message}")]
    CredentialsRefused {
        /// AWS's error code, such as `UnrecognizedClientException`.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// There are no credentials to ask with.
    #[error("there are no credentials to ask with: {reason}")]
    NoCredentials {
        /// Why.
        reason: String,
        /// Whether only a change by somebody can help.
        is_permanent: bool,
    },
    /// The store refuses the request as it stands.
    #[error("the request is refused: {code}: {message}")]
    Refused {
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
    #[error("the answer has status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// No connection: DNS, TCP, TLS or a proxy on the way.
    #[error("it cannot be reached: {reason}")]
    Unreachable {
        /// What the network stack says.
        reason: String,
    },
    /// No answer in time.
    #[error("there was no answer in time")]
    TimedOut,
    /// An answer that is none of a store's, or one that is too large.
    #[error("the answer with status {status} is not one of AWS's")]
    UnreadableAnswer {
        /// The HTTP status.
        status: u16,
    },
}

impl StoreProblem {
    /// What may help.
    pub(crate) fn outlook(&self) -> Outlook {
        match self {
            Self::NotConfigured { .. } => Outlook::Local,
            // Asking costs money, and whoever mends it has to work on AWS's side.
            Self::Missing
            | Self::Binary
            | Self::Denied { .. }
            | Self::CredentialsRefused { .. }
            | Self::Refused { .. }
            | Self::NoCredentials { is_permanent: true, .. } => Outlook::Permanent,
            Self::NoCredentials {
                is_permanent: false, ..
            }
            | Self::ClockSkew { .. }
            | Self::Throttled { .. }
            | Self::Status { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut
            | Self::UnreadableAnswer { .. } => Outlook::Passing,
        }
    }
}

impl Passing for StoreProblem {
    fn is_passing(&self) -> bool {
        self.outlook() == Outlook::Passing
    }
}

/// The stores there are, with what was read of them. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stores(BTreeMap<StoreKind, Arc<Room>>);

#[derive(Debug)]
struct Room {
    store: Arc<dyn SecretStore>,
    texts: Shelf<StoredSecret, Secret, StoreProblem>,
}

impl Stores {
    pub(crate) fn with(mut self, kind: StoreKind, store: Arc<dyn SecretStore>, cache: Duration) -> Self {
        let texts = Shelf::new(cache);
        self.0.insert(kind, Arc::new(Room { store, texts }));
        self
    }

    pub(crate) async fn read(&self, asset: &AssetReference, secret: &StoredSecret) -> Result<Arc<Secret>, AssetError> {
        let named = |problem| named(asset, problem);
        let kind = secret.kind();
        let room = self
            .0
            .get(&kind)
            .ok_or_else(|| named(StoreProblem::NotConfigured { kind }))?;
        let text = room.texts.get(secret, room.store.fetch(secret)).await.map_err(named)?;
        if text.expose().len() as u64 > MAX_FILE_BYTES {
            return Err(AssetError::TooLarge {
                asset: asset.to_string(),
                limit: MAX_FILE_BYTES,
            });
        }
        Ok(text)
    }

    pub(crate) fn forget(&self, secret: &StoredSecret) {
        if let Some(room) = self.0.get(&secret.kind()) {
            room.texts.forget(secret);
        }
    }

    pub(crate) fn stale_for(&self, secret: &StoredSecret) -> Option<Duration> {
        self.0.get(&secret.kind())?.texts.stale_for(secret)
    }
}

fn named(asset: &AssetReference, problem: StoreProblem) -> AssetError {
    let asset = asset.to_string();
    AssetError::Store { asset, problem }
}

#[cfg(test)]
mod tests;
