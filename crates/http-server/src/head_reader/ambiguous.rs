//! What makes a head ambiguous, and how that verdict gets from the socket to the service.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Marks a request that two readers could read in two ways; among its extensions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AmbiguousHead {
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112, section 6.3: an attempt at smuggling).
    TwoLengths,
    /// `Content-Length` more than once, in one field or in several, even if the values are the same.
    LengthRepeated,
    /// A `Content-Length` that is not a plain decimal number.
    LengthMalformed,
    /// Transfer codings other than one `chunked`.
    CodingUnsupported,
    /// `Transfer-Encoding` in a request of HTTP/1.0, which has none (RFC 9112, section 6.1).
    CodingInHttp10,
    /// No length where a body may follow: in HTTP/1.0 (RFC 1945, section 7.2.2), or where what follows is no request.
    LengthMissing,
    /// A line that ends without a carriage return (RFC 9112, section 2.2: a recipient may take it, or not).
    BareLineFeed,
    /// A `#` in the target, this byte of it (RFC 9112, section 3.2: no form of target has a fragment).
    Fragment {
        /// From 0, in the client's own spelling.
        offset: u32,
    },
    /// A `%` in the target, this byte of it, that two hexadecimal digits do not follow.
    InvalidEscape {
        /// From 0, in the client's own spelling.
        offset: u32,
    },
    /// A target that is beyond the longest when its raw bytes are escaped.
    TargetTooLong,
    /// A target that is neither a path, an `http` or `https` URL nor `*`.
    TargetForm,
    /// `CONNECT`: what follows it belongs to the tunnel and is no request of this connection.
    Tunnel,
    /// A request that hyper read although no checked head was handed over: the two readers disagree.
    Unchecked,
}

/// The verdict on the one head that was handed to hyper and has not reached the service yet.
#[derive(Debug, Default)]
pub(crate) struct HandedOver(Mutex<Option<HeadVerdict>>);

/// What was found in a head, if anything.
type HeadVerdict = Option<AmbiguousHead>;

impl HandedOver {
    /// A head is handed to hyper.
    pub(super) fn put(&self, found: Option<AmbiguousHead>) {
        *self.lock() = Some(found);
    }

    /// Whether hyper has not made a request of the last head yet.
    pub(super) fn is_pending(&self) -> bool {
        self.lock().is_some()
    }

    /// What was found in the head of the request that hyper hands over now.
    pub(crate) fn take(&self) -> Option<AmbiguousHead> {
        self.lock().take().unwrap_or(Some(AmbiguousHead::Unchecked))
    }

    /// Every change is a plain assignment: a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Option<HeadVerdict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_arrives_once_and_a_request_without_one_is_unchecked() {
        let heads = HandedOver::default();
        for found in [
            Some(AmbiguousHead::Tunnel),
            Some(AmbiguousHead::Fragment { offset: 7 }),
            None,
        ] {
            heads.put(found);
            assert!(heads.is_pending());
            assert_eq!(heads.take(), found);
            assert!(!heads.is_pending());
            assert_eq!(heads.take(), Some(AmbiguousHead::Unchecked));
        }
    }
}
