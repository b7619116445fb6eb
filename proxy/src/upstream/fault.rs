//! What can go wrong on the way to the service.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use crate::error::{Cause, ErrorCode};
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
    },
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// Not within `timeouts.connect`.
    #[error("no connection within the time for it")]
    TimedOut,
    /// The name, TCP, or the proxy on the way.
    #[error("no connection")]
    Unreachable(#[source] Cause),
    /// AWS's name leads to addresses that AWS does not have.
    #[error("no connection")]
    AddressRejected(#[source] Cause),
    /// HTTP/2 was wanted, and something else was agreed on, or an HTTP proxy answers for the service.
    #[error("the connection is not for HTTP/2")]
    NotHttp2,
    /// No more files may be open.
    #[error("no connection is tried")]
    NoDescriptor(#[source] Cause),
    /// Too many attempts have failed.
    #[error("no connection is tried")]
    CircuitOpen(#[source] CircuitOpen),
    /// The TLS handshake.
    #[error("no TLS connection")]
    Tls(#[source] io::Error),
}

impl ConnectError {
    /// What a request is rejected with for it.
    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Self::TimedOut => ErrorCode::UpstreamConnectTimeout,
            Self::Unreachable(_) => ErrorCode::UpstreamUnreachable,
            Self::AddressRejected(_) => ErrorCode::UpstreamAddressRejected,
            Self::NotHttp2 => ErrorCode::UpstreamNotHttp2,
            Self::NoDescriptor(_) => ErrorCode::UpstreamBusy,
            Self::CircuitOpen(_) => ErrorCode::UpstreamCircuitOpen,
            Self::Tls(_) => ErrorCode::UpstreamTls,
        }
    }

    /// Whether it counts against the host.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::TimedOut | Self::Unreachable(_) | Self::Tls(_) => true,
            Self::AddressRejected(_) | Self::NotHttp2 | Self::NoDescriptor(_) | Self::CircuitOpen(_) => false,
        }
    }
}

/// The first cause of the type.
pub(super) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
