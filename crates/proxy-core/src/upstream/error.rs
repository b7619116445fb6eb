//! Why a service cannot be connected to.

use std::io;
use std::path::PathBuf;

use egress::{ConnectError, InvalidProxyUrl, InvalidRoots, TlsSetupError};

use crate::error::ErrorCode;
use crate::retry::CircuitOpen;

/// The upstream's settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// `upstream.ca_file` cannot be read.
    #[error("upstream.ca_file {} cannot be read", path.display())]
    CaFileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `upstream.ca_file` holds no certificate, or a broken one.
    #[error("upstream.ca_file {} holds no usable PEM certificates", path.display())]
    CaFileInvalid {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: InvalidRoots,
    },
    /// The TLS library rejects its own defaults.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// `upstream.https_proxy` or `upstream.http_proxy` cannot be used.
    #[error("upstream.https_proxy or upstream.http_proxy cannot be used")]
    Proxy(#[from] InvalidProxyUrl),
}

/// Why the pool got no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum PoolConnectError {
    /// None was opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// HTTP/2 was wanted, and something else was agreed on, or an HTTP proxy responds for the service.
    #[error("the connection is not for HTTP/2")]
    NotHttp2,
    /// Too many attempts have failed.
    #[error("no connection is tried")]
    CircuitOpen(#[source] CircuitOpen),
}

impl PoolConnectError {
    /// What a request is rejected with for it.
    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Self::Connect(ConnectError::TimedOut) => ErrorCode::UpstreamConnectTimeout,
            Self::Connect(ConnectError::Unreachable(_)) => ErrorCode::UpstreamUnreachable,
            Self::Connect(ConnectError::AddressRejected(_)) => ErrorCode::UpstreamAddressRejected,
            Self::Connect(ConnectError::NoDescriptor(_)) => ErrorCode::UpstreamBusy,
            Self::Connect(ConnectError::Tls(_)) => ErrorCode::UpstreamTls,
            Self::NotHttp2 => ErrorCode::UpstreamNotHttp2,
            Self::CircuitOpen(_) => ErrorCode::UpstreamCircuitOpen,
        }
    }

    /// Whether it counts against the host.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::Connect(ConnectError::TimedOut | ConnectError::Unreachable(_) | ConnectError::Tls(_)) => true,
            Self::Connect(ConnectError::AddressRejected(_) | ConnectError::NoDescriptor(_))
            | Self::NotHttp2
            | Self::CircuitOpen(_) => false,
        }
    }
}
