//! A client's body passed on as it arrives, for payloads that are not hashed first.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use super::error::{BodyError, BodyErrorKind, BoxError};
use super::read_timeout::{ReadTimedOut, ReadTimeout};

/// What a [`ClientStream`] reports about itself after it was given away: bytes taken, and what went wrong on the
/// client's side, which the HTTP client would blame on the request.
#[derive(Clone, Debug, Default)]
pub struct StreamStatus(Arc<StatusCell>);

#[derive(Debug, Default)]
struct StatusCell {
    received: AtomicU64,
    error: OnceLock<BodyErrorKind>,
}

impl StreamStatus {
    /// What went wrong, if anything did.
    #[must_use]
    pub fn error(&self) -> Option<BodyErrorKind> {
        self.0.error.get().copied()
    }

    /// How many bytes have come off the wire.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }
}

/// A client's body with a read timeout.
#[derive(Debug)]
pub struct ClientStream {
    body: UnsyncBoxBody<Bytes, BoxError>,
    timeout: ReadTimeout,
    /// For the first piece, where that has less time than others.
    first: Option<ReadTimeout>,
    /// Came while it was waited for the first one.
    ahead: Option<Bytes>,
    /// Bytes that may come.
    most: u64,
    status: StreamStatus,
}

impl ClientStream {
    /// Passes `body` on.
    pub fn new<B>(body: B, timeout: ReadTimeout, status: StreamStatus) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self {
            body: body.map_err(Into::into).boxed_unsync(),
            timeout,
            first: None,
            ahead: None,
            most: u64::MAX,
            status,
        }
    }

    /// Waits no longer than that for the first piece, once it is waited for at all.
    #[must_use]
    pub fn with_first_within(self, limit: Duration) -> Self {
        Self {
            first: Some(ReadTimeout::new(limit)),
            ..self
        }
    }

    /// Breaks the request off beyond so many bytes.
    #[must_use]
    pub fn with_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Ready once the first piece is there, or the end. The piece stays where it is.
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.ahead.is_none() {
            self.ahead = ready!(self.poll_data(cx)).transpose()?;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if let Some(data) = self.ahead.take() {
            return Poll::Ready(Some(Ok(data)));
        }
        let timeout = self.first.as_mut().unwrap_or(&mut self.timeout);
        let data = ready!(poll_data(Pin::new(&mut self.body), timeout, cx));
        self.first = None;
        Poll::Ready(data.map(|data| match data {
            Ok(data) => {
                let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                let before = self.status.0.received.fetch_add(length, Ordering::Relaxed);
                if before.saturating_add(length) > self.most {
                    return Err(self.fail(BodyErrorKind::TooLarge { max: self.most }));
                }
                Ok(data)
            }
            Err(error) => Err(self.fail(error)),
        }))
    }

    /// Notes what went wrong; gives the error that breaks the request off.
    pub(super) fn fail(&self, error: impl Into<BodyError>) -> BoxError {
        let error = error.into();
        let kind = error.kind();
        // The first error is the one to report.
        let _ = self.status.0.error.set(kind);
        error.into_cause().unwrap_or_else(|| kind.into())
    }
}

