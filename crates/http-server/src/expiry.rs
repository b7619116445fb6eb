//! Why a connection's time ran out.

use super::observer::ConnectionEnd;

/// Why a connection's time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// No first byte within the header timeout, or no further request within the idle timeout.
    Idle,
    /// A request's head began and did not end within the header timeout.
    Head,
    /// The client took no byte of the response within the write timeout.
    Write,
    /// The client took too little of its responses.
    Slow,
    /// The client closed its side and there is still no response for it.
    HalfClosed,
}

impl From<Expiry> for ConnectionEnd {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Idle => Self::IdleTimeout,
            Expiry::Head => Self::HeadTimeout,
            Expiry::Write => Self::WriteTimeout,
            Expiry::Slow => Self::TooSlow,
            Expiry::HalfClosed => Self::HalfClosed,
        }
    }
}
