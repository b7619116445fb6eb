//! A body of unknown length, read part by part.

use std::future::poll_fn;

use bytes::Bytes;

use super::client_stream::{ClientStream, StreamFault};
use super::error::{BodyError, BodyErrorKind};
use super::outgoing::Content;
use super::sink::Sink;
use super::storage::ClientStorage;

/// Takes parts off a body.
#[derive(Debug)]
pub struct PartReader {
    stream: ClientStream,
    fault: StreamFault,
    /// Read, but in no part yet.
    unread: Bytes,
    /// How many bytes the rest may have.
    left: u64,
    max: u64,
}

/// A part of a body.
#[derive(Debug)]
pub struct Part {
    /// Its bytes.
    pub content: Content,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Whether the body ends with it.
    pub is_last: bool,
}

impl PartReader {
    /// Reads a body that may have `max` bytes.
    pub fn new(stream: ClientStream, fault: StreamFault, max: u64) -> Self {
        Self {
            stream,
            fault,
            unread: Bytes::new(),
            left: max,
            max,
        }
    }

    /// How many bytes have come off the wire.
    pub fn received(&self) -> u64 {
        self.fault.received()
    }

    /// The next part: `size` bytes, or what is left. Up to `memory` of it are kept in memory.
    ///
    /// # Errors
    ///
    /// [`BodyError`], of any kind but those of framings.
    pub async fn part(&mut self, size: u64, memory: u64, storage: &ClientStorage) -> Result<Part, BodyError> {
        let mut sink = Sink::new(memory, storage);
        let mut is_last = false;
        loop {
            if self.unread.is_empty() {
                match poll_fn(|cx| self.stream.poll_data(cx)).await {
                    None => {
                        is_last = true;
                        break;
                    }
                    Some(Ok(data)) => self.unread = data,
                    Some(Err(cause)) => {
                        let kind = self.fault.error().unwrap_or(BodyErrorKind::Incomplete);
                        return Err(kind.because(cause));
                    }
                }
                continue;
            }
            let missing = size.saturating_sub(sink.length());
            if missing == 0 {
                break;
            }
            let taken = usize::try_from(missing).map_or(self.unread.len(), |missing| missing.min(self.unread.len()));
            let piece = self.unread.split_to(taken);
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.left = self
                .left
                .checked_sub(length)
                .ok_or(BodyErrorKind::TooLarge { max: self.max })?;
            sink.push(&piece).await?;
        }
        let (content, sha256) = sink.finish().await?;
        Ok(Part {
            content,
            sha256,
            is_last,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;
    use crate::error::BoxError;
    use crate::{Patience, Progress};

    fn reader(pieces: &[usize], max: u64) -> PartReader {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|length| Ok::<_, BoxError>(Frame::data(Bytes::from(vec![b'x'; *length]))))
            .collect();
        let fault = StreamFault::default();
        let body = StreamBody::new(stream::iter(pieces));
        PartReader::new(
            ClientStream::new(body, Patience::new(Duration::from_secs(9)), fault.clone()),
            fault,
            max,
        )
    }

    async fn parts(pieces: &[usize], max: u64) -> Result<Vec<usize>, BodyErrorKind> {
        let storage = crate::storage::tests::room(1 << 20, 0, PathBuf::new());
        let mut reader = reader(pieces, max);
        let mut parts = Vec::new();
        loop {
            let part = reader.part(10, 10, &storage).await.map_err(|error| error.kind())?;
            let body = part
                .content
                .body(None, Progress::new())
                .collect()
                .await
                .unwrap()
                .to_bytes();
            parts.push(body.len());
            if part.is_last {
                return Ok(parts);
            }
        }
    }

    #[tokio::test]
    async fn every_part_but_the_last_is_full_and_the_last_is_known_as_such() {
        assert_eq!(parts(&[], 99).await, Ok(vec![0]));
        assert_eq!(parts(&[4], 99).await, Ok(vec![4]));
        assert_eq!(parts(&[10], 99).await, Ok(vec![10]));
        assert_eq!(parts(&[5, 5], 99).await, Ok(vec![10]));
        assert_eq!(parts(&[11], 99).await, Ok(vec![10, 1]));
        assert_eq!(parts(&[7, 0, 20, 3], 99).await, Ok(vec![10, 10, 10]));
    }

    #[tokio::test]
    async fn the_whole_is_bounded() {
        assert_eq!(parts(&[20], 20).await, Ok(vec![10, 10]));
        assert_eq!(parts(&[20, 1], 20).await, Err(BodyErrorKind::TooLarge { max: 20 }));
    }
}
