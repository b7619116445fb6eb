//! The readers of all schemes.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{
    AssetLocation, AssetOrigin, AssetReference, AssetScheme, AssetSchemes, InvalidAssetReference, Secret,
};

use crate::environment::Environment;
use crate::error::AssetError;
use crate::reading::AssetReading;
use crate::scheme::{AssetReader, KeyReader, ReadableScheme, SecretReader};

/// A reader for each scheme. Clones share what was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readers {
    schemes: AssetSchemes,
    readers: BTreeMap<&'static str, AssetReader>,
}

/// A reference that has been checked.
#[derive(Debug)]
pub(crate) enum CheckedReference<'a> {
    Literal(Secret),
    Kept(AssetLocation, &'a Arc<dyn SecretReader>),
}

impl Readers {
    /// The same with these schemes too.
    pub(crate) fn with(
        mut self,
        schemes: impl IntoIterator<Item = &'static dyn ReadableScheme>,
        environment: &Arc<dyn Environment>,
    ) -> Self {
        let mut all: Vec<&'static dyn AssetScheme> = self.schemes.iter().collect();
        for scheme in schemes {
            all.push(scheme);
            self.readers.insert(scheme.name(), scheme.reader(environment));
        }
        let schemes = all.into_iter().collect();
        Self { schemes, ..self }
    }

    /// The same, with another reader for one scheme.
    pub(crate) fn with_reader(mut self, scheme: &'static str, reader: AssetReader) -> Self {
        self.readers.insert(scheme, reader);
        self
    }

    /// Where a reference leads.
    pub(crate) fn origin(&self, asset: &AssetReference) -> Result<AssetOrigin, InvalidAssetReference> {
        self.schemes.check(asset.clone()).map(|(_, origin)| origin)
    }

    pub(crate) fn check(&self, asset: &AssetReference) -> Result<CheckedReference<'_>, InvalidAssetReference> {
        let location = match self.schemes.check(asset.clone())?.0 {
            AssetReference::Literal(secret) => return Ok(CheckedReference::Literal(secret)),
            AssetReference::Kept(location) => location,
        };
        match self.readers.get(location.scheme()) {
            Some(AssetReader::Secret(reader)) => Ok(CheckedReference::Kept(location, reader)),
            Some(AssetReader::Key(_)) | None => Err(self.unknown()),
        }
    }

    pub(crate) fn check_key(
        &self,
        asset: &AssetReference,
    ) -> Result<(AssetLocation, &Arc<dyn KeyReader>), InvalidAssetReference> {
        let location = match self.schemes.check_key(asset.clone())?.0 {
            AssetReference::Literal(_) => return Err(self.unknown()),
            AssetReference::Kept(location) => location,
        };
        match self.readers.get(location.scheme()) {
            Some(AssetReader::Key(reader)) => Ok((location, reader)),
            Some(AssetReader::Secret(_)) | None => Err(self.unknown()),
        }
    }

    /// Reads one secret, shown in errors as its scheme says.
    pub(crate) async fn read(&self, asset: &AssetReference) -> Result<Secret, AssetError> {
        self.read_in(&mut AssetReading::default(), asset).await
    }

    pub(crate) async fn read_in(
        &self,
        reading: &mut AssetReading,
        asset: &AssetReference,
    ) -> Result<Secret, AssetError> {
        match self.check(asset)? {
            CheckedReference::Literal(secret) => Ok(secret),
            CheckedReference::Kept(location, reader) => reader.read(&location, reading).await,
        }
    }

    /// A reader of the other kind than its scheme announces is taken for none.
    fn unknown(&self) -> InvalidAssetReference {
        InvalidAssetReference::UnknownScheme {
            known: self.schemes.names_of_secrets().collect(),
        }
    }
}
