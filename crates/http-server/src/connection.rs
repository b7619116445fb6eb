//! The life of one client connection: which protocol, its requests, its end.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::abort::{Abortable, Reset};
use super::activity::{Activity, Expiry};
use super::client_io::{ClientIo, HyperResponse};
use super::clients::Place;
use super::detect::{ClientProtocol, Detected, detect};
use super::drain::{DrainStage, DrainWatch};
use super::drive::{Ended, drive};
use super::handler::{Handler, Peer};
use super::head_reader::{HandedOver, HeadReader};
use super::head_start::HeadStart;
use super::limits::ServerLimits;
use super::observer::{ConnectionEnd, ServerObserver};
use super::rejection::{Rejection, RejectionHandler, linger, respond};
use super::service::ToHandler;
use super::stream::{NextStream, Streams};
use super::stream_slots::{self, StreamSlots};

/// Buffers of one HTTP/1 connection in each direction; a head must fit as well.
const HTTP1_BUFFER: usize = 64 * 1024;

/// HTTP/2: bytes of bodies a client may send ahead, per request and per connection. They are held while a request waits or
/// its service is slow, and are in no budget: 1,000 connections hold 64 MiB.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024;
/// HTTP/2: bytes of a response kept for a client that does not take them, per request, beside what is read ahead of it.
/// hyper's 400 KiB would let the requests of all upstream permits hold 400 MiB.
const STREAM_SEND_BUFFER: usize = 16 * 1024;
/// HTTP/2: a client that responds to no ping within the timeout is gone.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What every connection of a group of listeners shares.
#[derive(Clone, Debug)]
pub(crate) struct ServerContext {
    pub(crate) limits: ServerLimits,
    pub(crate) drain: DrainWatch,
    pub(crate) observer: Arc<dyn ServerObserver>,
    pub(crate) rejections: Arc<dyn RejectionHandler>,
}

/// One client connection, but for its socket.
#[derive(Debug)]
struct ClientConnection {
    peer: Peer,
    activity: Arc<Activity>,
    context: ServerContext,
}

/// Serves one client until it leaves, its time is up, or the drain has let it finish.
pub(crate) async fn serve<T, H>(io: T, peer: Peer, handler: Arc<H>, context: ServerContext, place: Place)
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler<Incoming>,
{
    let _open = context.observer.connection_opened(&peer.listener);
    let connection = ClientConnection {
        activity: Arc::new(Activity::new(context.limits, place)),
        peer,
        context,
    };
    let mut io = Abortable::new(io, Arc::clone(&connection.activity));
    let end = match connection.first_bytes(&mut io).await {
        Detected::Disconnected => ConnectionEnd::Closed,
        Detected::Expired(expiry) => connection.expired(&mut io, expiry, b"").await,
        Detected::Protocol(ClientProtocol::Tls, _) => {
            connection.reject(&mut io, Rejection::Tls, &HeadStart::default()).await;
            ConnectionEnd::Rejected
        }
        Detected::Protocol(ClientProtocol::Http1, read) => http1(io, read, handler, &connection).await,
        Detected::Protocol(ClientProtocol::Http2, read) => http2(io, read, handler, &connection).await,
    };
    let end = if connection.activity.has_lost_place() {
        ConnectionEnd::Evicted
    } else {
        end
    };
    connection.context.observer.connection_ended(end);
}

impl ClientConnection {
    /// What a client begins with. Whoever has not begun when the drain does gets no further.
    async fn first_bytes<T: AsyncRead + Unpin>(&self, io: &mut T) -> Detected {
        let activity = &self.activity;
        let mut drain = self.context.drain.clone();
        activity.offer_place();
        let detected = tokio::select! {
            // Bytes of a request come first: a client that has just sent them may get another place.
            biased;
            detected = detect(io, activity) => detected,
            () = poll_fn(|cx| activity.poll_evicted(cx)) => Detected::Disconnected,
            () = drain.reached(DrainStage::Draining) => Detected::Disconnected,
        };
        match detected {
            Detected::Protocol(..) if !activity.takes_place() => Detected::Disconnected,
            detected => detected,
        }
    }

