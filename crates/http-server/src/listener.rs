//! Opening the sockets that clients connect to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections the kernel completes while we are busy accepting; it caps this at `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// Quiet time before the kernel probes whether the client's machine still exists, and between its probes.
/// Covers clients that vanish while they wait for a slow response.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(1);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// A listener that could not be opened; names the configuration key that it is for, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr} ({key}): {}", remedy(source))]
pub struct BindError {
    /// The requested address.
    pub addr: SocketAddr,
    /// The configuration key that it is for, as in `server.listen`.
    pub key: String,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there, or has a connection from this port; stop it or choose another port (0 takes a free one)"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose a higher one",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; use 127.0.0.1, [::1] or one that it has",
        _ => "the operating system refused",
    }
}

/// Opens a listener on `addr`, port 0 taking a free one, on behalf of the configuration key `key`.
///
/// # Errors
/// The address is taken, not of this machine, or not permitted.
pub fn bind(addr: SocketAddr, key: &str) -> Result<TcpListener, BindError> {
    open(addr).map_err(|source| BindError {
        addr,
        key: key.to_owned(),
        source,
    })
}

fn open(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the old process's connections to leave TIME_WAIT. Two live listeners
    // on one port stay impossible: that would take SO_REUSEPORT.
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        // `[::]` serves IPv4 as well, whatever net.ipv6.bindv6only says.
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Options of an accepted connection: small responses leave at once, vanished clients are noticed.
pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[tokio::test]
    async fn a_taken_address_is_named_with_its_key_and_a_remedy() {
        let first = bind("127.0.0.1:0".parse().unwrap(), "server.listen").unwrap();
        let addr = first.local_addr().unwrap();
        let error = bind(addr, "connections.reports.listen").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot listen on {addr} (connections.reports.listen): another program listens there, or has a \
                 connection from this port; stop it or choose another port (0 takes a free one)"
            )
        );
        assert!(error.source().is_some());
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused_with_a_remedy() {
        let error = bind("192.0.2.1:0".parse().unwrap(), "server.listen").unwrap_err();
        assert!(error.to_string().contains("no such address"), "{error}");
    }

    #[tokio::test]
    async fn accepted_connections_have_nodelay_and_keepalive() {
        let listener = bind("127.0.0.1:0".parse().unwrap(), "server.listen").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        tune(&stream).unwrap();
        assert!(stream.nodelay().unwrap());
        assert!(SockRef::from(&stream).keepalive().unwrap());
        drop(client);
    }
}
