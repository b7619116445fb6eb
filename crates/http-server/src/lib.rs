//! An HTTP/1 and HTTP/2 server in the clear, which no client can hold up and whose requests have one reading only.
//!
//! What a request means is not known here: every request goes to a [`Handler`]. Nor are metrics or error codes: what
//! happens to connections is reported to a [`ServerObserver`], and what is no request gets the response that a
//! [`RejectionHandler`] makes. What is promised:
//!
//! - A connection waits for nothing without a deadline: first byte, head, next request, a client that does not
//!   take its responses, or too slowly, on its socket or on one HTTP/2 stream of many; see [`ServerLimits`].
//! - Not more than [`ServerLimits::max_clients`] connections are served at once, and no client takes the places that are kept
//!   for others. Idle ones make room for new ones; where none can, a few more are served for one request, which is rejected,
//!   and what is beyond those is closed. Nobody waits, so no client's connections delay another's.
//! - On HTTP/1 hyper sees one request at a time, and none before its head was checked, whatever it is pipelined behind.
//!   A head that two readers could read in two ways reaches the handler as an [`AmbiguousHead`], to be rejected.
//! - What cannot be read as a request gets one response, and the connection ends.
//! - A client that disconnects ends its request: the handler's future or body is dropped.
//! - A drain lets requests that run finish, streams included, and nothing new begin; a cut ends everything.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use http_server::{
//!     ConnectionEnd, Handler, HeadStart, OpenConnection, Overflow, Peer, Rejection, RejectionHandler, Server,
//!     ServerLimits, ServerObserver, bind,
//! };
//! use resource_limits::ListenerRole;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! /// Responds with the path of a request, whatever its body is.
//! struct Echo;
//!
//! impl<B: Send + 'static> Handler<B> for Echo {
//!     type Body = Full<Bytes>;
//!     type Begun = ();
//!
//!     fn begin(&self, _request: &Request<B>, _peer: &Peer) {}
//!
//!     async fn handle(self: Arc<Self>, request: Request<B>, (): ()) -> Response<Full<Bytes>> {
//!         Response::new(Full::from(request.uri().path().to_owned()))
//!     }
//! }
//!
//! #[derive(Debug)]
//! struct Reports;
//!
//! impl ServerObserver for Reports {
//!     fn connection_opened(&self, _listener: &ListenerRole) -> OpenConnection {
//!         OpenConnection::default()
//!     }
//!     fn connection_ended(&self, _end: ConnectionEnd) {}
//!     fn connection_overflowed(&self, _overflow: Overflow) {}
//!     fn request_started(&self, _listener: &ListenerRole) {}
//!     fn request_finished(&self, _listener: &ListenerRole) {}
//!     fn accept_failed(&self) {}
//!     fn listener_removed(&self, _listener: &ListenerRole) {}
//! }
//!
//! impl RejectionHandler for Reports {
//!     fn reject(&self, rejection: Rejection, _start: &HeadStart, _peer: &Peer) -> Response<Bytes> {
//!         let body = format!("{rejection:?}");
//!         let response = Response::builder().status(400).header("content-length", body.len());
//!         response.body(body.into()).unwrap_or_default()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limits = ServerLimits {
//!     header_timeout: Duration::from_secs(10),
//!     idle_timeout: Duration::from_secs(75),
//!     write_timeout: Duration::from_secs(30),
//!     max_header_bytes: ServerLimits::LEAST_HEADER_BYTES,
//!     http2_max_header_bytes: ServerLimits::LEAST_HEADER_BYTES,
//!     max_clients: 100,
//!     reserve_percent: 10,
//!     place_kept: ServerLimits::PLACE_KEPT,
//!     busy_give_way: false,
//! };
//! let server = Server::new(limits, Arc::new(Reports), Arc::new(Reports));
//! let listener = bind("127.0.0.1:0".parse()?, "server.listen")?;
//! let mut client = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
//! server.listen(listener, ListenerRole::Shared, &Arc::new(Echo));
//!
//! client.write_all(b"GET /a HTTP/1.1\r\nhost: h\r\n\r\nGET /b c HTTP/1.1\r\n\r\n").await?;
//! let mut responses = String::new();
//! client.read_to_string(&mut responses).await?;
//! assert!(responses.starts_with("HTTP/1.1 200 OK\r\n"));
//! assert!(responses.ends_with("connection: close\r\n\r\nTarget { byte: 32, offset: 2 }"));
//!
//! drop(client);
//! assert_eq!(server.shutdown(Duration::from_secs(1)).await.cut, 0);
//! # Ok(())
//! # }
//! ```
//!
//! A handler has no need of a server:
//!
//! ```
//! # use std::sync::Arc;
//! # use http::{Request, Response};
//! # use http_server::{Handler, Peer};
//! # use resource_limits::ListenerRole;
//! async fn call<B, H: Handler<B>>(handler: &Arc<H>, request: Request<B>) -> Response<H::Body> {
//!     let peer = Peer {
//!         addr: ([127, 0, 0, 1], 5).into(),
//!         listener: ListenerRole::Shared,
//!     };
//!     let begun = handler.begin(&request, &peer);
//!     Arc::clone(handler).handle(request, begun).await
//! }
//! ```

mod abort;
mod accept;
mod activity;
mod announced_settings;
mod client_io;
mod clients;
mod connection;
mod data_pieces;
mod detect;
mod download;
mod drain;
mod drive;
mod expiry;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod half_closed;
mod handler;
mod head_reader;
mod head_start;
mod limits;
mod listener;
mod listeners;
mod observer;
mod rejection;
mod response_backlog;
mod server;
mod service;
mod stream;
mod stream_slots;
#[cfg(test)]
mod tests;
pub mod threads;

pub use download::{Download, DownloadRate, TooSlow};
pub use drain::IsCut;
pub use handler::{CloseConnection, Handler, OverShare, Peer, RequestReservation};
pub use head_reader::AmbiguousHead;
pub use head_start::HeadStart;
pub use limits::ServerLimits;
pub use listener::{BindError, bind};
pub use observer::{ConnectionEnd, OpenConnection, Overflow, ServerObserver};
pub use rejection::{Rejection, RejectionHandler};
pub use server::{Drained, Server};
pub use stream_slots::StreamSlot;
