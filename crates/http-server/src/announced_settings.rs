//! What our SETTINGS say about streams.
//!
//! h2 enforces at once what it announces, and resets requests that were sent before its SETTINGS were read. So it gets
//! a higher number than clients do: in the first frame that it writes, its SETTINGS, the number is replaced.

use super::stream_slots::{ACCEPTED, AT_ONCE};

/// RFC 9113, sections 4.1, 6.5 and 6.5.2.
const FRAME_HEADER: usize = 9;
const SETTINGS: u8 = 4;
const ENTRY: usize = 6;
const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];

/// The first frame of a connection that is written to the socket.
#[derive(Debug, Default)]
pub(super) enum AnnouncedSettings {
    /// h2 has written nothing yet.
    #[default]
    Before,
    /// So much of the frame is still to be written, instead of as many bytes of h2's.
    Frame(Vec<u8>),
    /// The rest is h2's.
    Over,
}

impl AnnouncedSettings {
    /// What is to be written instead of the beginning of `buf`, which h2 writes.
    pub(super) fn instead_of(&mut self, buf: &[u8]) -> Option<&[u8]> {
        if matches!(self, Self::Before) {
            *self = settings(buf).map_or(Self::Over, Self::Frame);
        }
        match self {
            Self::Frame(frame) => Some(frame),
            Self::Before | Self::Over => None,
        }
    }

    /// So many bytes of it are written.
    pub(super) fn wrote(&mut self, count: usize) {
        if let Self::Frame(frame) = self {
            frame.drain(..count.min(frame.len()));
            if frame.is_empty() {
                *self = Self::Over;
            }
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

/// The frame of SETTINGS that `buf` begins with, with the number of streams that clients are to hold to.
fn settings(buf: &[u8]) -> Option<Vec<u8>> {
    let (&[high, middle, low, SETTINGS, 0, ..], _) = buf.split_first_chunk::<FRAME_HEADER>()? else {
        return None;
    };
    let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
    let mut frame = buf.get(..FRAME_HEADER + length)?.to_vec();
    let mut accepted = MAX_CONCURRENT_STREAMS.to_vec();
    accepted.extend(ACCEPTED.to_be_bytes());
    let entry = frame
        .get_mut(FRAME_HEADER..)?
        .chunks_exact_mut(ENTRY)
        .find(|entry| **entry == *accepted)?;
    entry
        .get_mut(MAX_CONCURRENT_STREAMS.len()..)?
        .copy_from_slice(&AT_ONCE.to_be_bytes());
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SETTINGS of two entries, and the beginning of another frame.
    fn written(streams: u32) -> Vec<u8> {
        let mut bytes = vec![0, 0, 12, SETTINGS, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, 3];
        bytes.extend(streams.to_be_bytes());
        bytes.extend([0, 0, 4, 8]);
        bytes
    }

    #[test]
    fn the_number_is_replaced_however_little_is_written_at_a_time() {
        for piece in 1..30 {
            let (h2, mut wire) = (written(ACCEPTED), Vec::new());
            let mut announced = AnnouncedSettings::default();
            while wire.len() < h2.len() {
                let buf = &h2[wire.len()..];
                let bytes = announced.instead_of(buf).unwrap_or(buf);
                let count = bytes.len().min(piece);
                wire.extend_from_slice(&bytes[..count]);
                announced.wrote(count);
            }
            assert_eq!(wire, written(AT_ONCE), "{piece}");
            assert!(announced.is_over());
        }
    }

    #[test]
    fn what_is_something_else_passes_as_it_is() {
        for bytes in [&written(100)[..], &written(ACCEPTED)[..12], b"HTTP/1.1 200 OK\r\n", b""] {
            assert_eq!(AnnouncedSettings::default().instead_of(bytes), None);
        }
    }
}
