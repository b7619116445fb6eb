//! A body that can be taken once.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use super::error::BoxError;
use super::upload_stream::UploadStream;

/// A body that can be taken once, as it can be sent once. Clones share it.
#[derive(Debug)]
pub struct BodySlot<T = UploadStream>(Arc<Mutex<Option<T>>>);

impl<T> Clone for BodySlot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> BodySlot<T> {
    /// A slot with this body.
    pub fn new(body: T) -> Self {
        Self(Arc::new(Mutex::new(Some(body))))
    }

    /// Whether the body is still there.
    pub fn is_full(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The body, for the first caller.
    pub fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl BodySlot {
    /// Waits until the first of the body has come, or its end; the body stays where it is. At once where it was taken.
    ///
    /// # Errors
    ///
    /// The client is late, or its body broke off.
    pub async fn begun(&self) -> Result<(), BoxError> {
        let poll = |cx: &mut Context<'_>| match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stream) => stream.poll_begun(cx),
            None => Poll::Ready(Ok(())),
        };
        poll_fn(poll).await
    }
}
