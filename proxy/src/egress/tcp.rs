//! A TCP connection that knows how it came about.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::avoid::PeerAddress;
use super::socket::Socket;
use crate::process::DescriptorPermit;

/// Whether a connection has brought an answer before. Shared by the connection and its answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Served(Arc<AtomicBool>);

impl Served {
    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_marked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A TCP connection, to the service or to the HTTP proxy before it.
#[derive(Debug)]
pub(super) struct Link {
    io: TokioIo<Socket>,
    /// Requests go to an HTTP proxy, in absolute form.
    is_proxied: bool,
    peer: PeerAddress,
    #[expect(dead_code, reason = "only its drop counts")]
    descriptor: DescriptorPermit,
}

impl Link {
    pub(super) fn direct(io: TokioIo<TcpStream>, descriptor: DescriptorPermit) -> Self {
        Self::new(io, false, descriptor)
    }

    pub(super) fn to_proxy(io: TokioIo<TcpStream>, descriptor: DescriptorPermit) -> Self {
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

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
            .proxy(self.is_proxied)
            .extra(Served::default())
            .extra(self.peer)
    }
}

impl Read for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Link {
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
