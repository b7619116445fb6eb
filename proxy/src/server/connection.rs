//! The life of one client connection: which protocol, its requests, its end.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::abort::{Abortable, Reset};
use super::activity::{Activity, Expiry};
use super::client_io::{ClientIo, OwnAnswer};
use super::clients::Place;
use super::detect::{Detected, Protocol, detect};
use super::drain::{DrainWatch, Stage};
use super::drive::{Ended, drive};
use super::head_reader::{HandedOver, HeadReader, Start};
use super::limits::Limits;
use super::refusal::{Refusal, fresh_request_id, linger, refuse};
use super::service::ToHandler;
use super::stream::{NextStream, Streams};
use super::turns::{self, Turns};
use super::{Handler, Peer};
use crate::metrics::{ClientEnd, Metrics};

/// Buffers of one HTTP/1 connection in each direction; a head must fit as well.
const HTTP1_BUFFER: usize = 64 * 1024;

/// HTTP/2: bytes of bodies a client may send ahead, per request and per connection. They are held while a request waits or
/// its service is slow, and are in no budget: 1,000 connections hold 64 MiB.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024;
/// HTTP/2: bytes of a response kept for a client that does not take them, per request, beside what is read ahead of it.
/// hyper's 400 KiB would let the requests of all upstream permits hold 400 MiB.
const STREAM_SEND_BUFFER: usize = 16 * 1024;
/// HTTP/2: a client that answers no ping within the timeout is gone.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What every connection of a group of listeners shares.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) limits: Limits,
    pub(crate) drain: DrainWatch,
    pub(crate) metrics: Metrics,
}

/// Serves one client until it leaves, its time is up, or the drain has let it finish.
pub(crate) async fn serve<T, H>(io: T, peer: Peer, handler: Arc<H>, context: Context, place: Place)
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler,
{
    let _open = context.metrics.client_begins(&peer.listener);
    let activity = Arc::new(Activity::new(context.limits, place));
    let mut io = Abortable::new(io, Arc::clone(&activity));
    let end = match first_bytes(&mut io, &activity, &context).await {
        Detected::Left => ClientEnd::Closed,
        Detected::Expired(expiry) => expired(&mut io, expiry, (b"", &activity), &peer, &context).await,
        Detected::Protocol(Protocol::Tls, _) => {
            let refusal = Refusal::TlsUnsupported;
            answer(
                &mut io,
                (refusal, refusal.hint()),
                &Start::default(),
                &activity,
                &peer,
                &context,
            )
            .await;
            ClientEnd::Refused
        }
        Detected::Protocol(Protocol::Http1, read) => {
            http1(io, read, peer, handler, Arc::clone(&activity), &context).await
        }
        Detected::Protocol(Protocol::Http2, read) => {
            http2(io, read, peer, handler, Arc::clone(&activity), &context).await
        }
    };
    let end = if activity.has_lost_place() {
        ClientEnd::Evicted
    } else {
        end
    };
    context.metrics.client_ended(end);
}

/// What a client begins with. Whoever has not begun when the drain does gets no further.
async fn first_bytes<T: AsyncRead + Unpin>(io: &mut T, activity: &Activity, context: &Context) -> Detected {
    let mut drain = context.drain.clone();
    activity.offer_place();
    let detected = tokio::select! {
        // Bytes of a request come first: a client that has just sent them may get another place.
        biased;
        detected = detect(io, activity) => detected,
        () = poll_fn(|cx| activity.poll_evicted(cx)) => Detected::Left,
        () = drain.reached(Stage::Draining) => Detected::Left,
    };
    match detected {
        Detected::Protocol(..) if !activity.takes_place() => Detected::Left,
        detected => detected,
    }
}

