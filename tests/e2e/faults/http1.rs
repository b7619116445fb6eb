//! A connection of HTTP/1.1 to a service that misbehaves.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::ledger::hash;
use super::script::{self, Moment, OK, Script, Then};
use super::service::Stage;

/// How the service ends a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Close,
    Reset,
}

/// Bytes of a body after which a fault comes in its middle.
pub(super) const SOME: usize = 20_000;

/// Reads what comes until the other side has ended the connection.
pub(super) async fn drain<T: AsyncRead + Unpin>(mut socket: T) -> Option<()> {
    let mut piece = vec![0; 64 * 1024];
    while socket.read(&mut piece).await.ok()? > 0 {}
    None
}

/// One request after the other; how the connection ends, `None` where it is over.
pub(super) async fn serve<T: AsyncRead + AsyncWrite + Unpin>(socket: T, stage: &Stage, born: u32) -> Option<(T, End)> {
    let mut socket = BufReader::new(socket);
    let mut is_pooled = false;
    loop {
        let first = tokio::select! {
            byte = socket.read_u8() => byte.ok()?,
            is_seen = stage.ends(born) => {
                if is_seen {
                    socket.shutdown().await.ok()?;
                    drain(socket).await;
                }
                return None;
            }
        };
        let number = stage.ledger.begin(is_pooled);
        is_pooled = true;
        let is_unread = script::of(stage.row.fault, false).filter(|script| script.moment == Moment::Unread);
        if let (Some(script), Some(1)) = (is_unread, number) {
            return Some((socket.into_inner(), end_of(script.then)));
        }
        let head = head(&mut socket, first).await?;
        let script = head.script(stage, number);
        match respond(&mut socket, stage, number, &head, script).await? {
            Then::Next => {}
            Then::Close => return Some((socket.into_inner(), End::Close)),
            Then::Reset => return Some((socket.into_inner(), End::Reset)),
            Then::End => {
                socket.shutdown().await.ok()?;
                return None;
            }
            Then::Wait => {
                drain(socket).await;
                return None;
            }
        }
    }
}

fn end_of(then: Then) -> End {
    if then == Then::Reset { End::Reset } else { End::Close }
}

/// Takes the body as the script has it, and says what the script says.
async fn respond<T: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut BufReader<T>,
    stage: &Stage,
    number: Option<usize>,
    head: &Head,
    script: Option<Script>,
) -> Option<Then> {
    let moment = script.as_ref().map_or(Moment::Whole, |script| script.moment);
    if head.expects && moment != Moment::Head && stage.row.fault != "no-100" {
        socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
        socket.flush().await.ok()?;
    }
    match moment {
        Moment::Middle => _ = socket.read_exact(&mut vec![0; SOME]).await.ok()?,
        Moment::Whole => {
            let body = head.body(socket).await?;
            stage.ledger.whole(number, &body);
            let wrong = head.wrong(&body);
            stage.ledger.note(number, |arrival| arrival.wrong = wrong);
            if !script.as_ref().is_some_and(|script| script.is_rejection) {
                stage.ledger.effect(number, stage.row.request.twice);
            }
        }
        Moment::Unread | Moment::Head => {}
    }
    let (mut bytes, then) = script.map_or((OK.to_owned(), Then::Next), |script| (script.bytes, script.then));
    if stage.row.is_head()
        && let Some(end) = bytes.rfind("\r\n\r\n")
    {
        bytes.truncate(end + 4);
    }
    socket.write_all(bytes.as_bytes()).await.ok()?;
    socket.flush().await.ok()?;
    if moment == Moment::Head && then == Then::Next {
        head.body(socket).await?;
    }
    Some(then)
}

/// What matters of a request's head.
struct Head {
    lower: String,
    expects: bool,
    token: String,
    date: String,
    hour: String,
}

async fn head<T: AsyncRead + Unpin>(socket: &mut T, first: u8) -> Option<Head> {
    let mut head = vec![first];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).expect("a head in UTF-8");
    let mut head = Head {
        lower: text.to_ascii_lowercase(),
        expects: false,
        token: String::new(),
        date: String::new(),
        hour: String::new(),
    };
    head.expects = head.field("expect") == Some("100-continue");
    head.token = head.field("x-amz-security-token").unwrap_or_default().to_owned();
    head.date = head.field("x-amz-date").unwrap_or_default().to_owned();
    head.hour = head.date.get(..11).unwrap_or_default().to_owned();
    Some(head)
}

