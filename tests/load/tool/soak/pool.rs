//! The client's connections: many of HTTP/1.1 that are used in turn, and a few of HTTP/2.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::Outcome;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;
type Http1 = http1::SendRequest<Body>;
type Http2 = http2::SendRequest<Body>;

/// Connections of HTTP/2.
const HTTP2: usize = 8;

/// A failure before a response.
#[derive(Debug)]
pub(super) struct NoResponse(pub(super) String);

#[derive(Debug)]
pub(super) struct Pool {
    authority: String,
    /// So many connections of HTTP/1.1 are opened before one is used again.
    wanted: usize,
    opened: AtomicUsize,
    idle: Mutex<VecDeque<Http1>>,
    shared: Mutex<VecDeque<Http2>>,
}

impl Pool {
    pub(super) fn new(authority: String, wanted: usize) -> Self {
        Self {
            authority,
            wanted,
            opened: AtomicUsize::new(0),
            idle: Mutex::default(),
            shared: Mutex::default(),
        }
    }

    /// How many connections were opened.
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// Sends a request. The connection of HTTP/1.1 is to be given back behind the response.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        is_http2: bool,
    ) -> Result<(Response<Incoming>, Option<Http1>), NoResponse> {
        if is_http2 {
            let mut sender = self.http2().await.map_err(|error| NoResponse(error.to_string()))?;
            let response = sender.send_request(request).await;
            return response
                .map(|response| (response, None))
                .map_err(|error| no_response(&error));
        }
        let mut request = request;
        loop {
            let mut sender = self.http1().await.map_err(|error| NoResponse(error.to_string()))?;
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, Some(sender))),
                // Nothing of it was sent: the connection had ended before.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(no_response(error.error())),
                },
            }
        }
    }

    pub(super) fn give_back(&self, sender: Http1) {
        lock(&self.idle).push_back(sender);
    }

    async fn http1(&self) -> Outcome<Http1> {
        loop {
            let idle = {
                let mut idle = lock(&self.idle);
                if idle.len() < self.wanted {
                    None
                } else {
                    idle.pop_front()
                }
            };
            let Some(mut sender) = idle else { break };
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let (sender, connection) = http1::handshake(TokioIo::new(self.connect().await?)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn http2(&self) -> Outcome<Http2> {
        let next = {
            let mut shared = lock(&self.shared);
            shared.retain(|sender| !sender.is_closed());
            let next = if shared.len() < HTTP2 { None } else { shared.pop_front() };
            if let Some(sender) = &next {
                shared.push_back(sender.clone());
            }
            next
        };
        if let Some(sender) = next {
            return Ok(sender);
        }
        let stream = TokioIo::new(self.connect().await?);
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .handshake(stream)
            .await?;
        tokio::spawn(connection);
        lock(&self.shared).push_back(sender.clone());
        Ok(sender)
    }

    async fn connect(&self) -> Outcome<TcpStream> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_response(error: &hyper::Error) -> NoResponse {
    NoResponse(format!("{error:?}"))
}
