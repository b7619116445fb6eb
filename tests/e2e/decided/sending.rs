//! A request in one of the ways that HTTP has for it.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::dice::Dice;
use super::made::Made;
use crate::support::{LONGEST_WAIT, Wire};

type Pieces = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, std::convert::Infallible>>>>;

/// What came of a request.
pub(super) struct Sent {
    pub(super) framing: &'static str,
    /// The proxy's own error.
    pub(super) error: Option<String>,
}

/// The client's side: it keeps its connections as long as it may.
pub(super) struct Sender {
    to: SocketAddr,
    wire: Option<Wire>,
    http2: Option<SendRequest<Pieces>>,
}

impl Sender {
    pub(super) fn new(to: SocketAddr) -> Self {
        Self {
            to,
            wire: None,
            http2: None,
        }
    }

    /// Sends it to a connection of the proxy, by a framing that the dice choose.
    pub(super) async fn send(&mut self, dice: &mut Dice, connection: &str, request: &Made) -> Sent {
        let mut request = request.clone();
        if dice.one_in(2) {
            request.target = format!("/@{connection}{}", request.target);
        } else {
            request.add("X-Signing-Proxy-Connection", connection);
        }
        let mut framing = dice.pick(&["length", "chunks", "HTTP/1.0", "HTTP/2", "aws-chunked"]);
        let over_2 = dice.one_in(3);
        if framing == "aws-chunked" {
            match connection.ends_with("-s3") && !request.body.is_empty() {
                true => aws_chunked(dice, &mut request),
                false => framing = "length",
            }
        }
        let error = if framing == "HTTP/2" || (framing == "aws-chunked" && over_2) {
            self.by_http2(dice, &request).await
        } else {
            self.by_http1(dice, framing, &request).await
        };
        Sent { framing, error }
    }

    async fn by_http1(&mut self, dice: &mut Dice, framing: &str, request: &Made) -> Option<String> {
        let version = if framing == "HTTP/1.0" { "HTTP/1.0" } else { "HTTP/1.1" };
        let mut lines: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        lines.push("Host: localhost\r\n".to_owned());
        let body = &request.body;
        let mut sent = body.clone();
        if framing == "chunks" && (!body.is_empty() || dice.one_in(3)) {
            lines.push("Transfer-Encoding: chunked\r\n".to_owned());
            sent.clear();
            for piece in dice.pieces(body).iter().map(|piece| &piece[..]).chain([&[][..]]) {
                sent.extend(format!("{:x}\r\n", piece.len()).bytes());
                sent.extend(piece);
                sent.extend(b"\r\n");
            }
        } else if !body.is_empty() || matches!(&*request.method, "PUT" | "POST") || dice.one_in(5) {
            lines.push(format!("Content-Length: {}\r\n", body.len()));
        }
        dice.shuffle(&mut lines);
        let head = format!(
            "{} {} {version}\r\n{}\r\n",
            request.method,
            request.target,
            lines.concat()
        );
        let mut bytes = head.into_bytes();
        bytes.extend(sent);
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => Wire::connect(self.to).await,
        };
        wire.send(bytes).await;
        let response = timeout(LONGEST_WAIT, wire.response())
            .await
            .expect("a response in time");
        let is_over = response.header("connection").is_some_and(|value| value == "close");
        // What stays open behind a HEAD is left: this client knows one method for all its responses.
        if !is_over && version == "HTTP/1.1" && request.method != "HEAD" {
            self.wire = Some(wire);
        }
        response.header("x-signing-proxy-error").map(str::to_owned)
    }

    async fn by_http2(&mut self, dice: &mut Dice, request: &Made) -> Option<String> {
        let mut pieces: Vec<_> = dice.pieces(&request.body);
        if dice.one_in(4) {
            pieces.push(Vec::new());
        }
        let frames: Vec<_> = pieces
            .into_iter()
            .map(|piece| Ok(Frame::data(Bytes::from(piece))))
            .collect();
        let mut builder = http::Request::builder()
            .method(&*request.method)
            .uri(format!("http://localhost{}", request.target));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if dice.one_in(3) {
            builder = builder.header("content-length", request.body.len());
        }
        let request = builder.body(StreamBody::new(stream::iter(frames))).expect("a request");
        let exchange = async {
            let sender = self.http2().await;
            let response = sender.send_request(request).await.expect("a response");
            let error = response.headers().get("x-signing-proxy-error").cloned();
            response.into_body().collect().await.expect("a whole body");
            error
        };
        let error = timeout(LONGEST_WAIT, exchange).await.expect("a response in time");
        error.map(|value| value.to_str().expect("a text").to_owned())
    }

    async fn http2(&mut self) -> &mut SendRequest<Pieces> {
        if let Some(sender) = &mut self.http2
            && sender.ready().await.is_err()
        {
            self.http2 = None;
        }
        if self.http2.is_none() {
            let socket = TcpStream::connect(self.to).await.expect("somebody listens");
            socket.set_nodelay(true).expect("a socket option");
            let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(socket))
                .await
                .expect("a connection");
            tokio::spawn(connection);
            self.http2 = Some(sender);
        }
        self.http2.as_mut().expect("just made")
    }
}

/// The body in chunks that a client has signed.
fn aws_chunked(dice: &mut Dice, request: &mut Made) {
    request.add("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    request.add("X-Amz-Decoded-Content-Length", &request.body.len().to_string());
    request.add("Content-Encoding", "aws-chunked");
    let mut body = Vec::new();
    for piece in dice
        .pieces(&request.body)
        .iter()
        .map(|piece| &piece[..])
        .chain([&[][..]])
    {
        body.extend(format!("{:x};chunk-signature={}\r\n", piece.len(), "0".repeat(64)).bytes());
        body.extend(piece);
        body.extend(b"\r\n");
    }
    request.body = body;
}
