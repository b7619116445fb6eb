//! `env:NAME`: an environment variable of the process.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetLocation, AssetOrigin, AssetScheme, AssetValue, InvalidLocation, Secret};
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::AssetError;
use crate::reading::AssetReading;
use crate::scheme::{AssetReader, Pending, ReadableScheme, SecretReader};
use crate::value;

const REMEDY: &str = "set the variable in the environment of the proxy; a variable of your shell has to be exported.";

/// The scheme.
#[derive(Debug)]
pub(crate) struct EnvScheme;

impl AssetScheme for EnvScheme {
    fn name(&self) -> &'static str {
        "env"
    }

    fn example(&self) -> &'static str {
        "env:REPORTS_SECRET"
    }

    fn value(&self) -> AssetValue {
        AssetValue::Secret
    }

    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        let name = location.expose();
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(InvalidLocation(
                "env: needs the name of an environment variable, such as env:REPORTS_SECRET",
            ));
        }
        Ok(AssetOrigin::Process)
    }
}

impl ReadableScheme for EnvScheme {
    fn reader(&self, environment: &Arc<dyn Environment>) -> AssetReader {
        AssetReader::Secret(Arc::new(Variables(Arc::clone(environment))))
    }
}

#[derive(Debug)]
struct Variables(Arc<dyn Environment>);

impl Variables {
    fn value(&self, location: &AssetLocation) -> Result<Secret, AssetError> {
        let value = self.0.variable(location.expose()).ok_or_else(|| AssetError::Missing {
            asset: location.to_string(),
            remedy: REMEDY,
        })?;
        let text = value.into_string().map_err(|_| AssetError::NotUtf8 {
            asset: location.to_string(),
        })?;
        value::finish(location, &Zeroizing::new(text))
    }
}

impl SecretReader for Variables {
    fn read<'a>(&'a self, location: &'a AssetLocation, _: &'a mut AssetReading) -> Pending<'a, Secret> {
        Box::pin(async { self.value(location) })
    }

    fn forget(&self, _: &AssetLocation) {}

    fn stale_for(&self, _: &AssetLocation) -> Option<Duration> {
        None
    }
}
