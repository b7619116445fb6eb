//! What makes a head ambiguous, and the way of that verdict from the socket to the service.

use std::sync::atomic::{AtomicU8, Ordering};

/// Marks a request that two readers could read in two ways; among its extensions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AmbiguousHead {
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
    /// A line that ends without a carriage return (RFC 9112, section 2.2: a recipient may take it, or not).
    BareLineFeed,
    /// A `#` in the target (RFC 9112, section 3.2: no form of target has a fragment).
    Fragment,
    /// A target that is neither a path, an `http` or `https` URL nor `*`.
    TargetForm,
    /// `CONNECT`: what follows it belongs to the tunnel and is no request of this connection.
    Tunnel,
    /// A request that hyper read although no checked head was handed over: the two readers disagree.
    Unchecked,
}

impl AmbiguousHead {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::TwoLengths,
        Self::LengthRepeated,
        Self::LengthMalformed,
        Self::CodingUnsupported,
        Self::CodingInHttp10,
        Self::BareLineFeed,
        Self::Fragment,
        Self::TargetForm,
        Self::Tunnel,
        Self::Unchecked,
    ];
}

/// The verdict on the one head that was handed to hyper and has not reached the service yet.
#[derive(Debug, Default)]
pub(crate) struct HandedOver(AtomicU8);

const NONE: u8 = 0;
const CLEAN: u8 = 1;
/// Further values are [`AmbiguousHead::ALL`], by position.
const FIRST_FINDING: u8 = 2;

impl HandedOver {
    /// A head is on its way to hyper.
    pub(super) fn put(&self, found: Option<AmbiguousHead>) {
        let position = found.and_then(|found| AmbiguousHead::ALL.iter().position(|known| *known == found));
        let value = position.map_or(CLEAN, |position| {
            u8::try_from(position).unwrap_or(u8::MAX).saturating_add(FIRST_FINDING)
        });
        self.0.store(value, Ordering::Relaxed);
    }

    /// Whether hyper has not made a request of the last head yet.
    pub(super) fn is_pending(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NONE
    }

    /// What was found in the head of the request that hyper hands over now.
    pub(crate) fn take(&self) -> Option<AmbiguousHead> {
        match self.0.swap(NONE, Ordering::Relaxed) {
            CLEAN => None,
            value => {
                let position = value.checked_sub(FIRST_FINDING).map(usize::from);
                let found = position.and_then(|position| AmbiguousHead::ALL.get(position));
                Some(found.copied().unwrap_or(AmbiguousHead::Unchecked))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_arrives_once_and_a_request_without_one_is_unchecked() {
        let heads = HandedOver::default();
        for found in AmbiguousHead::ALL.into_iter().map(Some).chain([None]) {
            heads.put(found);
            assert!(heads.is_pending());
            assert_eq!(heads.take(), found);
            assert!(!heads.is_pending());
            assert_eq!(heads.take(), Some(AmbiguousHead::Unchecked));
        }
    }
}
