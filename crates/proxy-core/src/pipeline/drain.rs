//! Reading on after a refusal.
//!
//! A client that is still sending when its connection is closed often never sees the response: the system resets
//! the connection because of the unread bytes. So the rest of a refused body is read, if it is not too much of it.

use std::time::Duration;

use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

/// More than socket buffers hold: a client that sends on beyond this is not looking at responses.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The time in which a client should have noticed the response.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Reads and forgets. Not for clients that wait for `100 Continue`: reading would tell them to go on.
pub(super) fn spawn<B>(body: B)
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
{
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(async move {
        // Either way the body is dropped, and with it the connection, unless it was read to its end.
        let _ = timeout(LONGEST_WAIT, drain(body)).await;
    });
}

async fn drain<B: Body + Unpin>(mut body: B) {
    let mut left = MAX_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, bytes::Buf::remaining);
        let Some(rest) = left.checked_sub(length) else {
            return;
        };
        left = rest;
    }
}
