//! HTTP/2 as frames that no client library would write.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::LONGEST_WAIT;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// RFC 9113, section 6.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

// RFC 9113, section 7.
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const INTERNAL_ERROR: u32 = 2;

/// A frame that has come.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The next frame. Cancelled in the middle of one, it loses what has come of it.
pub(crate) async fn read_frame<T: AsyncRead + Unpin>(socket: &mut T) -> io::Result<Frame> {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).expect("a length")];
    socket.read_exact(&mut payload).await?;
    Ok(Frame {
        kind: head[3],
        flags: head[4],
        stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
        payload,
    })
}

/// A frame; stream 0 is the connection itself.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A head without compression: its fields, one after the other.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|(name, value)| field(name, value.as_bytes()))
        .collect()
}

/// A field without compression (RFC 7541, section 6.2.2), its name and value each shorter than 127 bytes.
pub(crate) fn field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name.as_bytes(), value] {
        field.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
        field.extend_from_slice(text);
    }
    field
}

/// What a request comes to.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// A response; its body.
    Response(String),
    /// The stream, or the whole connection, was ended with this error.
    Reset(u32),
}

/// Sends one request, whose [`block`] this is, on a connection of its own.
pub(crate) async fn send(to: SocketAddr, block: &[u8], data: Option<&str>) -> Outcome {
    let mut socket = TcpStream::connect(to).await.unwrap();
    let flags = END_HEADERS | if data.is_none() { END_STREAM } else { 0 };
    let head = frame(HEADERS, flags, 1, block);
    let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &head].concat();
    if let Some(data) = data {
        bytes.extend(frame(DATA, END_STREAM, 1, data.as_bytes()));
    }
    socket.write_all(&bytes).await.unwrap();
    timeout(LONGEST_WAIT, outcome(&mut socket))
        .await
        .expect("an outcome in time")
}

async fn outcome(socket: &mut TcpStream) -> Outcome {
    let mut body = Vec::new();
    loop {
        let frame = read_frame(socket).await.expect("a frame");
        let number = |at: usize| u32::from_be_bytes(frame.payload[at..at + 4].try_into().unwrap());
        match frame.kind {
            DATA => body.extend_from_slice(&frame.payload),
            RST_STREAM => return Outcome::Reset(number(0)),
            GOAWAY if number(4) != NO_ERROR => return Outcome::Reset(number(4)),
            _ => {}
        }
        if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
            return Outcome::Response(String::from_utf8(body).unwrap());
        }
    }
}