impl Head {
    fn field(&self, name: &str) -> Option<&str> {
        let lines = self.lower.lines();
        lines
            .filter_map(|line| line.split_once(':'))
            .find_map(|(known, value)| (known == name).then_some(value.trim()))
    }

    /// What this request meets.
    fn script(&self, stage: &Stage, number: Option<usize>) -> Option<Script> {
        let number = number?;
        stage.ledger.note(Some(number), |arrival| {
            arrival.token.clone_from(&self.token);
            arrival.date.clone_from(&self.hour);
        });
        let (fault, code) = stage.row.fault();
        let service = stage.row.request.service;
        let is_first = number == 1;
        let (is_rejected, code, date) = match fault {
            "ended" | "ended-early" => {
                let mut ended = stage.ended.lock().expect("no panic");
                if is_first {
                    ended.insert(self.token.clone());
                }
                (ended.contains(&self.token), code, String::new())
            }
            "never" => (true, code, String::new()),
            "rotated" => {
                let is_old = self.field("authorization").is_some_and(|value| value.contains("old/"));
                (is_old, code, String::new())
            }
            "skewed" | "skewed-early" => {
                let is_ours = self.hour == stage.ledger.first().date;
                let date = script::date_in(Duration::from_hours(1));
                (is_ours, script::skew_code(service), date)
            }
            "skewed-days" => (
                true,
                script::skew_code(service),
                script::date_in(Duration::from_hours(72)),
            ),
            _ => {
                let script = script::of(fault, self.expects)?;
                return (is_first || script.is_lasting).then_some(script);
            }
        };
        let is_early = fault.ends_with("-early");
        let fields = date + if is_early { "connection: close\r\n" } else { "" };
        is_rejected.then(|| Script {
            moment: if is_early { Moment::Head } else { Moment::Whole },
            bytes: script::rejection(service, script::status_of(code), code, &fields),
            then: if is_early { Then::Close } else { Then::Next },
            is_rejection: true,
            is_lasting: true,
        })
    }

    /// The body, out of its framings.
    async fn body<T: AsyncRead + Unpin>(&self, socket: &mut T) -> Option<Vec<u8>> {
        let is_chunked = self.field("transfer-encoding").is_some();
        let raw = if is_chunked {
            chunks(socket).await?
        } else {
            let length = self
                .field("content-length")
                .map_or(0, |value| value.parse().expect("a length"));
            let mut body = vec![0; length];
            socket.read_exact(&mut body).await.ok()?;
            body
        };
        if self.field("x-amz-decoded-content-length").is_none() {
            return Some(raw);
        }
        chunks(&mut raw.as_slice()).await
    }

    /// What is wrong with a request whose body is this.
    fn wrong(&self, body: &[u8]) -> Option<String> {
        if self.field("authorization").is_none() {
            return Some("it is not signed".to_owned());
        }
        let signed = self.field("x-amz-content-sha256")?;
        (signed.len() == 64 && signed != hash(body)).then(|| "its body is not the one that was signed".to_owned())
    }
}

/// A body in chunks, of HTTP or of AWS, without what follows the last one.
async fn chunks<T: AsyncRead + Unpin>(socket: &mut T) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(socket.read_u8().await.ok()?);
        }
        let line = String::from_utf8(line).expect("a chunk's head");
        let size = line.trim().split(';').next().expect("a size");
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("no size: {size}"));
        let start = body.len();
        body.resize(start + size, 0);
        socket.read_exact(&mut body[start..]).await.ok()?;
        if size > 0 {
            socket.read_exact(&mut [0; 2]).await.ok()?;
            continue;
        }
        // An empty line at once, for HTTP's own framing.
        while !line_is_empty(socket).await? {}
        return Some(body);
    }
}

async fn line_is_empty<T: AsyncRead + Unpin>(socket: &mut T) -> Option<bool> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        match socket.read_u8().await {
            Ok(byte) => line.push(byte),
            // AWS's framing ends with its length.
            Err(_) => return Some(true),
        }
    }
    Some(line.len() == 2)
}