    /// Ends a connection whose time is up. Only a client in the middle of a head, of which `unread` is what came, gets a
    /// response: it waits for one.
    async fn expired<T>(&self, io: &mut T, expiry: Expiry, unread: &[u8]) -> ConnectionEnd
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        match expiry {
            Expiry::Head => self.reject(io, Rejection::HeadTimeout, &HeadStart::of(unread)).await,
            Expiry::Idle | Expiry::Write | Expiry::Slow | Expiry::HalfClosed => {
                tracing::debug!(client = %self.peer.addr, reason = ?expiry, "connection timed out");
            }
        }
        expiry.into()
    }

    /// Writes the response to what is no request, unless the connection is to end before.
    async fn reject<T>(&self, io: &mut T, rejection: Rejection, start: &HeadStart)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let response = self.context.rejections.reject(rejection, start, &self.peer);
        self.unless_cut(respond(io, response)).await;
    }

    /// What hyper hands its requests to.
    fn service<H>(&self, handler: Arc<H>) -> ToHandler<H> {
        ToHandler::new(
            handler,
            self.peer.clone(),
            Arc::clone(&self.activity),
            Arc::clone(&self.context.observer),
            self.context.drain.is_cut(),
        )
    }

    /// Does what is still to be done before the connection ends, unless its place is taken or the drain's time is over.
    async fn unless_cut(&self, last: impl Future<Output = ()>) {
        let mut drain = self.context.drain.clone();
        tokio::select! {
            () = last => {}
            () = poll_fn(|cx| self.activity.poll_cut_short(cx)) => {}
            () = drain.reached(DrainStage::Cut) => {}
        }
    }
}

/// HTTP/1, one session after the other: between requests that are far apart nothing is kept but the socket.
async fn http1<T, H>(mut io: T, mut read: Bytes, handler: Arc<H>, connection: &ClientConnection) -> ConnectionEnd
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler<Incoming>,
{
    let mut most_fields = HeadReader::FEW_FIELDS;
    loop {
        // Boxed, so that what rests is small.
        let session = Box::pin(http1_session(io, read, most_fields, &handler, connection));
        most_fields = HeadReader::FEW_FIELDS;
        let left = match session.await {
            Http1Session::Ended(end) => return end,
            Http1Session::Rests(socket, left) => {
                io = socket;
                left
            }
            Http1Session::WantsFields(socket, left, fields) => {
                io = socket;
                read = left;
                most_fields = fields;
                continue;
            }
        };
        if !left.is_empty() {
            // The beginning of a head that came right behind the last request.
            connection.activity.received();
            read = left;
            continue;
        }
        // Even without a byte it would keep hyper's buffer.
        drop(left);
        read = match connection.first_bytes(&mut io).await {
            // A connection that has begun with HTTP/1 stays with it.
            Detected::Protocol(_, read) => read,
            Detected::Disconnected => return ConnectionEnd::Closed,
            Detected::Expired(expiry) => return connection.expired(&mut io, expiry, b"").await,
        };
    }
}

/// What became of an HTTP/1 connection when hyper let go of it.
enum Http1Session<T> {
    Ended(ConnectionEnd),
    /// The client may come back to the socket; some bytes may have come already.
    Rests(T, Bytes),
    /// The bytes begin with a head of so many fields, for which hyper was not set up.
    WantsFields(T, Bytes, usize),
}