/// HTTP/1, in turns: between requests that are far apart nothing is kept but the socket.
async fn http1<T, H>(
    mut io: T,
    mut read: Bytes,
    peer: Peer,
    handler: Arc<H>,
    activity: Arc<Activity>,
    context: &Context,
) -> ClientEnd
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler,
{
    let mut most_fields = HeadReader::FEW_FIELDS;
    loop {
        // Boxed, so that what rests is small.
        let turn = Box::pin(http1_turn(io, read, most_fields, &peer, &handler, &activity, context));
        most_fields = HeadReader::FEW_FIELDS;
        let left = match turn.await {
            Turn::Ended(end) => return end,
            Turn::Rests(socket, left) => {
                io = socket;
                left
            }
            Turn::WantsFields(socket, left, fields) => {
                io = socket;
                read = left;
                most_fields = fields;
                continue;
            }
        };
        if !left.is_empty() {
            // The beginning of a head that came right behind the last request.
            activity.received();
            read = left;
            continue;
        }
        // Even without a byte it would keep hyper's buffer.
        drop(left);
        read = match first_bytes(&mut io, &activity, context).await {
            // A connection that has begun with HTTP/1 stays with it.
            Detected::Protocol(_, read) => read,
            Detected::Left => return ClientEnd::Closed,
            Detected::Expired(expiry) => return expired(&mut io, expiry, (b"", &activity), &peer, context).await,
        };
    }
}

/// What became of an HTTP/1 connection.
enum Turn<T> {
    Ended(ClientEnd),
    /// The client may come back to the socket; some bytes may have come already.
    Rests(T, Bytes),
    /// The bytes begin with a head of so many fields, for which hyper was not set up.
    WantsFields(T, Bytes, usize),
}

/// Serves HTTP/1 requests until nothing comes for a while, or a head comes with more than `most_fields`.
async fn http1_turn<T, H>(
    io: T,
    read: Bytes,
    most_fields: usize,
    peer: &Peer,
    handler: &Arc<H>,
    activity: &Arc<Activity>,
    context: &Context,
) -> Turn<T>
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler,
{
    let head = context.limits.max_header_bytes.max(Limits::LEAST_HEADER_BYTES);
    let own_answer = OwnAnswer::default();
    let handed_over = Arc::new(HandedOver::default());
    let heads = HeadReader::new(&read, head, most_fields, Arc::clone(&handed_over));
    let io = ClientIo::by_heads(io, heads, Arc::clone(activity), own_answer.clone());
    let (service_activity, metrics) = (Arc::clone(activity), context.metrics.clone());
    let is_cut = context.drain.is_cut();
    let service =
        ToHandler::new(Arc::clone(handler), peer.clone(), service_activity, metrics, is_cut).by_heads(handed_over);
    let mut builder = http1::Builder::new();
    if most_fields > HeadReader::FEW_FIELDS {
        builder.max_headers(most_fields);
    }
    let mut connection = builder
        // Waiting for heads is limited by `Activity`, which tells idle clients from slow ones.
        .header_read_timeout(None)
        .max_header_size(head)
        .max_buf_size(head.max(HTTP1_BUFFER))
        .serve_connection(TokioIo::new(io), service);
    let ended = drive(std::pin::Pin::new(&mut connection), activity, &context.drain).await;
    // Dropping the connection's other parts cancels a request that still runs.
    let http1::Parts { io, read_buf, .. } = connection.into_parts();
    let io = io.into_inner();
    let (malformed, wanted_fields) = (io.malformed().cloned(), io.wanted_fields());
    let (mut io, unread) = io.into_parts();
    Turn::Ended(match ended {
        Ended::ByItself(Ok(())) | Ended::AsAsked if let Some(fields) = wanted_fields => {
            return Turn::WantsFields(io, unread, fields);
        }
        Ended::Resting if read_buf.is_empty() => return Turn::Rests(io, unread),
        // hyper has bytes that it took for no part of the last request: the two readers disagree.
        Ended::Resting => ClientEnd::Broken,
        Ended::ByItself(_) | Ended::AsAsked if let Some((malformed, start)) = malformed => {
            answer(
                &mut io,
                (malformed.rejection(), &malformed.hint()),
                &start,
                activity,
                peer,
                context,
            )
            .await;
            ClientEnd::Refused
        }
        Ended::ByItself(result) => {
            if let Some(status) = own_answer.status() {
                let refusal = Refusal::from_status(status);
                answer(
                    &mut io,
                    (refusal, refusal.hint()),
                    &Start::default(),
                    activity,
                    peer,
                    context,
                )
                .await;
                ClientEnd::Refused
            } else if let Err(error) = result {
                tracing::debug!(client = %peer.addr, error = &error as &dyn std::error::Error, "connection broke");
                ClientEnd::Broken
            } else {
                if !activity.has_ended() {
                    let mut drain = context.drain.clone();
                    let closed = async {
                        // Where a request offered to upgrade, hyper ends without it, for whoever takes the connection over.
                        let _ = io.shutdown().await;
                        linger(&mut io).await;
                    };
                    tokio::select! {
                        () = closed => {}
                        () = poll_fn(|cx| activity.poll_cut_short(cx)) => {}
                        () = drain.reached(Stage::Cut) => {}
                    }
                }
                ClientEnd::Closed
            }
        }
        Ended::AsAsked => ClientEnd::Closed,
        Ended::Expired(expiry) => expired(&mut io, expiry, (&unread, activity), peer, context).await,
        Ended::Cut => ClientEnd::Cut,
    })
}

