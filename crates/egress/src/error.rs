//! Why no connection was opened.

use std::error::Error;
use std::io;

use aws_endpoints::AddressRejected;
use rustls::CertificateError;

/// An error of a lower layer.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// No more connections may be open, and none has ended.
#[derive(Debug, thiserror::Error)]
#[error("too many files are open: the limit of open files (ulimit -n) leaves no connection to the service")]
pub(crate) struct NoDescriptor;

/// Why no connection was opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not within the connect timeout.
    #[error("connect timed out")]
    TimedOut,
    /// The name does not resolve, TCP fails, or the HTTP proxy on the path opens no tunnel.
    #[error("no connection")]
    Unreachable(#[source] BoxError),
    /// A name of AWS's resolves to addresses that AWS does not have.
    #[error("no connection")]
    AddressRejected(#[source] BoxError),
    /// No more files may be open.
    #[error("no connection is tried")]
    NoDescriptor(#[source] BoxError),
    /// The TLS handshake fails.
    #[error("no TLS connection")]
    Tls(#[source] io::Error),
}

/// What a TLS handshake failed by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsFailure {
    /// The certificate is signed by an authority that is not trusted.
    UntrustedIssuer,
    /// The certificate is for another name.
    WrongName,
    /// What came was no TLS.
    NotTls,
    /// The server has sent TLS, and no connection came of it: no version in common, an expired certificate, an alert.
    Rejected,
    /// The connection broke.
    Broken,
}

impl ConnectError {
    /// What the TLS handshake failed by, where that is what failed.
    #[must_use]
    pub fn tls_failure(&self) -> Option<TlsFailure> {
        use CertificateError::{BadSignature, NotValidForName, NotValidForNameContext, UnknownIssuer};
        let Self::Tls(error) = self else { return None };
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return Some(TlsFailure::Broken);
        };
        Some(match error {
            rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => TlsFailure::UntrustedIssuer,
            rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => TlsFailure::WrongName,
            // What is no TLS record is an invalid message; all other errors are about what came in one.
            rustls::Error::InvalidMessage(_) => TlsFailure::NotTls,
            _ => TlsFailure::Rejected,
        })
    }

    /// The TLS handshake fails with an [`io::Error`], everything before it with errors of its own.
    pub(crate) fn classify(cause: BoxError) -> Self {
        match cause.downcast::<io::Error>() {
            // The connector wraps it in another one, which hides its kind.
            Ok(error) => Self::Tls(error.downcast::<io::Error>().unwrap_or_else(|error| error)),
            Err(cause) if find_source::<AddressRejected>(&*cause).is_some() => Self::AddressRejected(cause),
            Err(cause) if find_source::<NoDescriptor>(&*cause).is_some() => Self::NoDescriptor(cause),
            Err(cause) => match find_source::<io::Error>(&*cause).map(io::Error::kind) {
                Some(io::ErrorKind::TimedOut) => Self::TimedOut,
                _ => Self::Unreachable(cause),
            },
        }
    }
}

/// The first error of the type, of this one and its sources.
pub fn find_source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
