//! Where a request's body ends: what of the bytes behind a head belongs to it.

use super::chunked::Chunked;

/// The framing of a body that has at least one byte on the wire.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
}

/// How far a piece of input takes a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Advanced {
    /// So many of its bytes belong to the body; all of them unless the body ends before.
    pub(super) used: usize,
    /// Whether the body is complete.
    pub(super) is_over: bool,
}

impl Framing {
    /// A body with this `Content-Length`; `None` for one of no bytes.
    pub(super) fn of_length(length: u64) -> Option<Self> {
        (length > 0).then_some(Self::Length(length))
    }

    /// A body in chunks.
    pub(super) fn chunked() -> Self {
        Self::Chunked(Chunked::default())
    }

    /// Follows the next bytes.
    ///
    /// # Errors
    ///
    /// What is wrong with the chunks; the body has no known end then.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<Advanced, &'static str> {
        match self {
            Self::Length(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left = left.saturating_sub(used as u64);
                Ok(Advanced {
                    used,
                    is_over: *left == 0,
                })
            }
            Self::Chunked(chunked) => {
                let used = chunked.advance(bytes)?;
                Ok(Advanced {
                    used,
                    is_over: chunked.is_over(),
                })
            }
        }
    }
}