async fn http2<T, H>(
    io: T,
    read: Bytes,
    peer: Peer,
    handler: Arc<H>,
    activity: Arc<Activity>,
    context: &Context,
) -> ClientEnd
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler,
{
    activity.multiplex();
    let io = ClientIo::new(io, read, Arc::clone(&activity));
    let next = NextStream::default();
    let metrics = context.metrics.clone();
    let is_cut = context.drain.is_cut();
    let service = ToHandler::new(handler, peer.clone(), Arc::clone(&activity), metrics, is_cut).with_streams(
        next.clone(),
        Turns::new(),
        context.limits.write_timeout,
    );
    let head = u32::try_from(context.limits.http2_max_header_bytes).unwrap_or(u32::MAX);
    let connection = http2::Builder::new(Streams::new(context.drain.clone(), next))
        .timer(TokioTimer::new())
        .max_header_list_size(head)
        .max_concurrent_streams(turns::ACCEPTED)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(io), service);
    match drive(std::pin::pin!(connection), &activity, &context.drain).await {
        // HTTP/2 never rests.
        Ended::ByItself(Ok(())) | Ended::AsAsked | Ended::Resting => ClientEnd::Closed,
        Ended::ByItself(Err(error)) => {
            tracing::debug!(client = %peer.addr, error = &error as &dyn std::error::Error, "connection broke");
            ClientEnd::Broken
        }
        Ended::Expired(expiry) => expiry.into(),
        Ended::Cut => ClientEnd::Cut,
    }
}

/// Ends a connection whose time is up. Only a client in the middle of a head, of which `unread` is what came, gets a
/// response: it waits for one.
async fn expired<T>(
    io: &mut T,
    expiry: Expiry,
    (unread, activity): (&[u8], &Activity),
    peer: &Peer,
    context: &Context,
) -> ClientEnd
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    match expiry {
        Expiry::Head => {
            let refusal = Refusal::HeadTimeout;
            answer(
                io,
                (refusal, refusal.hint()),
                &Start::of(unread),
                activity,
                peer,
                context,
            )
            .await;
        }
        Expiry::Idle | Expiry::Write | Expiry::Slow | Expiry::HalfClosed => {
            tracing::debug!(client = %peer.addr, reason = ?expiry, "connection timed out");
        }
    }
    expiry.into()
}

async fn answer<T>(
    io: &mut T,
    (refusal, hint): (Refusal, &str),
    start: &Start,
    activity: &Activity,
    peer: &Peer,
    context: &Context,
) where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let request_id = fresh_request_id();
    context.metrics.refused(refusal);
    tracing::info!(
        client = %peer.addr,
        listener = %peer.listener,
        method = start.method,
        path = start.path,
        status = StatusCode::as_u16(&refusal.status()),
        error = refusal.name(),
        request_id,
        "no request could be read"
    );
    let mut drain = context.drain.clone();
    tokio::select! {
        () = refuse(io, refusal, hint, &request_id) => {}
        () = poll_fn(|cx| activity.poll_cut_short(cx)) => {}
        () = drain.reached(Stage::Cut) => {}
    }
}
