//! The body that is sent to the service.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use resource_limits::Grant;
use signer::ChunkSigner;
use tokio::task::JoinHandle;

use super::body_slot::BodySlot;
use super::chunk_layout::ChunkLayout;
use super::chunked_upload::ChunkedUpload;
use super::error::BoxError;
use super::event_upload::{EventStream, EventStreamSigner, EventUpload};
use super::expect_continue::{ContinueWait, ExpectContinue};
use super::progress::Progress;
use super::spool::read_block;
use super::upload_stream::UploadStream;

/// A body that was read to its end. Cheap to clone; can be sent any number of times.
#[derive(Clone, Debug)]
pub enum BodyContent {
    /// No bytes.
    Empty,
    /// In memory.
    Memory(Arc<MemoryContent>),
    /// In an unlinked file.
    Spooled {
        /// The file.
        file: Arc<File>,
        /// Its length.
        length: u64,
        /// The room it takes on the disk.
        share: Arc<Grant>,
    },
}

/// The pieces of a body, and their share of the budget for memory.
#[derive(Debug)]
pub struct MemoryContent {
    segments: Vec<Bytes>,
    length: u64,
    _share: Option<Grant>,
}

impl From<Bytes> for BodyContent {
    /// A body of the proxy's own; takes nothing of the room for clients' bodies.
    fn from(bytes: Bytes) -> Self {
        Self::memory(vec![bytes], None)
    }
}

impl BodyContent {
    pub(super) fn memory(segments: Vec<Bytes>, share: Option<Grant>) -> Self {
        let length = segments.iter().map(|segment| length_of(segment)).sum();
        Self::Memory(Arc::new(MemoryContent {
            segments,
            length,
            _share: share,
        }))
    }

    pub(super) fn spooled(file: File, length: u64, share: Grant) -> Self {
        Self::Spooled {
            file: Arc::new(file),
            length,
            share: Arc::new(share),
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Memory(memory) => memory.length,
            Self::Spooled { length, .. } => *length,
        }
    }

    /// The bytes where they are in one piece of memory; enough for looking into small forms.
    #[must_use]
    pub fn as_slice(&self) -> Option<&[u8]> {
        match self {
            Self::Empty => Some(&[]),
            Self::Memory(memory) => match memory.segments.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            Self::Spooled { .. } => None,
        }
    }

    /// The bytes where they are in memory, in as many pieces as they came in.
    #[must_use]
    pub fn pieces(&self) -> Option<&[Bytes]> {
        match self {
            Self::Empty => Some(&[]),
            Self::Memory(memory) => Some(&memory.segments),
            Self::Spooled { .. } => None,
        }
    }

    /// All bytes in one piece, for looking into; copied unless they are.
    ///
    /// # Errors
    ///
    /// The spool cannot be read.
    pub async fn whole(&self) -> io::Result<Bytes> {
        match self {
            Self::Empty => Ok(Bytes::new()),
            Self::Memory(memory) => match memory.segments.as_slice() {
                [only] => Ok(only.clone()),
                several => Ok(several.concat().into()),
            },
            Self::Spooled { file, length, .. } => {
                let (file, length) = (Arc::clone(file), usize::try_from(*length).map_err(io::Error::other)?);
                let read = move || {
                    let mut bytes = vec![0; length];
                    file.read_exact_at(&mut bytes, 0).map(|()| bytes.into())
                };
                tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
            }
        }
    }

    /// The body from its first byte, to be sent after `100 Continue`, where that is waited for.
    pub fn body(&self, expect: Option<ExpectContinue>, progress: Progress) -> OutgoingBody {
        let source = match self {
            Self::Empty => BodySource::Empty,
            Self::Memory(memory) => BodySource::Memory {
                left: memory.segments.iter().cloned().collect(),
                _content: Arc::clone(memory),
            },
            Self::Spooled { file, length, share } => BodySource::File {
                file: Arc::clone(file),
                _share: Arc::clone(share),
                reading: None,
                next_offset: 0,
                end: *length,
            },
        };
        OutgoingBody {
            waiting: expect.map(ContinueWait::at),
            source,
            left: Some(self.length()),
            progress,
        }
    }
}

/// A request's body, as the HTTP client takes it.
#[derive(Debug)]
pub struct OutgoingBody {
    /// Nothing was taken of the source yet.
    waiting: Option<ContinueWait>,
    source: BodySource,
    /// Bytes to come; `None` where nobody knows.
    left: Option<u64>,
    progress: Progress,
}

