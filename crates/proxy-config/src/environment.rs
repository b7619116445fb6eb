//! What surrounds a configuration: environment variables, read once, and the schemes of credential assets.

use std::collections::BTreeMap;
use std::ffi::OsString;

use auth_model::{AssetOrigin, AssetReference, AssetSchemes, InvalidAssetReference, Secret};

/// The proxy's environment variables at one instant, and the schemes of credential assets that it reads.
///
/// Values may be secrets: each is in memory once, and wiped. A value that is not UTF-8 is `None`: it is an error only where it is needed.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, Option<Secret>>,
    /// The schemes of credential assets that the program reads; `None` where whoever reads an asset finds out.
    schemes: Option<AssetSchemes>,
}

impl Environment {
    /// No variables at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The variables of this process, which reads assets of these schemes.
    #[must_use]
    pub fn of_process(schemes: AssetSchemes) -> Self {
        Self::from_os(std::env::vars_os()).with_schemes(schemes)
    }

    /// Checks references to credential assets against these schemes. Without them only the form of a reference is
    /// checked, and an unknown scheme is an error when it is read.
    #[must_use]
    pub fn with_schemes(self, schemes: AssetSchemes) -> Self {
        Self {
            schemes: Some(schemes),
            ..self
        }
    }

    /// Checks a reference to one secret; where it leads is `None` where no schemes are known.
    pub(super) fn check_asset(
        &self,
        reference: AssetReference,
    ) -> Result<(AssetReference, Option<AssetOrigin>), InvalidAssetReference> {
        match &self.schemes {
            Some(schemes) => schemes
                .check(reference)
                .map(|(reference, origin)| (reference, Some(origin))),
            None => Ok((reference, None)),
        }
    }

    /// The same for a reference to a whole key.
    pub(super) fn check_key(
        &self,
        reference: AssetReference,
    ) -> Result<(AssetReference, Option<AssetOrigin>), InvalidAssetReference> {
        match &self.schemes {
            Some(schemes) => schemes
                .check_key(reference)
                .map(|(reference, origin)| (reference, Some(origin))),
            None => Ok((reference, None)),
        }
    }

    fn from_os(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok().map(Secret::new))))
            .collect();
        Self {
            variables,
            schemes: None,
        }
    }

    /// The variable's value; `None` where it is not set, empty or not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.secret(name).map(Secret::expose)
    }

    /// The same as a secret.
    pub(super) fn secret(&self, name: &str) -> Option<&Secret> {
        let value = self.variables.get(name)?.as_ref();
        value.filter(|value| !value.expose().is_empty())
    }

    /// Whether the variable has a value, be it UTF-8 or not.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.variables
            .get(name)
            .is_some_and(|value| value.as_ref().is_none_or(|value| !value.expose().is_empty()))
    }

    /// Every variable in the order of the names; a value that is not UTF-8 is `None`.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Option<&Secret>)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_ref()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), Some(Secret::new(value))))
            .collect();
        Self {
            variables,
            schemes: None,
        }
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}
