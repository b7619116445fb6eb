//! What may be wrong before the first request.

use auth_model::ConnectionName;

use crate::permit::BookError;
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
