//! The body of a response, the beginning of which may have been read already.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use super::guard::{TokenCover, Watch};

/// Hands on first what was read ahead, then the rest: the same pieces in the same order, and the same end.
#[derive(Debug)]
pub(super) struct ReadAhead<B: Body> {
    read: VecDeque<Result<Frame<Bytes>, B::Error>>,
    /// `None` where another body stands in its place.
    rest: Option<B>,
    /// The fault that was read has been held back for a moment.
    has_paused: bool,
    /// The end was read.
    is_over: bool,
    cover: Option<Box<TokenCover>>,
    watch: Option<Box<Watch>>,
}

impl<B: Body<Data = Bytes> + Unpin> ReadAhead<B> {
    pub(super) fn new(rest: B) -> Self {
        Self {
            read: VecDeque::new(),
            rest: Some(rest),
            has_paused: false,
            is_over: false,
            cover: None,
            watch: None,
        }
    }

    /// Covers the session token in all that passes from now on.
    pub(super) fn cover(&mut self, cover: Option<TokenCover>) {
        self.cover = cover.map(Box::new);
    }

    /// Breaks off where what passes from now on shows what a client must not see.
    pub(super) fn watch(&mut self, watch: Watch) {
        self.watch = Some(Box::new(watch));
    }

    /// Ends in a fault here, whatever would follow.
    pub(super) fn break_off(&mut self, cause: &'static str)
    where
        B::Error: From<&'static str>,
    {
        (self.rest, self.watch) = (None, None);
        self.read = VecDeque::from([Err(cause.into())]);
    }

    /// Takes what is here of the body, without waiting for it; the fault, where that is all there is.
    pub(super) fn take_first_fault(&mut self) -> Option<B::Error> {
        if self.read.is_empty()
            && let Some(rest) = self.rest.as_mut().filter(|rest| !rest.is_end_stream())
        {
            let mut cx = Context::from_waker(Waker::noop());
            match Pin::new(rest).poll_frame(&mut cx) {
                Poll::Ready(Some(frame)) => self.read.push_back(frame),
                Poll::Ready(None) => self.is_over = true,
                Poll::Pending => {}
            }
        }
        if matches!(self.read.front(), Some(Err(_))) {
            self.read.pop_front()?.err()
        } else {
            None
        }
    }

    /// Reads to the end; what was read, `None` where there is more than `limit` bytes, or it broke off.
    /// Cancel-safe: what was read is kept.
    pub(super) async fn read_whole(&mut self, limit: usize) -> Option<Bytes> {
        while let Some(rest) = self.rest.as_mut().filter(|rest| !rest.is_end_stream()) {
            let Some(frame) = rest.frame().await else { break };
            let is_broken = frame.is_err();
            self.read.push_back(frame);
            if is_broken || self.read_length() > limit {
                return None;
            }
        }
        Some(self.beginning())
    }

    /// All data that was read so far.
    pub(super) fn beginning(&self) -> Bytes {
        let mut whole = Vec::with_capacity(self.read_length());
        for data in self.read_data() {
            whole.extend_from_slice(data);
        }
        whole.into()
    }

    /// Whether reading met a fault.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.read.back(), Some(Err(_)))
    }

    /// Puts another body in the place of what was read and of what would follow.
    pub(super) fn replace(&mut self, body: Bytes) {
        self.rest = None;
        self.read = VecDeque::from([Ok(Frame::data(body))]);
    }

    /// Puts other data in the place of what was read; a fault or a rest still follows.
    pub(super) fn replace_beginning(&mut self, beginning: Bytes) {
        self.read.retain(Result::is_err);
        self.read.push_front(Ok(Frame::data(beginning)));
    }

    /// The next piece, as it was read or as it comes.
    fn poll_raw(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = match (self.read.pop_front(), &mut self.rest) {
            (Some(frame), _) => Poll::Ready(Some(frame)),
            (None, Some(rest)) if !self.is_over => Pin::new(rest).poll_frame(cx),
            (None, _) => Poll::Ready(None),
        };
        match polled {
            // hyper would drop what it has not written yet, the head too: it writes while it waits. Else the client would see
            // a connection that ends, and perhaps send the request again.
            Poll::Ready(Some(Err(fault))) if !self.has_paused => {
                self.has_paused = true;
                self.read.push_front(Err(fault));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            polled => polled,
        }
    }

    fn held(&self) -> usize {
        self.cover.as_deref().map_or(0, TokenCover::held)
    }

    fn read_data(&self) -> impl Iterator<Item = &Bytes> {
        self.read.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref())
    }

