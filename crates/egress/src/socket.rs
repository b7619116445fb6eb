//! A TCP socket on which a response that comes early is not lost.
//!
//! A service may respond before it has read the request's body, and close (S3 does with 503, 403, 301 and expired tokens).
//! The kernel then resets the connection, and writing more of the body fails, while the response is there to be read.
//! hyper's client reports the failed write and drops the response. So that failure is kept from it: what is written
//! afterwards is discarded, reading goes on to its end, and where no response has come until then, reading fails by the
//! reason for which writing did. This is below TLS, so what is encrypted is discarded in order and TLS stays consistent.
//!
//! Linux keeps what was received before a reset readable (`tcp_reset` purges the write queue only), and reports the error
//! once, to whichever call comes first.

use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The socket, and why its other end takes nothing more.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    write_error: Option<io::ErrorKind>,
}

impl From<TcpStream> for Socket {
    fn from(tcp: TcpStream) -> Self {
        Self { tcp, write_error: None }
    }
}

impl Socket {
    /// A write of `length` bytes; one to a connection that was closed or reset counts as done.
    fn written(&mut self, outcome: io::Result<usize>, length: usize, cx: &Context<'_>) -> io::Result<usize> {
        match outcome {
            Err(error) if is_gone(error.kind()) => {
                self.write_error = Some(error.kind());
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the server takes no more of the request: reading its response"
                );
                // So that the end is read before the pool hands the connection to another request.
                cx.waker().wake_by_ref();
                Ok(length)
            }
            other => other,
        }
    }

    /// Reads what the kernel has. Nothing more arrives after a failed write, and tokio may not have noticed the end yet.
    fn read_rest(&self, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
        let read = (&*SockRef::from(&self.tcp)).read(buffer.initialize_unfilled())?;
        buffer.advance(read);
        Ok(read)
    }
}

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
    )
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(error) = self.write_error else {
            return Pin::new(&mut self.tcp).poll_read(cx, buffer);
        };
        match self.read_rest(buffer) {
            // The write has taken the error off the socket, which now only reports its end: a response that ends where
            // the connection does would look whole. After an orderly end, which is whole, writing gives `BrokenPipe`.
            Ok(0) if error != io::ErrorKind::BrokenPipe => Poll::Ready(Err(error.into())),
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Pin::new(&mut self.tcp).poll_read(cx, buffer),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.write_error.is_some() {
            return Poll::Ready(Ok(data.len()));
        }
        let outcome = ready!(Pin::new(&mut self.tcp).poll_write(cx, data));
        Poll::Ready(self.written(outcome, data.len(), cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = data.iter().map(|piece| piece.len()).sum();
        if self.write_error.is_some() {
            return Poll::Ready(Ok(length));
        }
        let outcome = ready!(Pin::new(&mut self.tcp).poll_write_vectored(cx, data));
        Poll::Ready(self.written(outcome, length, cx))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_error.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A socket whose other end has sent `text` and closed without reading: the kernel resets the connection.
    async fn reset_after(text: &'static str) -> Socket {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tcp = TcpStream::connect(address).await.unwrap();
        let (mut other, _) = listener.accept().await.unwrap();
        tcp.write_all(b"unread").await.unwrap();
        other.readable().await.unwrap();
        other.write_all(text.as_bytes()).await.unwrap();
        drop(other);
        tcp.into()
    }

    /// Writes until the other end is known to be gone.
    async fn write_into_the_void(socket: &mut Socket) {
        while socket.write_error.is_none() {
            assert_eq!(socket.write(&[0; 4096]).await.unwrap(), 4096);
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn response_before_a_reset_is_read_after_writes_have_failed() {
        let mut socket = reset_after("response").await;
        write_into_the_void(&mut socket).await;
        assert_eq!(socket.write(&[0; 10]).await.unwrap(), 10, "discarded");
        socket.flush().await.unwrap();
        let mut read = [0; 8];
        socket.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"response");
        socket.shutdown().await.unwrap();
    }

    #[tokio::test]
    async fn reset_is_reported_where_reading_ends() {
        let mut socket = reset_after("").await;
        write_into_the_void(&mut socket).await;
        let kind = socket.write_error.unwrap();
        match socket.read(&mut [0; 8]).await {
            Ok(read) => assert_eq!((read, kind), (0, io::ErrorKind::BrokenPipe)),
            Err(error) => assert_eq!(error.kind(), kind),
        }
    }
}