#[derive(Debug)]
enum BodySource {
    Empty,
    Memory {
        left: VecDeque<Bytes>,
        /// Keeps the share of the budget as long as the bytes may live.
        _content: Arc<MemoryContent>,
    },
    File {
        file: Arc<File>,
        _share: Arc<Grant>,
        reading: Option<JoinHandle<io::Result<Bytes>>>,
        next_offset: u64,
        end: u64,
    },
    /// Nothing was taken of it yet.
    Held {
        slot: BodySlot,
        chunks: Option<Box<ChunkFraming>>,
    },
    Client(UploadStream),
    Chunks(Box<ChunkedUpload>),
    Events(Box<EventUpload>),
}

/// How an upload is put into chunks.
#[derive(Debug)]
pub struct ChunkFraming {
    /// Their layout.
    pub layout: ChunkLayout,
    /// Signs them, where they are signed.
    pub signer: Option<ChunkSigner>,
}

impl OutgoingBody {
    /// A body that is passed on as it arrives, in chunks or as it is, of together so many bytes where that is known. It is
    /// taken out of its slot after `100 Continue`, where that is waited for.
    pub fn once(
        slot: BodySlot,
        chunks: Option<ChunkFraming>,
        framed_length: Option<u64>,
        expect: Option<ExpectContinue>,
        progress: Progress,
    ) -> Self {
        let source = BodySource::Held {
            slot,
            chunks: chunks.map(Box::new),
        };
        Self {
            waiting: expect.map(ContinueWait::at),
            source,
            left: framed_length,
            progress,
        }
    }

    /// The messages of a bidirectional stream, in signed envelopes.
    pub fn events(messages: EventStream, signer: EventStreamSigner, progress: Progress) -> Self {
        Self {
            waiting: None,
            source: BodySource::Events(Box::new(EventUpload::new(messages, signer))),
            left: None,
            progress,
        }
    }

    /// Whether the client's connection waits for it to be read.
    pub fn is_arriving(&self) -> bool {
        matches!(
            self.source,
            BodySource::Held { .. } | BodySource::Client(_) | BodySource::Chunks(_)
        )
    }

    /// What the body waits for.
    pub fn expect_continue(&self) -> Option<ExpectContinue> {
        self.waiting.as_ref().map(|waiting| waiting.expect_continue().clone())
    }

    /// Waits for `100 Continue`, and takes the body out of its slot.
    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.poll_continued(cx))?;
            self.waiting = None;
        }
        let BodySource::Held { slot, chunks } = &mut self.source else {
            return Poll::Ready(Ok(()));
        };
        let stream = slot.take().ok_or("the body was sent already")?;
        self.source = match chunks.take() {
            None => BodySource::Client(stream),
            Some(chunks) => {
                let ChunkFraming { layout, signer } = *chunks;
                let upload = ChunkedUpload::new(stream, &layout, signer);
                BodySource::Chunks(Box::new(upload.ok_or("chunks without what signs them")?))
            }
        };
        Poll::Ready(Ok(()))
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if let Err(error) = ready!(self.poll_taken(cx)) {
            return Poll::Ready(Some(Err(error)));
        }
        match &mut self.source {
            // What was held was taken just now.
            BodySource::Held { .. } | BodySource::Empty => Poll::Ready(None),
            BodySource::Memory { left, .. } => Poll::Ready(left.pop_front().map(Ok)),
            BodySource::Client(stream) => stream.poll_data(cx),
            BodySource::Chunks(chunks) => chunks.poll_data(cx),
            BodySource::Events(events) => events.poll_data(cx),
            BodySource::File {
                file,
                reading,
                next_offset,
                end,
                ..
            } => {
                let read = |offset: u64| {
                    (offset < *end).then(|| {
                        let (file, end) = (Arc::clone(file), *end);
                        tokio::task::spawn_blocking(move || read_block(&file, offset, end))
                    })
                };
                if reading.is_none() {
                    *reading = read(*next_offset);
                }
                let Some(handle) = reading else {
                    return Poll::Ready(None);
                };
                let block = ready!(Pin::new(handle).poll(cx)).map_err(io::Error::other).flatten();
                *reading = None;
                Poll::Ready(Some(match block {
                    Ok(block) => {
                        *next_offset += length_of(&block);
                        // The next block is read while this one is sent.
                        *reading = read(*next_offset);
                        Ok(block)
                    }
                    Err(error) => Err(error.into()),
                }))
            }
        }
    }
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let data = ready!(this.poll_data(cx));
        this.progress.touch();
        if let Some(Ok(data)) = &data {
            this.left = this.left.map(|left| left.saturating_sub(length_of(data)));
        }
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn length_of(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}
