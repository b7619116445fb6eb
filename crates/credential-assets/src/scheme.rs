//! What a scheme of credential assets has to have: how its references are written, and what reads them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetLocation, AssetScheme, Credentials, Secret};

use crate::environment::Environment;
use crate::error::AssetError;
use crate::reading::AssetReading;

/// A value that is being read.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, AssetError>> + Send + 'a>>;

/// A scheme with what reads its references.
pub trait ReadableScheme: AssetScheme {
    /// What reads its references before the operator's settings are known. A scheme that cannot do without settings
    /// gives [`Unconfigured`](crate::Unconfigured).
    fn reader(&self, environment: &Arc<dyn Environment>) -> AssetReader;
}

/// What reads the references of one scheme.
#[derive(Clone, Debug)]
pub enum AssetReader {
    /// Each reference is one secret.
    Secret(Arc<dyn SecretReader>),
    /// Each reference is a whole access key.
    Key(Arc<dyn KeyReader>),
}

/// Reads single secrets. Errors name the location and show nothing of the secret.
///
/// Every read is to end by itself: nobody puts a timeout around it.
pub trait SecretReader: fmt::Debug + Send + Sync + 'static {
    /// Reads one secret; what is in `reading` is used again.
    fn read<'a>(&'a self, location: &'a AssetLocation, reading: &'a mut AssetReading) -> Pending<'a, Secret>;

    /// Removes what is cached of this location: AWS rejected it, or it is good once. Nothing to do where nothing is
    /// cached.
    fn forget(&self, location: &AssetLocation);

    /// How long ago the value was confirmed, where reading it fails and the stale value is served.
    fn stale_for(&self, location: &AssetLocation) -> Option<Duration>;

    /// What an operator should look at although the secret was read.
    fn warning(&self, _location: &AssetLocation) -> Option<&'static str> {
        None
    }
}

/// Obtains whole access keys. As for [`SecretReader`], errors show nothing of them, and every call ends by itself.
pub trait KeyReader: fmt::Debug + Send + Sync + 'static {
    /// The key that is to be used now.
    fn key<'a>(&'a self, location: &'a AssetLocation) -> Pending<'a, LeasedKey>;

    /// Has another key made at the next call: AWS rejected this one. A key that was made seconds ago may stay: AWS may
    /// not know it everywhere yet, as it would not know another.
    fn forget(&self, location: &AssetLocation);

    /// How long ago the key was confirmed, where its server fails and it is still used.
    fn stale_for(&self, location: &AssetLocation) -> Option<Duration>;
}

/// A whole access key and how long it is good.
#[derive(Clone, Debug)]
pub struct LeasedKey {
    /// The key.
    pub credentials: Credentials,
    /// From now to its end.
    pub remaining: Duration,
}

/// Splits `PLACE` or `PLACE#/json/pointer` (RFC 6901); `None` where the pointer is none.
#[must_use]
pub fn split_pointer(text: &str) -> Option<(&str, Option<&str>)> {
    match text.split_once('#') {
        None => Some((text, None)),
        Some((place, pointer)) if pointer.starts_with('/') => Some((place, Some(pointer))),
        Some(_) => None,
    }
}
