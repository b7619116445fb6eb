//! The data of a response on HTTP/2, cut so that it shows whether the client has room for it.
//!
//! hyper takes a body's next frame of data when the last one has gone to h2, waits until the client's window has room for
//! a single byte of it, and hands all of it over. So h2 may hold most of a frame that the client has no window for, of a
//! response that hyper has done with and that nobody watches any more. Two cuts help: frames are small, so that the next
//! one is not waited for longer than a slow client needs; and the last byte of what may be the end goes by itself, so that
//! a response is over for hyper only when the window had room for everything before that byte, and for it.

use bytes::Bytes;

/// The largest piece, in bytes. A client has the write timeout for each: by default 8 KiB in a minute, which is less than
/// the default of `limits.min_download_rate`. A DATA frame holds twice as much.
pub(super) const PIECE: usize = 8 * 1024;

/// What is left of one frame of data.
#[derive(Debug, Default)]
pub(super) struct DataPieces {
    left: Bytes,
    /// Whether nothing may come after it.
    may_be_last: bool,
}

impl DataPieces {
    /// Cuts `data`, behind which there `may_be` nothing.
    pub(super) fn of(data: Bytes, may_be_last: bool) -> Self {
        Self {
            left: data,
            may_be_last,
        }
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let length = match self.left.len() {
            0 => return None,
            length if length > PIECE => PIECE,
            length if self.may_be_last && length > 1 => length - 1,
            length => length,
        };
        Some(self.left.split_to(length))
    }

    /// Bytes that are left.
    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(length: usize, may_be_last: bool, want: &[usize]) {
        let data: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut pieces = DataPieces::of(Bytes::from(data.clone()), may_be_last);
        let cut: Vec<Bytes> = std::iter::from_fn(|| pieces.next()).collect();
        let lengths: Vec<usize> = cut.iter().map(Bytes::len).collect();
        assert_eq!(lengths, want);
        assert_eq!(cut.concat(), data);
        assert!(pieces.is_empty());
    }

    #[test]
    fn pieces_are_small_and_the_last_byte_goes_by_itself() {
        check(0, true, &[]);
        check(1, true, &[1]);
        check(2, true, &[1, 1]);
        check(100, true, &[99, 1]);
        check(PIECE, true, &[PIECE - 1, 1]);
        check(PIECE + 1, true, &[PIECE, 1]);
        check(2 * PIECE + 9, true, &[PIECE, PIECE, 8, 1]);
    }

    #[test]
    fn where_more_is_announced_no_byte_is_cut_off() {
        check(100, false, &[100]);
        check(PIECE + 1, false, &[PIECE, 1]);
    }
}
