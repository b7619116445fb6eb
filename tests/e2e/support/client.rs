//! A client that sends exactly the bytes it is given.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::LONGEST_WAIT;

/// A response, read to the end.
#[derive(Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RawResponse {
    /// The one header of this name, in lower case.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} comes twice in {self:?}");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Our own error's `(status, code, hint)`. Fails on a response that is not ours.
    #[track_caller]
    pub(crate) fn rejection(&self) -> (u16, String, String) {
        let code = self
            .header("x-signing-proxy-error")
            .unwrap_or_else(|| panic!("not a response of ours: {self:?}"));
        assert!(self.header("x-signing-proxy-request-id").is_some(), "{self:?}");
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()));
        let error = &body["error"];
        assert_eq!(error["code"], code);
        assert_eq!(error["request_id"].as_str(), self.header("x-signing-proxy-request-id"));
        let part = |name: &str| {
            error[name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {body}"))
                .to_owned()
        };
        assert!(!part("message").is_empty());
        (self.status, code.to_owned(), part("hint"))
    }
}

/// Sends the bytes as they are and reads one response.
pub(crate) async fn ask(to: SocketAddr, request: impl AsRef<[u8]>) -> RawResponse {
    let exchange = async {
        let mut wire = Wire::connect(to).await;
        wire.send(request).await;
        wire.response().await
    };
    timeout(LONGEST_WAIT, exchange).await.expect("a response in time")
}

/// A connection, one piece at a time.
pub(crate) struct Wire {
    socket: TcpStream,
    unread: Vec<u8>,
    method_is_head: bool,
}

impl Wire {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self::on(TcpStream::connect(to).await.expect("somebody listens"))
    }

    /// On a socket that is connected already.
    pub(crate) fn on(socket: TcpStream) -> Self {
        socket.set_nodelay(true).expect("a socket option");
        Self {
            socket,
            unread: Vec::new(),
            method_is_head: false,
        }
    }

    /// Writing may fail where the other side has responded and closed already: the response shows it.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.method_is_head |= bytes.as_ref().starts_with(b"HEAD ");
        let _ = self.socket.write_all(bytes.as_ref()).await;
    }

    /// Reads what is there; false at the end.
    async fn fill(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match timeout(LONGEST_WAIT, self.socket.read(&mut piece))
            .await
            .expect("more bytes in time")
        {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.unread.extend_from_slice(&piece[..read]);
                true
            }
        }
    }

    /// Status and headers of the next head; an interim one (`100 Continue`) counts as one.
    pub(crate) async fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(
                self.fill().await,
                "no head: {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).expect("a head in UTF-8");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.get(9..12))
            .and_then(|code| code.parse().ok());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        (
            status.unwrap_or_else(|| panic!("no status line: {head}")),
            headers.collect(),
        )
    }

    /// Exactly so many bytes of the body's framing.
    pub(crate) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert!(
                self.fill().await,
                "the response ends {} bytes too early",
                count - self.unread.len()
            );
        }
        self.unread.drain(..count).collect()
    }

    /// One chunk of a chunked body; empty at the end.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.exactly(1).await);
        }
        let size = std::str::from_utf8(&line).expect("a chunk's size").trim();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("no chunk size: {size:?}"));
        let data = self.exactly(size).await;
        assert_eq!(self.exactly(2).await, b"\r\n");
        data
    }

    /// The next final response with its body. Interim ones are skipped.
    pub(crate) async fn response(&mut self) -> RawResponse {
        let (status, headers) = loop {
            let (status, headers) = self.head().await;
            if status >= 200 {
                break (status, headers);
            }
        };
        let value_of = |name: &str| {
            headers
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        let mut body = Vec::new();
        if self.method_is_head || status == 204 || status == 304 {
        } else if value_of("transfer-encoding").is_some() {
            loop {
                let chunk = self.chunk().await;
                if chunk.is_empty() {
                    break;
                }
                body.extend(chunk);
            }
        } else if let Some(length) = value_of("content-length") {
            body = self.exactly(length.parse().expect("a length")).await;
        } else {
            while self.fill().await {}
            body = std::mem::take(&mut self.unread);
        }
        RawResponse { status, headers, body }
    }

    /// Whether the other side closes without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.fill().await
    }
}