/// The next piece of a client's data. HTTP trailers are dropped: nobody signs them.
///
/// # Errors
///
/// The client is late, or its body broke off.
pub(super) fn poll_data<B>(
    mut body: Pin<&mut B>,
    timeout: &mut ReadTimeout,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, BodyError>>>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    loop {
        let Poll::Ready(frame) = body.as_mut().poll_frame(cx) else {
            let timed_out = ready!(timeout.poll_timed_out(cx));
            return Poll::Ready(Some(Err(match timed_out {
                ReadTimedOut::Stopped => BodyErrorKind::Timeout.because("the body stopped arriving"),
                ReadTimedOut::Slow => BodyErrorKind::TooSlow.because("the body arrives too slowly"),
            })));
        };
        match frame {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(BodyErrorKind::Incomplete.because(error)))),
            Some(Ok(frame)) => {
                let data = frame.into_data();
                timeout.received(data.as_ref().map_or(0, Bytes::len));
                if let Ok(data) = data {
                    return Poll::Ready(Some(Ok(data)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::num::NonZeroU64;
    use std::time::Duration;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tokio::time::{Instant, sleep};

    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);
    const SECOND: Duration = Duration::from_secs(1);
    /// A second less than the limit.
    const ALMOST: Duration = Duration::from_secs(59);

    /// A client that sends `size` bytes after each `pause`, as often as that, and then no end.
    fn client(pause: Duration, size: usize, count: usize, timeout: ReadTimeout) -> (ClientStream, StreamStatus) {
        let pieces = stream::unfold(0, move |sent| async move {
            if sent == count {
                std::future::pending::<()>().await;
            }
            sleep(pause).await;
            let piece = Bytes::from(vec![b'x'; size]);
            Some((Ok::<_, Infallible>(Frame::data(piece)), sent + 1))
        });
        let status = StreamStatus::default();
        let stream = ClientStream::new(StreamBody::new(pieces), timeout, status.clone());
        (stream, status)
    }

    /// Takes pieces until one is an error, with `pause` between them.
    async fn bytes_until_error(stream: &mut ClientStream, pause: Duration) -> usize {
        let mut taken = 0;
        loop {
            match poll_fn(|cx| stream.poll_data(cx)).await {
                Some(Ok(data)) => taken += data.len(),
                Some(Err(_)) => return taken,
                None => panic!("a body that broke off has come to its end"),
            }
            sleep(pause).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_piece_is_waited_for_and_stays() {
        let (mut stream, status) = client(SECOND, 7, 2, ReadTimeout::new(LIMIT));
        let begin = Instant::now();
        for _ in 0..2 {
            poll_fn(|cx| stream.poll_begun(cx)).await.unwrap();
            assert_eq!((begin.elapsed(), status.received()), (SECOND, 7));
        }
        assert_eq!(bytes_until_error(&mut stream, Duration::ZERO).await, 14);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_piece_may_have_less_time_than_others() {
        let (stream, status) = client(ALMOST, 1, 9, ReadTimeout::new(LIMIT));
        let begin = Instant::now();
        let mut stream = stream.with_first_within(SECOND);
        assert_eq!(bytes_until_error(&mut stream, Duration::ZERO).await, 0);
        assert_eq!(
            (status.error(), begin.elapsed()),
            (Some(BodyErrorKind::Timeout), SECOND)
        );
        let (stream, _) = client(ALMOST, 1, 9, ReadTimeout::new(LIMIT));
        let mut stream = stream.with_first_within(LIMIT);
        assert_eq!(bytes_until_error(&mut stream, Duration::ZERO).await, 9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_breaks_off_and_never_ends_well() {
        let begin = Instant::now();
        let timeout = ReadTimeout::new(LIMIT).with_least_rate(NonZeroU64::new(100));
        let (mut stream, status) = client(SECOND, 50, 1000, timeout);
        // Half of each second is late.
        assert_eq!(bytes_until_error(&mut stream, Duration::ZERO).await, 119 * 50);
        assert_eq!(status.error(), Some(BodyErrorKind::TooSlow));
        assert_eq!((status.received(), begin.elapsed().as_secs()), (119 * 50, 119));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_takes_nothing_makes_no_client_late() {
        let timeout = ReadTimeout::new(LIMIT).with_least_rate(NonZeroU64::new(100));
        let (mut stream, status) = client(SECOND, 100, 50, timeout);
        assert_eq!(bytes_until_error(&mut stream, LIMIT * 10).await, 50 * 100);
        // Only what comes after them, nothing, is the client's fault.
        assert_eq!(status.error(), Some(BodyErrorKind::Timeout));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_a_trickle_goes_on() {
        let (mut stream, status) = client(ALMOST, 1, 1000, ReadTimeout::new(LIMIT));
        assert_eq!(bytes_until_error(&mut stream, Duration::ZERO).await, 1000);
        assert_eq!(status.error(), Some(BodyErrorKind::Timeout));
    }
}