    fn read_length(&self) -> usize {
        self.read_data().map(Buf::remaining).sum()
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ReadAhead<B>
where
    B::Error: From<&'static str> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        loop {
            let frame = ready!(this.poll_raw(cx));
            let mut frame = match frame {
                Some(Ok(frame)) => frame,
                // What is held back may be nearly all of the token: it does not go on without an end.
                Some(Err(fault)) => return Poll::Ready(Some(Err(fault))),
                None => {
                    this.is_over = true;
                    let held = this.cover.as_deref_mut().and_then(TokenCover::take_held);
                    return Poll::Ready(held.map(|held| Ok(Frame::data(held))));
                }
            };
            if let (Some(trailers), Some(cover)) = (frame.trailers_mut(), &mut this.cover) {
                cover.of_trailers(trailers);
                if let Some(held) = cover.take_held() {
                    this.read.push_front(Ok(frame));
                    return Poll::Ready(Some(Ok(Frame::data(held))));
                }
            }
            let mut data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            };
            if let Some(kept) = this.watch.as_mut().and_then(|watch| watch.cut(&data)) {
                data.truncate(kept);
                this.break_off("the response shows what the signature was made of");
            }
            let was_empty = data.is_empty();
            if let Some(cover) = &mut this.cover {
                data = cover.push(data);
            }
            if was_empty || !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.held() == 0 && (self.is_over || self.rest.as_ref().is_none_or(Body::is_end_stream))
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_broken() {
            // It ends earlier than the service said.
            return SizeHint::default();
        }
        let read = u64::try_from(self.read_length().saturating_add(self.held())).unwrap_or(u64::MAX);
        let rest = self
            .rest
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        match rest.exact() {
            Some(rest) => SizeHint::with_exact(rest.saturating_add(read)),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn pieces(pieces: &[&'static str], is_broken: bool) -> impl Body<Data = Bytes, Error = &'static str> + Unpin {
        let end = is_broken.then_some(Err("broke off"));
        let frames: Vec<_> = pieces
            .iter()
            .map(|text| Ok(Frame::data(Bytes::from(*text))))
            .chain(end)
            .collect();
        StreamBody::new(stream::iter(frames))
    }

    async fn replay<B: Body<Data = Bytes> + Unpin>(mut body: ReadAhead<B>) -> (String, bool)
    where
        B::Error: From<&'static str> + Unpin,
    {
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap()),
                Err(_) => return (text, true),
            }
        }
        (text, false)
    }

    #[tokio::test]
    async fn what_was_read_is_handed_on_unchanged() {
        for (limit, is_broken, whole) in [
            (6, false, Some("abcdef")),
            (5, false, None),
            (2, false, None),
            (9, true, None),
        ] {
            let mut body = ReadAhead::new(pieces(&["abc", "def"], is_broken));
            assert_eq!(
                body.read_whole(limit).await.as_deref(),
                whole.map(str::as_bytes),
                "{limit}"
            );
            assert_eq!(replay(body).await, ("abcdef".to_owned(), is_broken), "{limit}");
        }
        assert_eq!(
            replay(ReadAhead::new(pieces(&["abc"], true))).await,
            ("abc".to_owned(), true)
        );
    }

    #[tokio::test]
    async fn another_body_takes_its_place() {
        let mut body = ReadAhead::new(pieces(&["abc", "def"], false));
        assert_eq!(body.read_whole(2).await, None);
        body.replace(Bytes::from_static(b"xy"));
        assert_eq!(body.size_hint().exact(), Some(2));
        assert_eq!(replay(body).await, ("xy".to_owned(), false));
        let mut body = ReadAhead::new(pieces(&["abc", "def"], true));
        assert_eq!(body.read_whole(9).await, None);
        assert!(body.is_broken() && body.beginning() == "abcdef");
        body.replace_beginning(Bytes::from_static(b"xy"));
        assert_eq!(replay(body).await, ("xy".to_owned(), true));
        let mut body = ReadAhead::new(pieces(&["abc", "def"], false));
        assert_eq!(body.read_whole(2).await, None);
        body.replace_beginning(Bytes::from_static(b"xy"));
        assert_eq!(replay(body).await, ("xydef".to_owned(), false));
    }

    #[tokio::test]
    async fn the_length_stays_that_of_the_whole() {
        let mut body = ReadAhead::new(Full::new(Bytes::from_static(b"abc")).map_err(|_| "never"));
        assert_eq!(body.size_hint().exact(), Some(3));
        body.read_whole(9).await.unwrap();
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
    }
}
