//! A connection of HTTP/2 to a service that misbehaves, frame by frame: one request at a time, whose fields are not decoded.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::http1::{End, SOME, drain};
use super::service::Stage;
use crate::support::http2::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INTERNAL_ERROR, NO_ERROR, PREFACE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, block, frame, read_frame,
};

// RFC 9113, sections 6 and 7.
const PING: u8 = 6;
const ACK: u8 = 1;
const PADDED: u8 = 8;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

/// What becomes of the connection after a fault.
enum Next {
    /// It goes on.
    On,
    /// It ends at once.
    Now(End),
    /// It ends once the proxy has taken all that was sent.
    AfterAll,
}

/// A request on its way.
#[derive(Default)]
struct Coming {
    stream: u32,
    number: Option<usize>,
    body: Vec<u8>,
    /// It has been dealt with.
    is_over: bool,
}

/// How the connection ends, `None` where it is over.
pub(super) async fn serve<T: AsyncRead + AsyncWrite + Unpin>(
    mut socket: T,
    stage: &Stage,
    born: u32,
) -> Option<(T, End)> {
    let mut preface = [0; PREFACE.len()];
    socket.read_exact(&mut preface).await.ok()?;
    assert_eq!(preface, PREFACE);
    send(&mut socket, frame(SETTINGS, 0, 0, &[])).await?;
    let mut coming = Coming {
        is_over: true,
        ..Coming::default()
    };
    let mut is_pooled = false;
    loop {
        let frame = tokio::select! {
            // Cancelled only while the connection is idle: no frame is in transit then.
            frame = read_frame(&mut socket) => frame.ok()?,
            is_seen = stage.ends(born), if coming.is_over => {
                if is_seen {
                    socket.shutdown().await.ok()?;
                    drain(socket).await;
                }
                return None;
            }
        };
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => send(&mut socket, self::frame(SETTINGS, ACK, 0, &[])).await?,
            PING if frame.flags & ACK == 0 => send(&mut socket, self::frame(PING, ACK, 0, &frame.payload)).await?,
            HEADERS if frame.stream > coming.stream => {
                coming = Coming {
                    stream: frame.stream,
                    number: stage.ledger.begin(is_pooled),
                    ..Coming::default()
                };
                is_pooled = true;
            }
            DATA => take(&mut socket, &frame, &mut coming).await?,
            _ => {}
        }
        let is_ours = matches!(frame.kind, HEADERS | DATA) && frame.stream == coming.stream && !coming.is_over;
        if !is_ours {
            continue;
        }
        let is_whole = frame.flags & END_STREAM != 0;
        match proceed(&mut socket, stage, &mut coming, is_whole).await? {
            Next::On => {}
            Next::Now(end) => return Some((socket, end)),
            Next::AfterAll => {
                drain(socket).await;
                return None;
            }
        }
    }
}

/// Whether the request has come far enough for its fault, and then that; or the response, where it is whole.
async fn proceed<T: AsyncWrite + Unpin>(
    socket: &mut T,
    stage: &Stage,
    coming: &mut Coming,
    is_whole: bool,
) -> Option<Next> {
    let fault = if coming.number == Some(1) {
        stage.row.fault
    } else {
        "none"
    };
    let is_early = fault.starts_with("early") || matches!(fault, "h2-refused" | "h2-goaway-unprocessed");
    let is_middle = fault.ends_with("-middle") && coming.body.len() >= SOME;
    if !is_whole && !is_early && !is_middle {
        return Some(Next::On);
    }
    coming.is_over = true;
    if is_whole && !is_early {
        stage.ledger.whole(coming.number, &coming.body);
        if fault != "503" {
            stage.ledger.effect(coming.number, stage.row.request.twice);
        }
    }
    let stream = coming.stream;
    let reset = |code: u32| frame(RST_STREAM, 0, stream, &code.to_be_bytes());
    let go_away = |last: u32, code: u32| frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat());
    let interim = |status| frame(HEADERS, END_HEADERS, stream, &block(&[(":status", status)]));
    let whole = |status, body: &str| {
        let length = body.len().to_string();
        let head = frame(
            HEADERS,
            END_HEADERS,
            stream,
            &block(&[(":status", status), ("content-length", &length)]),
        );
        [head, frame(DATA, END_STREAM, stream, body.as_bytes())].concat()
    };
    let cut = || {
        let fields = block(&[(":status", "200"), ("content-length", "100")]);
        let head = frame(HEADERS, END_HEADERS, stream, &fields);
        [head, frame(DATA, 0, stream, b"only this")].concat()
    };
    let ok = whole("200", "done");
    let (bytes, next) = match fault {
        "h2-refused" => (reset(REFUSED_STREAM), Next::On),
        "h2-reset" => (reset(INTERNAL_ERROR), Next::On),
        "h2-cancel" => (reset(CANCEL), Next::On),
        "h2-goaway-unprocessed" => (go_away(stream.saturating_sub(2), NO_ERROR), Next::AfterAll),
        "h2-goaway-error" => (go_away(stream, INTERNAL_ERROR), Next::Now(End::Close)),
        "h2-goaway-response" => ([go_away(stream, NO_ERROR), ok].concat(), Next::AfterAll),
        "h2-garbage" => (b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec(), Next::Now(End::Close)),
        "h2-cut" => ([cut(), reset(INTERNAL_ERROR)].concat(), Next::On),
        "cut-length" => (cut(), Next::Now(End::Close)),
        "close" | "close-middle" => (vec![], Next::Now(End::Close)),
        "reset" => (vec![], Next::Now(End::Reset)),
        "stall" => (vec![], Next::AfterAll),
        "503" | "early-503-kept" => (whole("503", "<Error>x</Error>"), Next::On),
        "early-503" => ([whole("503", "<Error>x</Error>"), reset(NO_ERROR)].concat(), Next::On),
        "100-unrequested" => ([interim("100"), ok].concat(), Next::On),
        "103-first" => ([interim("103"), ok].concat(), Next::On),
        "none" | "idle-closed" | "restart" | "tls-drop" => (ok, Next::On),
        other => panic!("no fault of HTTP/2: {other}"),
    };
    send(socket, bytes).await?;
    Some(next)
}

/// Takes a piece of the body, and lets as much more come.
async fn take<T: AsyncWrite + Unpin>(socket: &mut T, frame: &Frame, coming: &mut Coming) -> Option<()> {
    let data = match frame.payload.split_first() {
        Some((padding, data)) if frame.flags & PADDED != 0 => &data[..data.len() - usize::from(*padding)],
        _ => &frame.payload,
    };
    if frame.stream == coming.stream {
        coming.body.extend_from_slice(data);
    }
    let more = u32::try_from(frame.payload.len()).expect("a frame");
    if more > 0 {
        let more = more.to_be_bytes();
        let mut updates = self::frame(WINDOW_UPDATE, 0, 0, &more);
        if frame.flags & END_STREAM == 0 && !coming.is_over {
            updates.extend(self::frame(WINDOW_UPDATE, 0, frame.stream, &more));
        }
        send(socket, updates).await?;
    }
    Some(())
}

async fn send<T: AsyncWrite + Unpin>(socket: &mut T, bytes: Vec<u8>) -> Option<()> {
    socket.write_all(&bytes).await.ok()?;
    socket.flush().await.ok()
}