/// Serves HTTP/1 requests until nothing comes for a while, or a head comes with more than `most_fields`.
async fn http1_session<T, H>(
    io: T,
    read: Bytes,
    most_fields: usize,
    handler: &Arc<H>,
    connection: &ClientConnection,
) -> Http1Session<T>
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler<Incoming>,
{
    let ClientConnection {
        peer,
        activity,
        context,
    } = connection;
    let head = context.limits.max_header_bytes.max(ServerLimits::LEAST_HEADER_BYTES);
    let hyper_response = HyperResponse::default();
    let handed_over = Arc::new(HandedOver::default());
    let heads = HeadReader::new(&read, head, most_fields, Arc::clone(&handed_over));
    let io = ClientIo::by_heads(io, heads, Arc::clone(activity), hyper_response.clone());
    let service = connection.service(Arc::clone(handler)).by_heads(handed_over);
    let mut builder = http1::Builder::new();
    if most_fields > HeadReader::FEW_FIELDS {
        builder.max_headers(most_fields);
    }
    let mut session = builder
        // Waiting for heads is limited by `Activity`, which distinguishes idle clients from slow ones.
        .header_read_timeout(None)
        .max_header_size(head)
        .max_buf_size(head.max(HTTP1_BUFFER))
        .serve_connection(TokioIo::new(io), service);
    let ended = drive(std::pin::Pin::new(&mut session), activity, &context.drain).await;
    // Dropping the connection's other parts cancels a request that still runs.
    let http1::Parts { io, read_buf, .. } = session.into_parts();
    let io = io.into_inner();
    let (malformed, wanted_fields) = (io.malformed().cloned(), io.wanted_fields());
    let (mut io, unread) = io.into_parts();
    Http1Session::Ended(match ended {
        Ended::ByItself(Ok(())) | Ended::AsOrdered if let Some(fields) = wanted_fields => {
            return Http1Session::WantsFields(io, unread, fields);
        }
        Ended::Resting if read_buf.is_empty() => return Http1Session::Rests(io, unread),
        // hyper has bytes that it took for no part of the last request: the two readers disagree.
        Ended::Resting => ConnectionEnd::Broken,
        Ended::ByItself(_) | Ended::AsOrdered if let Some((rejection, start)) = malformed => {
            connection.reject(&mut io, rejection, &start).await;
            ConnectionEnd::Rejected
        }
        Ended::ByItself(_) if let Some(status) = hyper_response.status() => {
            let rejection = Rejection::of_status(status);
            connection.reject(&mut io, rejection, &HeadStart::default()).await;
            ConnectionEnd::Rejected
        }
        Ended::ByItself(Err(error)) => {
            tracing::debug!(client = %peer.addr, error = &error as &dyn std::error::Error, "connection broke");
            ConnectionEnd::Broken
        }
        Ended::ByItself(Ok(())) => {
            if !activity.has_ended() {
                let closed = async {
                    // Where a request offered to upgrade, hyper ends without it, for whoever takes the connection over.
                    let _ = io.shutdown().await;
                    linger(&mut io).await;
                };
                connection.unless_cut(closed).await;
            }
            ConnectionEnd::Closed
        }
        Ended::AsOrdered => ConnectionEnd::Closed,
        Ended::Expired(expiry) => connection.expired(&mut io, expiry, &unread).await,
        Ended::Cut => ConnectionEnd::Cut,
    })
}

async fn http2<T, H>(io: T, read: Bytes, handler: Arc<H>, connection: &ClientConnection) -> ConnectionEnd
where
    T: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
    H: Handler<Incoming>,
{
    let ClientConnection {
        peer,
        activity,
        context,
    } = connection;
    activity.multiplex();
    let io = ClientIo::new(io, read, Arc::clone(activity));
    let next = NextStream::default();
    let service =
        connection
            .service(handler)
            .with_streams(next.clone(), StreamSlots::new(), context.limits.write_timeout);
    let head = u32::try_from(context.limits.http2_max_header_bytes).unwrap_or(u32::MAX);
    let session = http2::Builder::new(Streams::new(context.drain.clone(), next))
        .timer(TokioTimer::new())
        .max_header_list_size(head)
        .max_concurrent_streams(stream_slots::ACCEPTED)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(io), service);
    match drive(std::pin::pin!(session), activity, &context.drain).await {
        // HTTP/2 never rests.
        Ended::ByItself(Ok(())) | Ended::AsOrdered | Ended::Resting => ConnectionEnd::Closed,
        Ended::ByItself(Err(error)) => {
            tracing::debug!(client = %peer.addr, error = &error as &dyn std::error::Error, "connection broke");
            ConnectionEnd::Broken
        }
        Ended::Expired(expiry) => expiry.into(),
        Ended::Cut => ConnectionEnd::Cut,
    }
}
