//! An upstream that sends whatever bytes a test scripts.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::LONGEST_WAIT;

/// What an upstream sends in response to one request.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection ends there.
    pub(crate) closes: bool,
}

/// Responds to a request for `/b/N` with script `N`, and to any other with `200` and the body `ok`.
pub(crate) struct Hostile {
    pub(crate) address: SocketAddr,
    /// A line for each connection that ended.
    ended: mpsc::UnboundedReceiver<()>,
}

impl Hostile {
    pub(crate) async fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let scripts = Arc::new(scripts);
        let (sender, ended) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (scripts, sender) = (Arc::clone(&scripts), sender.clone());
                tokio::spawn(async move {
                    serve(socket, &scripts).await;
                    let _ = sender.send(());
                });
            }
        });
        Self { address, ended }
    }

    /// Waits until a connection has ended, from whichever side.
    pub(crate) async fn connection_ended(&mut self) {
        timeout(LONGEST_WAIT, self.ended.recv())
            .await
            .expect("a connection ends in time")
            .expect("the upstream runs");
    }
}

/// Requests without bodies, one after the other.
async fn serve(mut socket: TcpStream, scripts: &[Script]) {
    let ok = Script {
        bytes: b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec(),
        closes: false,
    };
    let mut unread = Vec::new();
    loop {
        let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") else {
            match socket.read_buf(&mut unread).await {
                Ok(1..) => continue,
                _ => return,
            }
        };
        let head: Vec<u8> = unread.drain(..end + 4).collect();
        let head = String::from_utf8_lossy(&head);
        let target = head.split(' ').nth(1).expect("a request line");
        let number: Option<usize> = target.rsplit('/').next().and_then(|name| name.parse().ok());
        let script = number.and_then(|number| scripts.get(number)).unwrap_or(&ok);
        // The proxy is free to have closed in the middle of it.
        if socket.write_all(&script.bytes).await.is_err() || script.closes {
            return;
        }
    }
}
