//! HTTP/1.1 as the service speaks it, by hand: so it sees the bytes that the proxy sent, and can break off anywhere.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

const MAX_HEAD: usize = 64 << 10;
const MAX_FIELDS: usize = 64;
const MAX_BODY: usize = 32 << 20;

/// A stream over TCP, which can be reset.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The head of a request.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    /// With lower-case names, in the order in which they came.
    pub(super) fields: Vec<(String, String)>,
}

impl Head {
    /// The value of a field that came once.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(given, _)| given == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    buffer: BytesMut,
}

impl<S: Socket> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        let buffer = BytesMut::with_capacity(16 << 10);
        Self { stream, buffer }
    }

    /// The next request's head, or `None` where the connection ended before one began.
    pub(super) async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some((head, length)) = parse(&self.buffer)? {
                self.buffer.advance(length);
                return Ok(Some(head));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(malformed("a head without an end"));
            }
            if !self.fill().await? {
                let is_clean = self.buffer.is_empty();
                return if is_clean {
                    Ok(None)
                } else {
                    Err(malformed("half a head"))
                };
            }
        }
    }

    /// The body of the request that this is the head of.
    pub(super) async fn body(&mut self, head: &Head) -> io::Result<Bytes> {
        let has = |name: &str| head.fields.iter().any(|(given, _)| given == name);
        match (head.field("content-length"), head.field("transfer-encoding")) {
            (None, None) if !has("content-length") && !has("transfer-encoding") => Ok(Bytes::new()),
            (Some(length), None) if !has("transfer-encoding") => {
                let length = length.parse().map_err(|_| malformed("content-length"))?;
                self.take(length).await
            }
            (None, Some("chunked")) if !has("content-length") => self.chunks().await,
            _ => Err(malformed("the framing of the body")),
        }
    }

    async fn chunks(&mut self) -> io::Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line().await?;
            let size = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16)
                .map_err(|_| malformed("the size of a chunk"))?;
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(body.freeze());
            }
            body.extend_from_slice(&self.take(size).await?);
            if body.len() > MAX_BODY || !self.line().await?.is_empty() {
                return Err(malformed("a chunk"));
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.buffer.split_to(end);
                self.buffer.advance(2);
                return String::from_utf8(line.into()).map_err(|_| malformed("a line"));
            }
            if self.buffer.len() > MAX_HEAD || !self.fill().await? {
                return Err(malformed("a line without an end"));
            }
        }
    }

    async fn take(&mut self, length: usize) -> io::Result<Bytes> {
        if length > MAX_BODY {
            return Err(malformed("the length of the body"));
        }
        self.buffer.reserve(length.saturating_sub(self.buffer.len()));
        while self.buffer.len() < length {
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    /// Whether anything came.
    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(8 << 10);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Ends the connection in order, after what was sent.
    pub(super) async fn close(mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Ends the connection as one does that is at its end itself.
    pub(super) fn reset(self) -> io::Result<()> {
        self.stream.tcp().set_zero_linger()
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn parse(bytes: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let status = request.parse(bytes).map_err(|error| malformed(&error.to_string()))?;
    let httparse::Status::Complete(length) = status else {
        return Ok(None);
    };
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).map_err(|_| malformed("a field that is not UTF-8"));
    let fields = request.headers.iter();
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        fields: fields
            .map(|field| Ok((field.name.to_ascii_lowercase(), text(field.value)?)))
            .collect::<io::Result<_>>()?,
    };
    Ok(Some((head, length)))
}
