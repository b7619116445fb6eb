//! What the operator wrote, read but not yet understood: the raw side of "raw, then typed".
//!
//! Numbers, lists and switches are what they are; everything else is text until it is checked. Keys with a
//! default are always there, since the defaults were filled in before. The types are made where the keys are declared.

use serde::Deserialize;
use serde::de::IgnoredAny;

pub(super) use super::keys::{
    RawAssets, RawAuth, RawBrowsers, RawConfig, RawConnection, RawIdentity, RawLimits, RawLog, RawRetry, RawServer,
    RawStore, RawSts, RawTimeouts, RawUpstream, RawVault, RawVaultAuth,
};

/// That a secret was written. Its text is kept apart, see [`Table::secret`](super::table::Table::secret).
#[derive(Clone, Copy, Deserialize)]
#[serde(from = "IgnoredAny")]
pub(crate) struct Written;

impl From<IgnoredAny> for Written {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}
