//! AWS's secret stores, one module each, and the table that they are registered in.
//!
//! A new store is one module with a type that implements [`AwsStore`], and one line in [`STORES`].

mod secretsmanager;
mod ssm;

use std::fmt;
use std::sync::Arc;

use auth_model::{
    Arn, AssetLocation, AssetOrigin, AssetScheme, AssetSchemes, AssetSettings, AssetValue, InvalidLocation, Region,
    Secret,
};
use credential_assets::{
    AssetReader, Environment, ReadableScheme, SCHEMES, StoreProblem, StoredSecret, Unconfigured, split_pointer,
};
use serde_json::Value;

/// AWS's secret stores.
static STORES: [StoreScheme; 2] = [
    StoreScheme(&secretsmanager::SecretsManager),
    StoreScheme(&ssm::ParameterStore),
];

/// The schemes of AWS's secret stores, for [`Assets::with_schemes`](credential_assets::Assets::with_schemes).
pub fn aws_schemes() -> impl Iterator<Item = &'static dyn ReadableScheme> {
    STORES.iter().map(|scheme| scheme as &'static dyn ReadableScheme)
}

/// All schemes that can be read, those of `credential-assets` first.
#[must_use]
pub fn asset_schemes() -> AssetSchemes {
    let all = SCHEMES.into_iter().chain(aws_schemes());
    all.map(|scheme| scheme as &'static dyn AssetScheme).collect()
}

/// The store with this scheme.
pub(super) fn store(scheme: &str) -> Option<&'static dyn AwsStore> {
    let mut stores = STORES.iter().map(|scheme| scheme.0);
    stores.find(|store| store.name() == scheme)
}

/// One of AWS's secret stores.
pub(super) trait AwsStore: fmt::Debug + Send + Sync + 'static {
    /// The scheme of its references: also its endpoint prefix, its signing name, its namespace in ARNs, its table below
    /// `[assets]` and its label in metrics.
    fn name(&self) -> &'static str;

    /// A whole reference.
    fn example(&self) -> &'static str;

    /// What references look like, for an error.
    fn usage(&self) -> &'static str;

    /// Whether this is a secret's name.
    fn is_name(&self, text: &str) -> bool;

    /// Whether this is the last part of a secret's ARN.
    fn is_resource(&self, text: &str) -> bool;

    /// The header `X-Amz-Target` and the body of a request for this secret.
    fn request(&self, id: &str) -> (&'static str, Value);

    /// The secret in the body of a response with status 200.
    ///
    /// # Errors
    ///
    /// [`StoreProblem`] where there is none.
    fn secret(&self, body: &[u8]) -> Result<Secret, StoreProblem>;
}

impl dyn AwsStore {
    /// Which secret a location names, and the pointer into the JSON in it.
    pub(super) fn locate(&self, location: &AssetLocation) -> Result<(StoredSecret, Option<String>), InvalidLocation> {
        let invalid = InvalidLocation(self.usage());
        let (id, pointer) = split_pointer(location.expose()).ok_or(invalid)?;
        let region = if id.starts_with("arn:") {
            Some(self.region_of(id).ok_or(invalid)?)
        } else if self.is_name(id) {
            None
        } else {
            return Err(invalid);
        };
        let secret = StoredSecret {
            scheme: self.name(),
            id: id.to_owned(),
            region,
        };
        Ok((secret, pointer.map(str::to_owned)))
    }

    /// The region of an ARN of this store; `None` where it is another service's.
    fn region_of(&self, id: &str) -> Option<Region> {
        // Secrets Manager, `GetSecretValue`, and Systems Manager, `GetParameter`: ids have at most 2,048 characters.
        let arn: Arn = id.parse().ok().filter(|_| id.len() <= 2_048)?;
        let is_whole = arn.service == self.name() && arn.account.is_some() && self.is_resource(&arn.resource);
        Region::parse(arn.region).ok().filter(|_| is_whole)
    }
}

/// The scheme of a store.
#[derive(Debug)]
struct StoreScheme(&'static dyn AwsStore);

impl StoreScheme {
    fn settings(&self) -> AssetSettings {
        AssetSettings {
            table: self.0.name(),
            one_of: &["region", "connection"],
        }
    }
}

impl AssetScheme for StoreScheme {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn example(&self) -> &'static str {
        self.0.example()
    }

    fn value(&self) -> AssetValue {
        AssetValue::Secret
    }

    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        let (secret, _) = self.0.locate(location)?;
        Ok(AssetOrigin::AwsStore {
            settings: self.settings(),
            region: secret.region,
        })
    }
}

impl ReadableScheme for StoreScheme {
    fn reader(&self, _: &Arc<dyn Environment>) -> AssetReader {
        AssetReader::Secret(Arc::new(Unconfigured(self.settings())))
    }
}

/// What a response with status 200 is that is none of the store's.
fn unreadable() -> StoreProblem {
    StoreProblem::UnreadableResponse { status: 200 }
}

/// Whether the text has `1..=longest` bytes and each of them is allowed.
fn is_made_of(text: &str, longest: usize, is_allowed: fn(u8) -> bool) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests;
