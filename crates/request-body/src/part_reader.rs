//! A body of unknown length, read part by part.

use std::future::poll_fn;

use bytes::Bytes;

use super::client_stream::{ClientStream, StreamStatus};
use super::error::{BodyError, BodyErrorKind};
use super::outgoing::BodyContent;
use super::sink::Sink;
use super::storage::ClientStorage;

/// Reads the parts of a body one after the other.
///
/// ```
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use request_body::{BodyStorage, ClientStream, PartReader, ReadTimeout, StreamStatus};
/// use resource_limits::{ClientKey, DescriptorLimit, ListenerRole};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # runtime.block_on(async {
/// // No memory is set aside, so the parts are stored on the disk.
/// let storage = BodyStorage::empty(std::env::temp_dir(), &DescriptorLimit::none());
/// # let size = |total| resource_limits::PoolSize { total, reserve_percent: 0 };
/// # storage.resize(size(0), size(1024));
/// let storage = storage.of(&ClientKey::new(ListenerRole::Shared, [127, 0, 0, 1].into()));
/// let status = StreamStatus::default();
/// let body = Full::new(Bytes::from_static(b"0123456789"));
/// let stream = ClientStream::new(body, ReadTimeout::new(Duration::from_secs(60)), status.clone());
/// let mut reader = PartReader::new(stream, status, 100);
/// let (first, last) = (reader.part(8, 8, &storage).await?, reader.part(8, 8, &storage).await?);
/// assert_eq!((first.content.length(), first.is_last), (8, false));
/// assert_eq!((last.content.length(), last.is_last), (2, true));
/// # Ok::<_, request_body::BodyError>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PartReader {
    stream: ClientStream,
    status: StreamStatus,
    /// Read, but in no part yet.
    unread: Bytes,
    /// How many bytes the rest may have.
    left: u64,
    max: u64,
}

/// A part of a body.
#[derive(Debug)]
pub struct BodyPart {
    /// Its bytes.
    pub content: BodyContent,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Whether the body ends with it.
    pub is_last: bool,
}

impl PartReader {
    /// Reads a body that may have `max` bytes.
    pub fn new(stream: ClientStream, status: StreamStatus, max: u64) -> Self {
        Self {
            stream,
            status,
            unread: Bytes::new(),
            left: max,
            max,
        }
    }

    /// How many bytes have come off the wire.
    pub fn received(&self) -> u64 {
        self.status.received()
    }

    /// The next part: `size` bytes, or what is left. Up to `memory` of it are stored in memory.
    ///
    /// # Errors
    ///
    /// [`BodyError`], of any kind but those of framings.
    pub async fn part(&mut self, size: u64, memory: u64, storage: &ClientStorage) -> Result<BodyPart, BodyError> {
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
                        let kind = self.status.error().unwrap_or(BodyErrorKind::Incomplete);
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
        Ok(BodyPart {
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
    use crate::{Progress, ReadTimeout};

    fn reader(pieces: &[usize], max: u64) -> PartReader {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|length| Ok::<_, BoxError>(Frame::data(Bytes::from(vec![b'x'; *length]))))
            .collect();
        let status = StreamStatus::default();
        let body = StreamBody::new(stream::iter(pieces));
        PartReader::new(
            ClientStream::new(body, ReadTimeout::new(Duration::from_secs(9)), status.clone()),
            status,
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
