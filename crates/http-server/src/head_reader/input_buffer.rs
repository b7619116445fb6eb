//! Bytes that were read from the socket and not handed to hyper yet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// First size of the buffer, in bytes: most heads fit.
const FIRST_SIZE: usize = 4 * 1024;
/// Less room than this is not worth a read.
const LEAST_ROOM: usize = 1024;
/// A larger buffer is given back as soon as it is empty.
const LARGEST_EMPTY: usize = 16 * 1024;

/// A queue of bytes in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct InputBuffer {
    /// Initialised to its end, so that the socket can write into it.
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl InputBuffer {
    /// The bytes, oldest first.
    pub(super) fn bytes(&self) -> &[u8] {
        self.memory.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Drops the oldest bytes.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
        if self.is_empty() {
            self.clear();
        }
    }

    /// Drops all bytes.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        if self.memory.len() > LARGEST_EMPTY {
            self.memory = Vec::new();
        }
    }

    /// Adds bytes behind the others.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        let end = self.end.saturating_add(bytes.len());
        if let Some(room) = self.memory.get_mut(self.end..end) {
            room.copy_from_slice(bytes);
            self.end = end;
        }
    }

    /// Puts other bytes in the place of the oldest `count`.
    pub(super) fn replace_first(&mut self, count: usize, bytes: &[u8]) {
        let behind = self.bytes().get(count..).unwrap_or_default();
        let all = [bytes, behind].concat();
        self.clear();
        self.append(&all);
    }

    /// One read of what the socket has; 0 at its end.
    pub(super) fn poll_fill<T: AsyncRead + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room(LEAST_ROOM);
        let mut room = ReadBuf::new(self.memory.get_mut(self.end..).unwrap_or_default());
        ready!(Pin::new(io).poll_read(cx, &mut room))?;
        let count = room.filled().len();
        self.end = self.end.saturating_add(count);
        Poll::Ready(Ok(count))
    }

    fn make_room(&mut self, wanted: usize) {
        if self.memory.len() - self.end >= wanted {
            return;
        }
        self.memory.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let needed = self.end.saturating_add(wanted);
        if self.memory.len() < needed {
            let doubled = self.memory.len().saturating_mul(2);
            self.memory.resize(needed.max(doubled).max(FIRST_SIZE), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_and_a_large_buffer_is_given_back() {
        let mut input = InputBuffer::default();
        let mut want = Vec::new();
        for round in 0..100_u8 {
            let piece = vec![round; 700];
            input.append(&piece);
            want.extend_from_slice(&piece);
            input.consume(300);
            want.drain(..300);
            assert_eq!(input.bytes(), want);
        }
        input.consume(usize::MAX);
        assert!(input.is_empty() && input.memory.is_empty());
    }
}
