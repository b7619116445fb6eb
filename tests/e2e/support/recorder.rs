//! An upstream that keeps the bytes it gets.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::LONGEST_WAIT;

/// Responds to every request with `response` and keeps the request as it was on the wire.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    requests: mpsc::UnboundedReceiver<Recorded>,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// The one header of this name.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} comes twice: {self:?}");
        value
    }

    /// The names in `SignedHeaders`.
    #[track_caller]
    pub(crate) fn signed_headers(&self) -> Vec<&str> {
        let authorization = self.header("authorization").expect("it is signed");
        let list = authorization
            .split_once("SignedHeaders=")
            .expect("it names what is signed")
            .1;
        list.split(',').next().expect("a list").split(';').collect()
    }
}

impl Recorder {
    pub(crate) async fn start(response: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move { serve(socket, response, &sender).await });
            }
        });
        Self { address, requests }
    }

    /// The next request.
    pub(crate) async fn take(&mut self) -> Recorded {
        timeout(LONGEST_WAIT, self.requests.recv())
            .await
            .expect("a request in time")
            .expect("the recorder runs")
    }

    /// What has come so far, and was not taken.
    pub(crate) fn take_now(&mut self) -> Vec<Recorded> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }

    /// Whether nothing was sent so far.
    pub(crate) fn is_untouched(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// One request after the other; bodies have a length, since the proxy must give them one.
async fn serve(mut socket: TcpStream, response: &str, sender: &mpsc::UnboundedSender<Recorded>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            match socket.read_buf(&mut bytes).await {
                Ok(1..) => continue,
                _ => return,
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in UTF-8");
        let mut lines = head.split("\r\n");
        let target = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .expect("a request line")
            .to_owned();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(':').expect("a header"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or(0, |(_, value)| value.parse::<usize>().expect("a length"));
        assert!(
            headers.iter().all(|(name, _)| name != "transfer-encoding"),
            "AWS takes no chunks: {head}"
        );
        let whole = end + 4 + length;
        while bytes.len() < whole {
            if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        }
        let bytes_of_one: Vec<u8> = bytes.drain(..whole).collect();
        let body = bytes_of_one[end + 4..].to_vec();
        let _ = sender.send(Recorded {
            bytes: bytes_of_one,
            target,
            headers,
            body,
        });
        if socket.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}
