//! What the tests share: the sandbox with a proxy before it, a client of raw bytes, an upstream that records.

pub(crate) mod child;
mod client;
pub(crate) mod hostile;
pub(crate) mod http2;
pub(crate) mod process;
mod recorder;
pub(crate) mod world;

pub(crate) use client::{RawResponse, Wire, ask};
pub(crate) use recorder::{Recorded, Recorder};
pub(crate) use world::{World, sandbox};

/// What surrounds a configuration here: no variables, and the schemes of credential assets that the program has.
pub(crate) fn environment() -> proxy_config::Environment {
    proxy_config::Environment::empty().with_schemes(sts_client::asset_schemes())
}

/// How long anything here may take: far more than it does, so that only a hang fails by time.
pub(crate) const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(60);
