//! A TCP connection, and what is known of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failed_addresses::PeerAddress;
use crate::socket::Socket;
use resource_limits::DescriptorPermit;

/// Whether a connection has brought a response before. Each connection carries it as an extension, which its responses
/// share.
#[derive(Clone, Debug, Default)]
pub struct ResponseSeen(Arc<AtomicBool>);

impl ResponseSeen {
    /// It has.
    pub fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A TCP connection, to the server or to the HTTP proxy on the path to it.
#[derive(Debug)]
pub(crate) struct TcpConnection {
    io: TokioIo<Socket>,
    /// Requests go to an HTTP proxy, in absolute form.
    is_proxied: bool,
    peer: PeerAddress,
    #[expect(dead_code, reason = "only its drop counts")]
    descriptor: DescriptorPermit,
}

impl TcpConnection {
    pub(crate) fn direct(io: TokioIo<TcpStream>, descriptor: DescriptorPermit) -> Self {
        Self::new(io, false, descriptor)
    }

    pub(crate) fn to_proxy(io: TokioIo<TcpStream>, descriptor: DescriptorPermit) -> Self {
        Self::new(io, true, descriptor)
    }

    fn new(io: TokioIo<TcpStream>, is_proxied: bool, descriptor: DescriptorPermit) -> Self {
        let tcp = io.into_inner();
        Self {
            peer: PeerAddress(tcp.peer_addr().ok().map(|address| address.ip())),
            io: TokioIo::new(tcp.into()),
            is_proxied,
            descriptor,
        }
    }
}

impl Connection for TcpConnection {
    fn connected(&self) -> Connected {
        Connected::new()
            .proxy(self.is_proxied)
            .extra(ResponseSeen::default())
            .extra(self.peer)
    }
}

impl Read for TcpConnection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for TcpConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
