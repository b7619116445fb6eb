//! Why a sandbox cannot start.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

/// Why [`crate::Sandbox::start`] failed. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A port is taken, or loopback is not there.
    #[error("cannot listen on {address} for {service}")]
    Listen {
        /// The service whose listener failed.
        service: &'static str,
        /// The requested address.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The directory for S3's objects cannot be made or opened.
    #[error("cannot prepare the directory for S3 objects")]
    Directory(#[source] Box<dyn Error + Send + Sync>),
    /// The certificates cannot be made.
    #[error("cannot make the TLS certificates")]
    Certificates(#[source] Box<dyn Error + Send + Sync>),
}
