//! A client that takes what comes, whole or not.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::LONGEST_WAIT;

/// What came of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Response {
    /// 0 where there was no head.
    pub(super) status: u16,
    /// Of the proxy's own errors and notices.
    pub(super) code: Option<String>,
    pub(super) body: Vec<u8>,
    /// Whether it came to the end that its head announces.
    pub(super) is_whole: bool,
}

/// A connection to the proxy.
pub(super) struct Client(BufReader<TcpStream>);

impl Client {
    pub(super) async fn connect(to: SocketAddr) -> Self {
        let socket = TcpStream::connect(to).await.expect("the proxy listens");
        socket.set_nodelay(true).expect("a socket option");
        Self(BufReader::new(socket))
    }

    /// Sends the bytes while it reads: responses may come early.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Response {
        let is_head = request.starts_with(b"HEAD ");
        let (mut reader, mut writer) = tokio::io::split(&mut self.0);
        let mut response = Response::default();
        let writing = async {
            // Where it fails, the response says why.
            let _ = writer.write_all(request).await;
            let _ = writer.flush().await;
            std::future::pending::<()>().await;
        };
        let reading = async {
            response.is_whole = read(&mut reader, is_head, &mut response).await.is_some();
        };
        tokio::select! {
            ended = timeout(LONGEST_WAIT, reading) => ended.expect("a response in time"),
            () = writing => {}
        }
        response
    }
}

/// `None` where it ends too early.
async fn read<T: AsyncRead + Unpin>(socket: &mut T, is_head: bool, response: &mut Response) -> Option<()> {
    let fields;
    loop {
        let head = line_until(socket, b"\r\n\r\n").await?;
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.get(9..12)?.parse().ok()?;
        if status < 200 {
            continue;
        }
        fields = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect::<Vec<_>>();
        response.status = status;
        break;
    }
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    response.code = field("x-signing-proxy-error").cloned();
    if is_head || matches!(response.status, 204 | 304) {
        return Some(());
    }
    if let Some(length) = field("content-length") {
        return exactly(socket, length.parse().ok()?, &mut response.body).await;
    }
    if field("transfer-encoding").is_none() {
        socket.read_to_end(&mut response.body).await.ok()?;
        return Some(());
    }
    loop {
        let size = line_until(socket, b"\r\n").await?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        exactly(socket, size, &mut response.body).await?;
        exactly(socket, 2, &mut Vec::new()).await?;
        if size == 0 {
            return Some(());
        }
    }
}

async fn line_until<T: AsyncRead + Unpin>(socket: &mut T, end: &[u8]) -> Option<String> {
    let mut line = Vec::new();
    while !line.ends_with(end) {
        line.push(socket.read_u8().await.ok()?);
    }
    String::from_utf8(line).ok()
}

/// What came is kept, should it be less.
async fn exactly<T: AsyncRead + Unpin>(socket: &mut T, length: usize, into: &mut Vec<u8>) -> Option<()> {
    let read = socket.take(u64::try_from(length).ok()?).read_to_end(into).await.ok()?;
    (read == length).then_some(())
}
