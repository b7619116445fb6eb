//! A pipeline that serves, and what may be wrong before the first request.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{Clock, ConnectionName};
use sts_client::CredentialSource;

use super::{Observer, Pipeline};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::permit::BookError;
use crate::process::DescriptorLimit;
use crate::route::RouteError;
use crate::upstream::UpstreamError;

/// The pipeline cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A connection has nowhere to go.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The upstream's settings cannot be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// No source of credentials was given for a connection.
    #[error("connection {connection} has no source of credentials")]
    NoSource {
        /// The connection.
        connection: ConnectionName,
    },
    /// A connection's record cannot be gone on with.
    #[error("connection {connection} cannot record its requests")]
    Record {
        /// The connection.
        connection: ConnectionName,
        /// Why.
        #[source]
        source: BookError,
    },
    /// The system has no randomness.
    #[error("the system's random number generator fails")]
    Random,
}

impl Pipeline {
    /// A pipeline for the configured connections. Opens no connection and asks for no credentials.
    ///
    /// # Errors
    ///
    /// [`SetupError`] where a connection or the upstream settings cannot be used.
    pub fn new(
        config: &Config,
        credentials: BTreeMap<ConnectionName, CredentialSource>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        Self::within(&DescriptorLimit::none(), config, credentials, clock, observer, metrics)
    }
}
